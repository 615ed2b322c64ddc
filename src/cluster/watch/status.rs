//! How the watches fare: what the health port tells of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use super::audits::LastAudit;
use super::release_records::RecordGauges;
use super::resource::WatchedResource;
use super::team_certificates::TeamCertificates;
use crate::policy::KnowledgeSize;

/// How long a watch may fail before its resource counts as not watched: an API server that restarts interrupts all of them.
const BROKEN: Duration = Duration::from_secs(10);

/// How the watches fare.
#[derive(Debug, Default)]
pub(super) struct Status {
    watches: Mutex<BTreeMap<WatchedResource, Fare>>,
    /// Why there is no API server to watch yet.
    unconnected: Mutex<Option<String>>,
    errors: Family<ErrorLabels, Counter>,
    synced: Family<ResourceLabels, Gauge>,
    teams_ignored: Gauge,
    excesses: Gauge,
    drifts: Gauge,
    teams: Gauge,
    tillers: Gauge,
    bindings: Gauge,
    roles: Gauge,
    release_records: RecordGauges,
    team_certificates: TeamCertificates,
    last_audit: Arc<LastAudit>,
}

/// How one watch fares.
#[derive(Debug, Default)]
struct Fare {
    /// Whether all that there is was listed once.
    listed: bool,
    /// Why it does not run now.
    failing: Option<&'static str>,
    /// Since when it does not.
    since: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    resource: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResourceLabels {
    resource: &'static str,
}

// === impl Status ===

impl Status {
    pub(super) fn new() -> Self {
        let status = Self::default();
        for resource in WatchedResource::ALL {
            status.lock().insert(resource, Fare::default());
            status.synced(resource).set(0);
        }
        *locked(&status.unconnected) = Some("an answer of the API server".to_owned());
        // Nobody has looked yet.
        status.drifted(1);
        status
    }

    /// Adds its metrics to those of the process.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "watch_errors",
            "Failures of watches; each is tried again",
            self.errors.clone(),
        );
        registry.register(
            "watch_synced",
            "Whether a watch has listed all and runs",
            self.synced.clone(),
        );
        for (name, help, gauge) in [
            ("known_teams", "Registered teams that count", &self.teams),
            ("known_tillers", "Tillers in the cluster", &self.tillers),
            (
                "known_bindings",
                "Bindings that can hold a service account",
                &self.bindings,
            ),
            ("known_roles", "Roles and ClusterRoles", &self.roles),
            (
                "teams_ignored",
                "Invalid teams, each ignored as a whole",
                &self.teams_ignored,
            ),
            (
                "excess_rights",
                "Bindings that give a Tiller's account more than its team allows",
                &self.excesses,
            ),
            (
                "config_drift",
                "Differences between the webhook configurations and what install writes",
                &self.drifts,
            ),
        ] {
            registry.register(name, help, gauge.clone());
        }
        self.release_records.register(registry);
        self.team_certificates.register(registry);
        registry.register_collector(Box::new(self.last_audit()));
    }

    /// The last audit, if this replica audits.
    pub(super) fn last_audit(&self) -> Arc<LastAudit> {
        Arc::clone(&self.last_audit)
    }

    /// When the certificates of Tillers end.
    pub(super) fn team_certificates(&self) -> &TeamCertificates {
        &self.team_certificates
    }

    /// What is counted of release records.
    pub(super) fn release_records(&self) -> &RecordGauges {
        &self.release_records
    }

    /// What the first look at the cluster still waits for.
    pub(super) fn waits_for(&self) -> Option<String> {
        if let Some(why) = locked(&self.unconnected).as_ref() {
            return Some(why.clone());
        }
        let unlisted: Vec<String> = self
            .lock()
            .iter()
            .filter(|(_, fare)| !fare.listed)
            .map(|(resource, fare)| match fare.failing {
                Some(why) => format!("{} ({why})", resource.as_str()),
                None => resource.as_str().to_owned(),
            })
            .collect();
        (!unlisted.is_empty()).then(|| format!("the first list of {}", unlisted.join(", ")))
    }

    /// The watches that have not run for a while.
    pub(super) fn unwatched(&self) -> Vec<&'static str> {
        let fares = self.lock();
        let is_broken = |fare: &Fare| fare.since.is_some_and(|since| since.elapsed() >= BROKEN);
        let broken = fares.iter().filter(|(_, fare)| is_broken(fare));
        broken.map(|(resource, _)| resource.as_str()).collect()
    }

    /// The API server has not answered yet, and why.
    pub(super) fn unconnected(&self, why: &str) {
        *locked(&self.unconnected) = Some(format!("an answer: {why}"));
    }

    /// It has.
    pub(super) fn connected(&self) {
        *locked(&self.unconnected) = None;
    }

    /// A watch failed; whether that is news.
    pub(super) fn failed(&self, resource: WatchedResource, reason: &'static str) -> bool {
        self.counts(resource, reason);
        self.synced(resource).set(0);
        let mut fares = self.lock();
        let fare = fares.entry(resource).or_default();
        fare.since.get_or_insert_with(Instant::now);
        fare.failing.replace(reason) != Some(reason)
    }

    /// A watch has to list anew before it goes on. That is no failure.
    pub(super) fn lags(&self, resource: WatchedResource, reason: &'static str) {
        self.counts(resource, reason);
        self.synced(resource).set(0);
    }

    /// Counts something that is no failure of the watch itself.
    pub(super) fn counts(&self, resource: WatchedResource, reason: &'static str) {
        let labels = ErrorLabels {
            resource: resource.as_str(),
            reason,
        };
        self.errors.get_or_create(&labels).inc();
    }

    /// A watch runs; whether that is news.
    pub(super) fn runs(&self, resource: WatchedResource) -> bool {
        let mut fares = self.lock();
        let fare = fares.entry(resource).or_default();
        let again = fare.failing.take().is_some();
        fare.since = None;
        self.synced(resource).set(i64::from(fare.listed));
        again
    }

    /// What a watch listed is known by now; whether with this all of them are, for the first time.
    pub(super) fn listed(&self, resource: WatchedResource) -> bool {
        let mut fares = self.lock();
        let fare = fares.entry(resource).or_default();
        let first = !std::mem::replace(&mut fare.listed, true);
        self.synced(resource).set(i64::from(fare.failing.is_none()));
        first && fares.values().all(|fare| fare.listed)
    }

    /// How much is known, and how many teams are ignored.
    pub(super) fn knows(&self, size: KnowledgeSize, teams_ignored: usize) {
        let KnowledgeSize {
            teams,
            tillers: _,
            bindings,
            roles,
        } = size;
        for (gauge, count) in [
            (&self.teams, teams),
            (&self.bindings, bindings),
            (&self.roles, roles),
            (&self.teams_ignored, teams_ignored),
        ] {
            set(gauge, count);
        }
    }

    /// In how many ways the webhook configurations differ from what they are to say.
    pub(super) fn drifted(&self, drifts: usize) {
        set(&self.drifts, drifts);
    }

    /// How many bindings give too much, and how many Tillers there are.
    pub(super) fn found(&self, excesses: usize, tillers: usize) {
        set(&self.excesses, excesses);
        set(&self.tillers, tillers);
    }

    fn synced(&self, resource: WatchedResource) -> Gauge {
        let labels = ResourceLabels {
            resource: resource.as_str(),
        };
        self.synced.get_or_create_owned(&labels)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WatchedResource, Fare>> {
        locked(&self.watches)
    }
}

pub(super) fn set(gauge: &Gauge, count: usize) {
    gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
}

/// What is behind it is whole at every moment.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;

    use super::*;
    use crate::policy::rbac::RbacKind;

    #[test]
    fn a_drift_is_counted_until_somebody_has_looked() {
        let status = Status::new();
        let mut registry = Registry::with_prefix("tiller_guard");
        status.register(&mut registry);
        for (drifts, line) in [
            (None, "tiller_guard_config_drift 1"),
            (Some(0), "tiller_guard_config_drift 0"),
            (Some(3), "tiller_guard_config_drift 3"),
        ] {
            if let Some(drifts) = drifts {
                status.drifted(drifts);
            }
            let mut written = String::new();
            text::encode(&mut written, &registry).unwrap();
            assert!(written.lines().any(|it| it == line), "{line} in\n{written}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_for_a_while_is_not_watched() {
        let status = Status::new();
        let roles = WatchedResource::Rbac(RbacKind::Role);
        status.failed(roles, "unreachable");
        assert!(status.unwatched().is_empty());
        tokio::time::sleep(BROKEN).await;
        status.failed(roles, "forbidden");
        assert_eq!(status.unwatched(), ["roles"]);
        status.runs(roles);
        assert!(status.unwatched().is_empty());
    }

    #[test]
    fn a_watch_that_has_to_list_anew_is_not_synced_until_it_has() {
        let status = Status::new();
        let roles = WatchedResource::Rbac(RbacKind::Role);
        status.listed(roles);
        assert_eq!(status.synced(roles).get(), 1);
        status.lags(roles, "expired");
        assert_eq!(status.synced(roles).get(), 0);
        status.listed(roles);
        assert_eq!(status.synced(roles).get(), 1);
    }

    #[test]
    fn what_is_waited_for_is_named_until_everything_was_listed_once() {
        let status = Status::new();
        assert_eq!(
            status.waits_for().as_deref(),
            Some("an answer of the API server")
        );
        status.connected();
        let roles = WatchedResource::Rbac(RbacKind::Role);
        for resource in WatchedResource::ALL.into_iter().filter(|it| *it != roles) {
            assert!(!status.listed(resource));
        }
        assert_eq!(
            status.waits_for().as_deref(),
            Some("the first list of roles")
        );
        assert!(status.failed(roles, "forbidden"));
        assert!(!status.failed(roles, "forbidden"));
        assert_eq!(
            status.waits_for().as_deref(),
            Some("the first list of roles (forbidden)")
        );
        assert!(status.listed(roles));
        assert_eq!(status.waits_for(), None);
        status.failed(roles, "unreachable");
        assert_eq!(status.waits_for(), None);
        assert!(status.runs(roles));
        assert!(!status.runs(roles));
        assert!(!status.listed(roles));
    }
}
