//! What a team needs, compared with what is there, before anything is written.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::anyhow;
use futures_util::stream::{self, StreamExt as _};

use super::arguments::DoingArguments;
use super::bundles;
use super::issuance::{Course, Issuance, issue};
use super::session::{Failure, Session};
use crate::cluster::apply::{Applied, ApplyError, Change, Desired, Effect, Foreign, Writer};
use crate::cluster::team::{
    Existing, FoundCertificates, LookError, Looked, existing, found, is_leaving,
};
use crate::cluster::told::chain;
use crate::gather::Gather as _;
use crate::pki::team::{Certificates, Fingerprint};
use crate::provision::{
    CheckedTeam, Names, Person, Plan, Planned, namespaces_of, plan, tiller_deployment, tls_secret,
};
use crate::tiller::Storage;
use serde_json::Value;

/// How much of a team is brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of it; then it is waited for Tiller in any case.
    Whole,
    /// All of it; it is waited for Tiller if that restarts.
    Change,
    /// The certificates of Tiller and people.
    Certificates,
}

/// A team that can be brought to its desired state.
pub(super) struct Prepared<'a> {
    pub(super) team: &'a CheckedTeam,
    pub(super) course: Course,
    pub(super) scope: Scope,
    pub(super) issuance: Issuance,
    pub(super) plan: Plan,
    pub(super) looked: Looked,
    /// Whether release records move first.
    pub(super) moves: bool,
    /// Tiller's certificate so far.
    pub(super) served: Option<Fingerprint>,
    /// Those who get another certificate, by the name of its Secret.
    pub(super) new_bundles: BTreeMap<String, Person>,
    /// What would become of each object.
    pub(super) changes: Vec<Applied>,
}

// === impl Prepared ===

impl Prepared<'_> {
    /// Whether anything would be written.
    pub(super) fn is_change(&self) -> bool {
        self.changes.iter().any(|it| it.change.is_change())
    }

    /// Whether a Tiller that is there is started anew.
    pub(super) fn restarts(&self) -> bool {
        self.changes
            .iter()
            .any(|it| it.object.kind == "Deployment" && matches!(it.change, Change::Updated { .. }))
    }
}

impl Session<'_> {
    /// Looks at all that a team has, and compares it with what it needs. Nothing is written.
    pub(super) async fn prepare<'t>(
        &self,
        team: &'t CheckedTeam,
        (course, scope): (Course, Scope),
        doing: &DoingArguments,
    ) -> Result<Prepared<'t>, Failure> {
        let arguments = &self.shared.certificates;
        let name = &team.team;
        self.progress.passing(format_args!("{name}: looking"));
        let mut looked = Looked::default();
        let moves = self
            .look_first(team, scope, doing.adopt, &mut looked)
            .await?;
        let secret = &self.settings.certificate_secret;
        let found = found(
            &self.stock,
            name,
            &team.guard_namespace,
            looked.live(&tls_secret(team, secret)),
        );
        let found = match found {
            Ok(found) => found,
            // Another CA takes the place of one that cannot be read.
            Err(LookError::Ca { .. }) if course.is_replacement() => FoundCertificates::default(),
            Err(error) => return Err(Failure::cluster(error)),
        };
        let handed_out: BTreeSet<_> = found
            .bundles
            .iter()
            .map(|it| it.issued.certificate.fingerprint())
            .gather();
        let served = found.server.as_ref().map(|it| it.certificate.fingerprint());
        let registered = self.registered(name).map(|it| &it.team);
        if scope == Scope::Certificates && found.ca.is_none() && arguments.ca_dir.is_none() {
            let known = registered.is_some_and(|team| !team.ca_fingerprints.is_empty());
            if !known {
                let error = anyhow!("it has no CA yet: run `tiller-guard provision {name}`");
                return Err(Failure::input(error));
            }
        }
        let issuance = issue(team, registered, found, course, arguments).map_err(Failure::input)?;
        let certificates = &issuance.certificates;
        if let Some(folder) = &arguments.bundle_dir {
            let may_write = bundles::may_write_all(folder, team, certificates, arguments.force);
            may_write.map_err(Failure::input)?;
        }
        let whole = plan(
            team,
            certificates,
            arguments.ca_dir.is_none(),
            self.settings,
        )
        .map_err(Failure::input)?
        .for_kubernetes(self.cluster.version().known_minor());
        let whole = match &issuance.last_issuer {
            Some(issuer) => whole.with_server_first(issuer),
            None => whole,
        };
        let mut plan = match scope {
            Scope::Whole | Scope::Change => whole,
            Scope::Certificates => {
                let trusted: BTreeSet<_> =
                    certificates.trusted().map(|it| it.fingerprint().0).gather();
                let is_registered = registered.is_some_and(|team| {
                    team.ca_fingerprints.iter().copied().gather::<BTreeSet<_>>() == trusted
                });
                whole.renewal(!is_registered)
            }
        };
        let objects: Vec<_> = plan.objects().collect();
        looked
            .at(&self.cluster, &self.stock, &objects)
            .await
            .map_err(Failure::cluster)?;
        self.leave_out(team, &mut plan, &looked).await?;
        let tiller = tiller_deployment(team);
        if scope == Scope::Certificates && team.with_tiller && looked.live(&tiller).is_none() {
            let error =
                anyhow!("Tiller's Deployment is missing: run `tiller-guard provision {name}`");
            return Err(Failure::input(error));
        }
        let mut prepared = Prepared {
            team,
            course,
            scope,
            new_bundles: new_bundles(team, certificates, &handed_out),
            issuance,
            plan,
            looked,
            moves,
            served,
            changes: Vec::new(),
        };
        prepared.changes = self.tried(&prepared, doing).await?;
        Ok(prepared)
    }

    /// What there is that the certificates depend on, and whether it may stay: records in the other storage, another
    /// Tiller.
    async fn look_first(
        &self,
        team: &CheckedTeam,
        scope: Scope,
        adopt: bool,
        looked: &mut Looked,
    ) -> Result<bool, Failure> {
        let (cluster, stock) = (&self.cluster, &self.stock);
        let secret = tls_secret(team, &self.settings.certificate_secret);
        if scope == Scope::Certificates {
            let done = looked.at(cluster, stock, &[&secret]).await;
            return done.map(|()| false).map_err(Failure::cluster);
        }
        let namespaces = namespaces_of(team);
        let wanted: Vec<_> = namespaces.iter().collect();
        let done = looked.at(cluster, stock, &wanted).await;
        done.map_err(Failure::cluster)?;
        self.is_not_leaving(&namespaces, looked)?;
        let tiller = namespaces.first();
        if tiller.is_none_or(|tiller| looked.live(tiller).is_none()) {
            return Ok(false);
        }
        let wanted = [&secret];
        let (done, existing) = tokio::join!(
            looked.at(cluster, stock, &wanted),
            existing(cluster, &team.tiller_namespace)
        );
        done.map_err(Failure::cluster)?;
        let existing = existing.map_err(Failure::cluster)?;
        self.no_other_tiller(team, &existing)?;
        self.keeps_its_tiller(team, existing.tiller.is_some())?;
        let moves = hidden_records(team, &existing, adopt)?;
        looked.know(&tiller_deployment(team), existing.tiller);
        Ok(moves)
    }

    /// The error for a namespace that is being deleted, where nothing can be created.
    fn is_not_leaving(&self, namespaces: &[Value], looked: &Looked) -> Result<(), Failure> {
        let live = namespaces.iter().filter_map(|it| looked.live(it));
        let leaving = live.filter(|it| is_leaving(it));
        let leaving = leaving.filter_map(|it| it.pointer("/metadata/name")?.as_str());
        let guard = self
            .guard_leaves
            .then_some(&*self.shared.place.guard_namespace);
        match guard.into_iter().chain(leaving).next() {
            Some(name) => Err(Failure::input(anyhow!(
                "namespace {name} is being deleted, and nothing can be made in it; nothing was changed: wait until it is removed, \
                 then run this again"
            ))),
            None => Ok(()),
        }
    }

    /// A namespace has one Tiller.
    fn no_other_tiller(&self, team: &CheckedTeam, existing: &Existing) -> Result<(), Failure> {
        let others = existing.others.iter();
        let other = others
            .filter(|it| !super::status::tillers(it, self.settings).is_empty())
            .find_map(|it| it.pointer("/metadata/name")?.as_str());
        let namespace = &team.tiller_namespace;
        other.map_or(Ok(()), |other| {
            Err(Failure::input(anyhow!(
                "second-tiller: Deployment {namespace}/{other} is a Tiller too: delete it, or choose another Tiller namespace"
            )))
        })
    }

    /// A Tiller that `provision` has made is not left to itself without a word.
    fn keeps_its_tiller(&self, team: &CheckedTeam, is_there: bool) -> Result<(), Failure> {
        let (name, namespace) = (&team.team, &team.tiller_namespace);
        let had_one = self.spec(name).is_ok_and(|old| old.with_tiller);
        if team.with_tiller || !is_there || !had_one {
            return Ok(());
        }
        let tiller = Names::TILLER;
        Err(Failure::input(anyhow!(
            "--no-tiller: the team has a Tiller, which provision would no longer keep up: to make it yourself, run: kubectl -n \
             {namespace} delete deployment,service {tiller}; then run this again; to keep it, leave --no-tiller out"
        )))
    }

    /// Leaves out objects whose kind is not served, and warns of each kind. Fails where one is needed.
    async fn leave_out(
        &self,
        team: &CheckedTeam,
        plan: &mut Plan,
        looked: &Looked,
    ) -> Result<(), Failure> {
        let new: Vec<_> = plan
            .objects()
            .filter(|it| looked.live(it).is_none())
            .collect();
        let served = self.served(&new).await;
        served.check().map_err(Failure::cluster)?;
        for (kind, loss) in served.left_out() {
            self.line(
                &team.team,
                format_args!(
                    "warning: the API server does not serve {kind}, which is left out; {loss}"
                ),
            )?;
        }
        plan.retain(|object| served.has(object));
        Ok(())
    }

    /// What would become of each object, without a request; all that keeps the plan from being carried out.
    async fn tried(
        &self,
        prepared: &Prepared<'_>,
        doing: &DoingArguments,
    ) -> Result<Vec<Applied>, Failure> {
        let writer = Writer {
            effect: Effect::Look,
            ..self.writer(doing, true)
        };
        let planned = prepared.plan.stages.iter().flat_map(|stage| &stage.objects);
        let tried = stream::iter(planned).then(|planned| {
            let seen = prepared.looked.seen(&planned.object);
            let desired = desired(planned, doing.adopt);
            let writer = &writer;
            async move { writer.apply_over(&desired, seen).await }
        });
        let tried: Vec<_> = tried.collect().await;
        let (mut changes, mut errors) = (Vec::new(), Vec::new());
        for tried in tried {
            match tried {
                Ok(applied) => changes.push(applied),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            return Ok(changes);
        }
        let start = format!("\nerror: {}: ", prepared.team.team);
        let told: Vec<_> = errors.iter().map(|error| chain(error)).collect();
        let told = anyhow!(told.join(&start));
        // What is there keeps the team from being made as asked; the API server has refused nothing.
        let is_in_the_way =
            |it: &ApplyError| matches!(it, ApplyError::Foreign { .. } | ApplyError::Fixed { .. });
        Err(if errors.iter().all(is_in_the_way) {
            Failure::input(told)
        } else {
            Failure::cluster(told)
        })
    }
}

/// An object of a plan, as it is written.
pub(super) fn desired(planned: &Planned, adopt: bool) -> Desired {
    let foreign = if planned.may_be_foreign && !adopt {
        Foreign::Leave
    } else {
        Foreign::Refuse
    };
    Desired {
        object: planned.object.clone(),
        foreign,
    }
}

/// Whether release records must move before anything else is written. Fails if Tiller would not see existing releases and
/// `--adopt` is not given.
fn hidden_records(team: &CheckedTeam, existing: &Existing, adopt: bool) -> Result<bool, Failure> {
    let namespace = &team.tiller_namespace;
    match existing.records {
        0 if existing.storage() == Some(Storage::Sql) => Err(Failure::input(anyhow!(
            "storage-switch: the Tiller in {namespace} keeps its releases in a database, and this one keeps them in Secrets: \
             it would not see them. Provision the team with another Tiller namespace"
        ))),
        0 => Ok(false),
        _ if adopt && team.with_tiller => Ok(true),
        records => Err(Failure::input(anyhow!(
            "storage-switch: {namespace} has {records} release record{} in ConfigMaps, and this Tiller keeps its own in \
             Secrets: it would not see them. Run: tiller-guard releases move --to secrets -n {namespace}; then run this \
             again{}",
            if records == 1 { "" } else { "s" },
            if team.with_tiller {
                ", or pass --adopt, which moves them too"
            } else {
                ""
            }
        ))),
    }
}

/// Those whose certificate is another than was handed out, by the names of their bundles.
fn new_bundles(
    team: &CheckedTeam,
    certificates: &Certificates,
    handed_out: &BTreeSet<Fingerprint>,
) -> BTreeMap<String, Person> {
    let names = Names { team: &team.team };
    let new = team.people().iter().filter(|person| {
        let issued = certificates.clients.get(&person.holder());
        issued.is_some_and(|it| !handed_out.contains(&it.certificate.fingerprint()))
    });
    new.map(|person| (names.bundle(person), person.clone()))
        .gather()
}
