//! The workloads that run a Tiller or use a Tiller's service account, and which of them belong together.

use std::collections::{BTreeMap, BTreeSet};

use super::basis::Basis;
use super::meta::Meta;
use super::openers::opener;
use super::report::Opener;

use crate::gather::Gather as _;
use crate::pod::PodSpec;
use crate::policy::rbac::Account;
use crate::policy::{
    Context, Knowledge, Object, ObjectKind, Settings, Workload, WorkloadKind, decide,
};

/// What is kept of workloads.
#[derive(Debug, Default)]
pub(super) struct Workloads {
    /// Those with a Tiller.
    pub(super) tillers: BTreeMap<Key, Kept>,
    /// Deployments without one.
    plain: BTreeSet<Key>,
    /// Others that run as an account of their own.
    others: BTreeMap<Key, Other>,
    /// All that a right may name, by namespace.
    named: BTreeMap<Box<str>, Vec<Named>>,
}

/// A workload, as far as it matters for rights to it by its name.
#[derive(Debug)]
struct Named {
    kind: WorkloadKind,
    name: Box<str>,
    /// The service account; empty for the account `default`.
    account: Box<str>,
}

/// Names of objects, with the API group and the resource.
pub(super) type Names<'n> = (&'static str, &'static str, Vec<&'n str>);

/// Kind, namespace and name.
pub(super) type Key = (WorkloadKind, Box<str>, Box<str>);

/// A workload with a Tiller.
#[derive(Debug)]
pub(super) struct Kept {
    /// The object.
    pub(super) json: Box<str>,
    pub(super) created: String,
    pub(super) phase: String,
    /// Whether it wants no pod now, or has finished.
    pub(super) idle: bool,
    pub(super) finished: bool,
    /// What it was made of.
    maker: Option<Key>,
    /// The labels of its pods.
    pub(super) labels: BTreeMap<String, String>,
    /// The node on which a pod runs.
    pub(super) node: Box<str>,
}

#[derive(Debug)]
struct Other {
    account: Box<str>,
    maker: Option<Key>,
}

// === impl Workloads ===

impl Workloads {
    /// Keeps a workload if it matters. True if it holds a Tiller.
    pub(super) fn take(
        &mut self,
        workload: &Workload<'_>,
        object: &str,
        settings: &Settings,
    ) -> Result<bool, String> {
        let namespace = workload.namespace.as_deref().unwrap_or_default();
        let key = key(workload.kind, namespace, &workload.name);
        let maker = workload.controller();
        let maker = maker.map(|(kind, name)| self::key(kind, namespace, name));
        self.name(workload, namespace, object);
        if !settings.takes_for_tiller(workload) {
            if workload.kind == WorkloadKind::Deployment {
                self.plain.insert(key.clone());
            }
            let account = workload.pod.account().as_str();
            if !account.is_empty() && account != "default" {
                let account = account.into();
                self.others.insert(key, Other { account, maker });
            }
            return Ok(false);
        }
        let meta = Meta::read(object).map_err(|error| error.to_string())?;
        let Meta { metadata, status } = meta;
        let status = status.unwrap_or_default();
        let (labels, node) = of_pod(workload.kind, object).unwrap_or_default();
        let phase = status.phase.unwrap_or_default();
        let kept = Kept {
            json: object.into(),
            created: metadata.creation_timestamp.unwrap_or_default(),
            finished: status.completion_time.is_some()
                || matches!(phase.as_str(), "Succeeded" | "Failed"),
            phase,
            idle: workload.idle,
            maker,
            labels,
            node,
        };
        self.tillers.insert(key, kept);
        Ok(true)
    }

    /// Keeps the name of a workload, unless it is a pod that has finished.
    fn name(&mut self, workload: &Workload<'_>, namespace: &str, object: &str) {
        if workload.kind == WorkloadKind::Pod && has_finished(object) {
            return;
        }
        let account = match workload.pod.account().as_str() {
            "default" => "",
            account => account,
        };
        let named = Named {
            kind: workload.kind,
            name: (&*workload.name).into(),
            account: account.into(),
        };
        let own = self.named.entry(namespace.into()).or_default();
        own.push(named);
    }

    /// What makes pods in a namespace and can be changed to run as another account, apart from these objects.
    pub(super) fn makers(&self, namespace: &str, except: &BTreeSet<&Key>) -> Vec<Names<'_>> {
        let own = self.named.get(namespace).into_iter().flatten();
        let others = own.filter(|it| {
            !matches!(it.kind, WorkloadKind::Pod | WorkloadKind::Job)
                && !except.contains(&(it.kind, namespace.into(), it.name.clone()))
        });
        by_resource(others.map(|it| (it.kind, &*it.name)))
    }

    /// The names of the pods in a namespace that run as one of these accounts, in order.
    pub(super) fn pods_as(&self, namespace: &str, accounts: &[Account<'_>]) -> BTreeSet<&str> {
        let own = self.named.get(namespace).into_iter().flatten();
        let runs_as = |account: &str| {
            let account = if account.is_empty() {
                "default"
            } else {
                account
            };
            accounts.iter().any(|it| it.name == account)
        };
        let pods = own.filter(|it| it.kind == WorkloadKind::Pod && runs_as(&it.account));
        pods.map(|it| &*it.name).gather()
    }

    /// Each Tiller with all that controllers make of it.
    pub(super) fn groups(&self) -> BTreeMap<&Key, Vec<(&Key, &Kept)>> {
        let mut groups: BTreeMap<&Key, Vec<(&Key, &Kept)>> = BTreeMap::new();
        for (key, kept) in &self.tillers {
            groups.entry(self.root(key)).or_default().push((key, kept));
        }
        // What a Deployment keeps of its time as a Tiller runs nothing.
        groups.retain(|root, members| {
            let is_kept = |(_, kept): &(&Key, &Kept)| kept.idle && self.is_of_plain(kept);
            root.0 != WorkloadKind::ReplicaSet || !members.iter().all(is_kept)
        });
        groups
    }

    /// Whether a Deployment made it that holds no Tiller now.
    fn is_of_plain(&self, kept: &Kept) -> bool {
        let maker = kept.maker.as_ref();
        maker.is_some_and(|maker| self.plain.contains(maker))
    }

    /// The topmost owner of this object that holds a Tiller. Owners form no circle: each creates another kind.
    fn root<'k>(&'k self, key: &'k Key) -> &'k Key {
        let mut root = key;
        while let Some((maker, _)) = self
            .tillers
            .get(root)
            .and_then(|kept| self.tillers.get_key_value(kept.maker.as_ref()?))
        {
            root = maker;
        }
        root
    }

    /// Workloads that run as a Tiller's service account and hold no Tiller. A pod or ReplicaSet of such a workload is not reported
    /// separately.
    pub(super) fn borrowed(&self, knowledge: &Knowledge, basis: &Basis) -> Vec<Opener> {
        let settings = &basis.policy.settings;
        let of_tiller = |(key, other): (&Key, &Other)| {
            let account = Account {
                namespace: &key.1,
                name: &other.account,
            };
            knowledge.is_tiller_account(account, settings)
        };
        let borrowers: Vec<_> = self.others.iter().filter(|it| of_tiller(*it)).collect();
        let keys: BTreeSet<&Key> = borrowers.iter().map(|(key, _)| *key).gather();
        let made = |other: &Other| other.maker.as_ref().is_some_and(|it| keys.contains(it));
        let own = borrowers.into_iter().filter(|(_, other)| !made(other));
        own.filter_map(|(key, other)| borrower(key, &other.account, knowledge, basis))
            .collect()
    }
}

fn borrower(key: &Key, account: &str, knowledge: &Knowledge, basis: &Basis) -> Option<Opener> {
    let (kind, namespace, name) = key;
    // What is judged of it: where it is, and whose rights it has.
    let object = Object::from(Workload {
        kind: *kind,
        namespace: Some((&**namespace).into()),
        placeholder: None,
        name: (&**name).into(),
        idle: false,
        metadata: None,
        former_storage: None,
        writer: crate::policy::Writer::Unknown,
        maker: None,
        by_controller: false,
        pod: PodSpec {
            service_account_name: account.into(),
            ..PodSpec::default()
        },
    });
    let context = Context::new(basis.now, knowledge);
    let verdict = decide(&object, &basis.policy.settings, &context);
    opener(&object, &verdict)
}

pub(super) fn key(kind: WorkloadKind, namespace: &str, name: &str) -> Key {
    (kind, namespace.into(), name.into())
}

/// These objects by API group and resource: a right names one of the groups that serve it.
pub(super) fn by_resource<'n>(
    objects: impl Iterator<Item = (WorkloadKind, &'n str)>,
) -> Vec<Names<'n>> {
    let mut names: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for (kind, name) in objects {
        let kind = ObjectKind::from(kind);
        for api in kind.apis() {
            let own = names.entry((api.group, kind.resource())).or_default();
            own.insert(name);
        }
    }
    let each = names.into_iter();
    each.map(|((group, resource), names)| (group, resource, names.into_iter().collect()))
        .collect()
}

/// Whether a pod has finished. Most have not, and are not read for it.
fn has_finished(pod: &str) -> bool {
    let phases = ["Succeeded", "Failed"];
    if !phases.iter().any(|it| pod.contains(it)) {
        return false;
    }
    let status = Meta::read(pod).ok().and_then(|it| it.status);
    let phase = status.and_then(|it| it.phase);
    phase.is_some_and(|it| phases.contains(&it.as_str()))
}

/// The labels of the pods that an object makes, or is, and the node of a pod.
fn of_pod(kind: WorkloadKind, object: &str) -> Option<(BTreeMap<String, String>, Box<str>)> {
    let object: serde_json::Value = serde_json::from_str(object).ok()?;
    let pod = object.pointer(kind.pod_pointer())?;
    let labels = pod.pointer("/metadata/labels").cloned();
    let labels = labels.and_then(|it| serde_json::from_value(it).ok());
    let node = pod.pointer("/spec/nodeName").and_then(|it| it.as_str());
    Some((labels.unwrap_or_default(), node.unwrap_or_default().into()))
}
