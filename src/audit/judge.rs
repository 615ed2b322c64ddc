//! Each Tiller, judged.

use std::collections::BTreeMap;

use super::certificates::missing;
use super::labels;
use super::listed::Listed;
use super::openers::findings;
use super::pods::{Made, account};
use super::reach::Reached;
use super::report::{AuditedPod, AuditedTiller, Enforced, Next, ObjectName, Step};
use super::take::Audit;
use super::workloads::{Kept, Key};
use crate::json::Reader;
use crate::k8s;
use crate::policy::exposure::ExposureKind;
use crate::policy::rbac::Account;
use crate::policy::{
    Action, Arrival, Circumstances, Context, Decision, Knowledge, Mode, Object, Outcome, Policy,
    Verdict, Webhook, Workload, WorkloadKind, decide,
};
use crate::releases::Listing;
use crate::report;

/// A Tiller with everything that controllers created for it. The first object is the one that people edit.
type Members<'a> = Vec<(&'a Key, &'a Kept, Object<'a>)>;

/// What decides who can reach a Tiller's port.
const KINDS: [Listed; 6] = [
    Listed::Exposure(ExposureKind::Service),
    Listed::Exposure(ExposureKind::Ingress),
    Listed::Exposure(ExposureKind::HttpRoute),
    Listed::Exposure(ExposureKind::GrpcRoute),
    Listed::Exposure(ExposureKind::TlsRoute),
    Listed::Exposure(ExposureKind::TcpRoute),
];

impl Audit {
    /// Every Tiller, by namespace and name.
    pub(super) fn judged(&self, listing: &Listing) -> Vec<AuditedTiller> {
        let groups = self.workloads.groups().into_iter();
        let judged = groups.filter_map(|(root, members)| {
            let members = read(root, &members);
            let told = self.is_told_of(Some(&root.1));
            told.then(|| self.judge(&members, listing))?
        });
        let mut judged: Vec<_> = judged.collect();
        judged.sort_by(|one, other| {
            let place = |it: &'_ AuditedTiller| (it.object.namespace.clone(), it.object.clone());
            place(one).cmp(&place(other))
        });
        judged
    }

    fn judge(&self, members: &Members<'_>, listing: &Listing) -> Option<AuditedTiller> {
        let Policy {
            settings, modes, ..
        } = &self.basis.policy;
        let (key, kept, object) = members.first()?;
        let workload = object.workload()?;
        let namespace = &*key.1;
        let knowledge = without(&self.knowledge, members);
        let context = Context::new(self.basis.now, &knowledge);
        let verdict = decide(object, settings, &context);
        let containers: Vec<report::Tiller> = verdict.tillers.iter().map(Into::into).collect();
        let mut findings = findings(&verdict);
        let mounted = self.missing_secret(workload, false);
        findings.extend(mounted.map(|name| missing(namespace, name)));
        let account = account(namespace, workload);
        let network = network(&verdict, workload);
        let made = Made {
            containers: &containers,
            account,
            network: &network,
            findings: &findings,
        };
        let pods = self.pods(members, &made, &context);
        let own = || members.iter().map(|(key, kept, _)| (*key, *kept));
        let labels = labels::of(own());
        let reached = Reached {
            namespace,
            accounts: accounts(account, members),
            members: own().collect(),
            labels: &labels,
        };
        let next = self.next(members, &verdict, &context);
        let missing = self.missing_secret(workload, next.hardens());
        Some(AuditedTiller {
            object: ObjectName {
                kind: key.0.as_str().to_owned(),
                namespace: Some(namespace.to_owned()),
                name: key.2.to_string(),
            },
            created: kept.created.clone(),
            state: match state(kept, &pods) {
                "running" => "running",
                _ if self.lacks_pods() => "unknown",
                state => state,
            },
            team: knowledge
                .team_in(namespace)
                .map(|team| team.name.to_string()),
            mode: modes.of(Some(namespace)).as_str(),
            next,
            missing_secret: missing.map(|name| format!("{namespace}/{name}")),
            releases: self.records.of(namespace, listing),
            account: account.to_string(),
            can_reach: self.can_reach(account),
            reached_by: self.reached_by(&reached),
            reached_by_unknown: self.unnamed(),
            network,
            findings,
            exposed_by: self.known(KINDS, || self.exposures.leading_to(namespace, &labels)),
            certificates: self.known([Listed::Certificates], || {
                self.certificates.of(namespace, self.basis.now)
            }),
            containers,
            pods,
        })
    }

    fn pods(
        &self,
        members: &Members<'_>,
        made: &Made<'_>,
        context: &Context<'_>,
    ) -> Vec<AuditedPod> {
        let pods = members
            .iter()
            .filter(|(key, kept, _)| key.0 == WorkloadKind::Pod && !kept.finished);
        let pods = pods.filter_map(|(key, kept, object)| {
            let verdict = decide(object, &self.basis.policy.settings, context);
            let workload = object.workload()?;
            let account = account(&key.1, workload);
            let network = network(&verdict, workload);
            let mut findings = findings(&verdict);
            findings.retain(|own| !made.has(own));
            let same = made.runs(&verdict)
                && account == made.account
                && network == *made.network
                && findings.is_empty();
            Some(AuditedPod {
                name: key.2.to_string(),
                phase: kept.phase.clone(),
                differs: !same,
                account: account.to_string(),
                can_reach: (account != made.account).then(|| self.can_reach(account)),
                network,
                findings,
            })
        });
        pods.collect()
    }

    /// What the guard does if a pod is created again, and if the object is applied again.
    fn next(&self, members: &Members<'_>, verdict: &Verdict<'_>, context: &Context<'_>) -> Next {
        let is_pod = |(key, kept, _): &&(&Key, &Kept, Object<'_>)| {
            key.0 == WorkloadKind::Pod && !kept.finished
        };
        let pod = members.iter().find(is_pod);
        let of_pod = pod.map(|(_, _, object)| decide(object, &self.basis.policy.settings, context));
        let is_root = members
            .first()
            .is_some_and(|(key, ..)| key.0 == WorkloadKind::Pod);
        let namespace = members.first().map(|(key, ..)| &*key.1);
        let mode = self.basis.policy.modes.of(namespace);
        // A pod without a controller is made again by a person, as a new one.
        let (arrival, restart) = if is_root {
            (Arrival::New, true)
        } else {
            (Arrival::Made, false)
        };
        // Which pod is replaced, and of which template.
        let is_unknown = !is_root && self.lacks_pods();
        let update = if is_root {
            Arrival::New
        } else {
            Arrival::Known
        };
        let policy = &self.basis.policy;
        let steps = |mode| {
            let restart = if is_unknown {
                Step {
                    answer: "unknown",
                    rules: Vec::new(),
                }
            } else {
                let verdict = of_pod.as_ref().unwrap_or(verdict);
                step(verdict, mode, arrival, restart, policy)
            };
            (restart, step(verdict, mode, update, true, policy))
        };
        let only_reports = matches!(mode, Mode::Audit | Mode::Warn);
        let (restart, update) = steps(mode);
        Next {
            restart,
            update,
            with_enforce: only_reports.then(|| {
                let (restart, update) = steps(Mode::Enforce);
                Enforced { restart, update }
            }),
        }
    }
}

/// The account of a Tiller, and those of its pods that have not finished.
fn accounts<'a>(own: Account<'a>, members: &'a Members<'a>) -> Vec<Account<'a>> {
    let pods = members
        .iter()
        .filter(|(key, kept, _)| key.0 == WorkloadKind::Pod && !kept.finished);
    let of_pods = pods.filter_map(|(key, _, object)| Some(account(&key.1, object.workload()?)));
    let mut accounts = vec![own];
    for account in of_pods {
        if !accounts.contains(&account) {
            accounts.push(account);
        }
    }
    accounts
}

/// The judged objects, the root first.
fn read<'a>(root: &Key, members: &[(&'a Key, &'a Kept)]) -> Members<'a> {
    let read = members.iter().filter_map(|(key, kept)| {
        let mut object = k8s::read(key.0, Reader::new(&kept.json)).ok()?;
        if let Object::Workload(workload) = &mut object {
            workload.by_controller = workload.maker.is_some();
        }
        Some((*key, *kept, object))
    });
    let mut members: Members<'a> = read.collect();
    members.sort_by_key(|(key, ..)| *key != root);
    members
}

fn step(
    verdict: &Verdict<'_>,
    mode: Mode,
    arrival: Arrival,
    can_be_patched: bool,
    policy: &Policy,
) -> Step {
    let circumstances = Circumstances {
        webhook: Webhook::Mutate,
        arrival,
        can_be_patched,
        may_break_glass: false,
    };
    let outcome = Outcome::of(verdict, mode, circumstances, &policy.settings);
    let answer = match outcome.decision {
        Decision::Unconcerned | Decision::Allowed => "allowed",
        Decision::Hardened => "hardened",
        Decision::Refused | Decision::BreakGlass | Decision::Trial => "refused",
        Decision::Audited | Decision::Warned => "left",
    };
    let refuses = |action: Action| match action {
        Action::Refuse => true,
        Action::Harden => !can_be_patched,
        Action::Report => mode == Mode::Forbid,
    };
    let found = verdict.findings.iter().filter(|it| refuses(it.action));
    let mut rules: Vec<_> = match &outcome.objection {
        Some(objection) => vec![objection.rule.id],
        None => found.map(|it| it.rule.id).collect(),
    };
    rules.dedup();
    if answer != "refused" {
        rules.clear();
    }
    Step { answer, rules }
}

/// Knowledge of the cluster without these objects, because no Tiller is a second Tiller beside itself.
fn without(knowledge: &Knowledge, members: &Members<'_>) -> Knowledge {
    members
        .iter()
        .fold(knowledge.clone(), |knowledge, (key, _, object)| {
            let own = object.workload().and_then(Workload::tiller_use);
            let knowledge =
                own.map_or_else(|| knowledge.clone(), |own| knowledge.without_tiller(own));
            match key.0 {
                WorkloadKind::Pod => knowledge.without_tiller_pod(&key.1, &key.2),
                _ => knowledge,
            }
        })
}

fn state(root: &Kept, pods: &[AuditedPod]) -> &'static str {
    let is_in = |phase: &str| pods.iter().any(|pod| pod.phase == phase);
    match pods {
        [_, ..] if is_in("Running") => "running",
        [_, ..] if is_in("Pending") => "pending",
        [] if root.finished => "finished",
        [] if root.idle => "scaled-to-zero",
        _ => "not-running",
    }
}

/// Who in the cluster's network can reach a Tiller's port.
fn network(verdict: &Verdict<'_>, workload: &Workload<'_>) -> report::Maybe<&'static str> {
    use report::Maybe::{Known, Unknown};
    let mut found: BTreeMap<u8, report::Maybe<&'static str>> = BTreeMap::new();
    for container in &verdict.tillers {
        let tiller = report::Tiller::from(container);
        let effective = tiller.effective;
        let reached = match (
            tiller.starts.starts,
            effective.listen,
            effective.tls.enabled,
            effective.tls.verify,
        ) {
            (Known(false), ..) => Known("nobody"),
            (_, Known(address), ..) if is_loopback(&address) => Known("own-pod"),
            (_, _, Known(true), Known(true)) => Known("certificates"),
            (_, Unknown { unknown }, ..)
            | (_, _, Unknown { unknown }, _)
            | (_, _, Known(true), Unknown { unknown }) => Unknown { unknown },
            (_, Known(_), ..) => Known("everybody"),
        };
        let rank = match &reached {
            Known("everybody") => 0,
            Unknown { .. } => 1,
            Known("certificates") => 2,
            Known("own-pod") => 3,
            Known(_) => 4,
        };
        found.insert(rank, reached);
    }
    let reached = found.into_values().next().unwrap_or(Known("nobody"));
    // What listens on loopback in the node's network is open to all that runs in that.
    if workload.pod.host_network == Some(true) && reached == Known("own-pod") {
        return Known("everybody");
    }
    reached
}

fn is_loopback(address: &str) -> bool {
    ["localhost:", "127.", "[::1]:"]
        .iter()
        .any(|it| address.starts_with(it))
}
