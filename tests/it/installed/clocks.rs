//! The guard's own certificates by clocks that run ahead, and are set back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tiller_guard::cluster::Reach;
use tiller_guard::cluster::certificate::{CertificateMetrics, Keeper, Times};
use tiller_guard::pki::{Issuance, ServingCertificate};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::certificates::{KINDS, count};
use super::{World, soak};

const DAY: Duration = Duration::from_hours(24);
const NAME: &str = "tiller-guard.tiller-guard.svc";

/// How far the clock is ahead, in seconds. Tests of an installation run one after the other.
static AHEAD: AtomicU64 = AtomicU64::new(0);

fn clock() -> SystemTime {
    SystemTime::now() + Duration::from_secs(AHEAD.load(Ordering::Relaxed))
}

fn set_ahead(ahead: Duration) {
    AHEAD.store(ahead.as_secs(), Ordering::Relaxed);
}

/// A replica's certificate, kept by that clock, and looked at all the time.
struct Replica(watch::Receiver<Issuance>);

impl Replica {
    fn start(world: &World) -> Self {
        let keeper = Keeper {
            reach: Reach {
                kubeconfig: Some(world.kubeconfig_of_guard.clone()),
                ..Reach::default()
            },
            namespace: "tiller-guard".to_owned(),
            secret: "tiller-guard-ca".to_owned(),
            names: vec![NAME.to_owned()],
            times: Times {
                every: Duration::from_millis(20),
                ..Times::default()
            },
            clock,
            metrics: CertificateMetrics::default(),
        };
        Self(keeper.start())
    }

    fn leaf(&self) -> Option<ServingCertificate> {
        match &*self.0.borrow() {
            Issuance::Issued(leaf) => Some(leaf.clone()),
            Issuance::Awaited(_) => None,
        }
    }

    /// Whether a verifier with this bundle accepts what is served now.
    fn is_accepted(&self, bundle: &str) -> bool {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let (Ok(verifier), Some(leaf)) = (verifier.build(), self.leaf()) else {
            return false;
        };
        let name = ServerName::try_from(NAME).unwrap();
        let since = clock().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let now = UnixTime::since_unix_epoch(since);
        let leaf = &leaf.certified().cert[0];
        verifier
            .verify_server_cert(leaf, &[], &name, &[], now)
            .is_ok()
    }
}

async fn all_accepted(world: &World, replicas: &[Replica]) -> bool {
    for kind in KINDS {
        let bundle = world.bundle(kind).await;
        if !replicas.iter().all(|replica| replica.is_accepted(&bundle)) {
            return false;
        }
    }
    true
}

/// How long it takes until all are accepted and need no other certificate.
async fn until_fresh(world: &World, replicas: &[Replica]) -> Duration {
    let begin = Instant::now();
    let is_due = |replica: &Replica| {
        let leaf = replica.leaf();
        leaf.is_none_or(|leaf| leaf.validity().is_due(clock()))
    };
    while replicas.iter().any(is_due) || !all_accepted(world, replicas).await {
        assert!(begin.elapsed() < Duration::from_secs(20), "never fresh");
        sleep(Duration::from_millis(5)).await;
    }
    begin.elapsed()
}

/// Day by day: whatever was served yesterday is accepted today, and renewed where it is time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_without_a_certificate_for_years() {
    set_ahead(Duration::ZERO);
    let world = World::enter().await;
    world.install().await;
    let replicas = [Replica::start(&world), Replica::start(&world)];
    until_fresh(&world, &replicas).await;
    let (mut leaves, mut bundles) = (0, Vec::new());
    for day in 1..=soak(2, 10) * 365 {
        set_ahead(DAY * day);
        assert!(all_accepted(&world, &replicas).await, "day {day}");
        let before = replicas.each_ref().map(|it| it.leaf().unwrap().validity());
        until_fresh(&world, &replicas).await;
        let after = replicas.each_ref().map(|it| it.leaf().unwrap().validity());
        leaves += u32::from(before != after);
        let bundle = world.bundle(KINDS[0]).await;
        assert!(count(&bundle) <= 8, "{bundle}");
        if bundles.last() != Some(&bundle) {
            bundles.push(bundle);
            // A new CA issues once it has settled.
            sleep(Duration::from_secs(6)).await;
        }
    }
    let years = soak(2, 10);
    assert!(leaves >= years * 365 / 6, "{leaves} in {years} years");
    let changes = u32::try_from(bundles.len()).unwrap();
    assert!(changes > years, "{changes} in {years} years");
    set_ahead(Duration::ZERO);
}

/// Whatever was issued while it ran ahead is not accepted once it is right again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_ran_ahead_and_is_set_back_costs_no_more_than_a_look() {
    set_ahead(Duration::ZERO);
    let world = World::enter().await;
    world.install().await;
    let replicas = [Replica::start(&world), Replica::start(&world)];
    until_fresh(&world, &replicas).await;
    // Half a year: another leaf of the same CA. Two years: another CA.
    for ahead in [DAY * 180, DAY * 730] {
        set_ahead(ahead);
        until_fresh(&world, &replicas).await;
        set_ahead(Duration::ZERO);
        assert!(!all_accepted(&world, &replicas).await);
        let took = until_fresh(&world, &replicas).await;
        assert!(took < Duration::from_secs(3), "{took:?}");
    }
}
