use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, CertifiedKey, KeyPair};
use rustls::pki_types::CertificateDer;
use tiller_guard::server::{CertificateFiles, CertificateSource, Server};
use tokio::time::Instant;

use crate::server::client::{Client, PATIENCE, Started, counting, get, metric, server, start};

const EVERY: Duration = Duration::from_millis(20);

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("tiller-guard-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn files(&self) -> CertificateFiles {
        CertificateFiles {
            certificate: self.0.join("tls.crt"),
            key: self.0.join("tls.key"),
        }
    }

    fn server(&self) -> Server {
        Server {
            certificate: CertificateSource::Files(self.files(), EVERY),
            ..server()
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn pair() -> CertifiedKey<KeyPair> {
    rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap()
}

fn write(folder: &Path, pair: &CertifiedKey<KeyPair>) {
    fs::write(folder.join("tls.crt"), pair.cert.pem()).unwrap();
    fs::write(folder.join("tls.key"), pair.signing_key.serialize_pem()).unwrap();
}

/// As kubelet's `AtomicWriter` updates a mounted Secret: a new folder, and `..data` renamed onto it.
fn swap(folder: &Path, round: usize, pair: &CertifiedKey<KeyPair>) {
    let data = folder.join(format!("..round_{round}"));
    fs::create_dir(&data).unwrap();
    write(&data, pair);
    symlink(data.file_name().unwrap(), folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if round == 0 {
        symlink("..data/tls.crt", folder.join("tls.crt")).unwrap();
        symlink("..data/tls.key", folder.join("tls.key")).unwrap();
    } else {
        fs::remove_dir_all(folder.join(format!("..round_{}", round - 1))).unwrap();
    }
}

async fn shown(started: &Started) -> CertificateDer<'static> {
    let mut client = Client::connect(started.address).await.unwrap();
    assert_eq!(client.review("{}").await.unwrap().status, 200);
    client.certificate()
}

async fn becomes(started: &Started, pair: &CertifiedKey<KeyPair>) {
    let begin = Instant::now();
    while shown(started).await != *pair.cert.der() {
        assert!(
            begin.elapsed() < PATIENCE,
            "the new certificate is not served"
        );
        tokio::time::sleep(EVERY).await;
    }
}

#[tokio::test]
async fn each_swap_of_a_mounted_secret_is_served() {
    let folder = Folder::new("swap");
    let first = pair();
    swap(&folder.0, 0, &first);
    let started = start(folder.server(), counting()).await;
    let mut kept = Client::connect(started.address).await.unwrap();
    assert_eq!(kept.certificate(), *first.cert.der());
    for round in 1..=10 {
        let next = pair();
        swap(&folder.0, round, &next);
        becomes(&started, &next).await;
        assert_eq!(kept.review("{}").await.unwrap().status, 200);
    }
}

#[tokio::test]
async fn files_may_be_written_in_place_or_made_anew() {
    let folder = Folder::new("in-place");
    write(&folder.0, &pair());
    let started = start(folder.server(), counting()).await;
    let second = pair();
    write(&folder.0, &second);
    becomes(&started, &second).await;

    fs::remove_file(folder.files().certificate).unwrap();
    fs::remove_file(folder.files().key).unwrap();
    metric(
        started.health,
        r#"tiller_guard_tls_reloads_total{result="unreadable"} 1"#,
    )
    .await;
    assert_eq!(shown(&started).await, *second.cert.der());
    let third = pair();
    write(&folder.0, &third);
    becomes(&started, &third).await;
}

#[tokio::test]
async fn a_bad_pair_is_counted_and_the_last_good_one_kept() {
    let folder = Folder::new("bad");
    let good = pair();
    write(&folder.0, &good);
    let started = start(folder.server(), counting()).await;
    let counted = |result: &str, count: usize| {
        format!(r#"tiller_guard_tls_reloads_total{{result="{result}"}} {count}"#)
    };

    fs::write(folder.files().key, pair().signing_key.serialize_pem()).unwrap();
    metric(started.health, &counted("mismatched", 1)).await;
    assert_eq!(shown(&started).await, *good.cert.der());

    let half = &good.cert.pem()[..200];
    fs::write(folder.files().certificate, half).unwrap();
    metric(started.health, &counted("malformed", 1)).await;
    fs::write(folder.files().certificate, vec![b'-'; 1024 * 1024 + 1]).unwrap();
    metric(started.health, &counted("malformed", 2)).await;

    let key = KeyPair::generate().unwrap();
    let mut over = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    over.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let cert = over.self_signed(&key).unwrap();
    fs::write(folder.files().key, key.serialize_pem()).unwrap();
    fs::write(folder.files().certificate, cert.pem()).unwrap();
    metric(started.health, &counted("expired", 1)).await;
    assert_eq!(shown(&started).await, *good.cert.der());

    let better = pair();
    write(&folder.0, &better);
    becomes(&started, &better).await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_served_fails_before_a_port_is_open() {
    let folder = Folder::new("start");
    let error = folder.server().bind().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(
        cause,
        format!("cannot read {}", folder.files().certificate.display())
    );

    write(&folder.0, &pair());
    fs::write(folder.files().key, pair().signing_key.serialize_pem()).unwrap();
    let error = folder.server().bind().await.unwrap_err();
    let cause = std::error::Error::source(&error)
        .and_then(|cause| cause.source())
        .unwrap();
    assert_eq!(
        cause.to_string(),
        "the private key does not belong to the first certificate"
    );
}

/// What the server below takes for the time, in seconds since 1970.
static NOW: AtomicU64 = AtomicU64::new(0);

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.load(Ordering::Relaxed))
}

#[tokio::test]
async fn a_server_is_ready_while_its_certificate_is_valid() {
    let today = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    NOW.store(today, Ordering::Relaxed);
    let started = start(Server { clock, ..server() }, counting()).await;
    let ready = get(started.health, "/readyz").await;
    assert_eq!((ready.status, ready.text()), (200, "ready\n"));

    NOW.store(today + 8 * 86_400, Ordering::Relaxed);
    let ready = get(started.health, "/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(
        ready
            .text()
            .starts_with("not ready: the certificate expired at "),
        "{}",
        ready.text()
    );
    // The API server decides whether it still trusts us.
    let mut client = Client::connect(started.address).await.unwrap();
    assert_eq!(client.review("{}").await.unwrap().status, 200);
}
