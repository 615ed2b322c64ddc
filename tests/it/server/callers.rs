//! Only who shows the right certificate is answered, where one is asked for.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use tiller_guard::server::{BindError, Clients, Server};

use crate::server::client::{
    By, Client, PATIENCE, Started, answer, client_config, metric, server, start,
};

const NAME: &str = "api-server.example";

fn ca(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    ca_that(name, |_| {})
}

fn ca_that(
    name: &str,
    differs: impl Fn(&mut CertificateParams),
) -> CertifiedIssuer<'static, KeyPair> {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    differs(&mut parameters);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

/// A client's certificate with a common name and a DNS name, valid for so many hours from now.
fn certificate(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    common: &str,
    dns: &str,
    hours: i64,
) -> Arc<CertifiedKey> {
    let mut parameters = CertificateParams::new([dns.to_owned()]).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let hour = Duration::from_hours(1);
    let now = SystemTime::now();
    parameters.not_before = (now - 10 * hour).into();
    parameters.not_after = if hours < 0 { now - hour } else { now + hour }.into();
    let key = KeyPair::generate().unwrap();
    let signed = parameters.signed_by(&key, issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = rustls::crypto::ring::default_provider();
    let chain = vec![signed.der().clone()];
    Arc::new(CertifiedKey::from_der(chain, key, &provider).unwrap())
}

struct Guarded {
    started: Started,
    file: PathBuf,
    calls: Arc<AtomicU32>,
}

impl Guarded {
    async fn start(name: &str, ca: &str) -> Self {
        let file = std::env::temp_dir().join(format!("clients-{name}-{}.crt", std::process::id()));
        fs::write(&file, ca).unwrap();
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let guard = Arc::new(By(move |_, _: &[u8]| {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok(answer(b"{}".to_vec()))
        }));
        let clients = Clients {
            ca_file: file.clone(),
            names: vec![NAME.to_owned()],
            every: Duration::from_millis(50),
        };
        let server = Server {
            clients: Some(clients),
            ..server()
        };
        Self {
            started: start(server, guard).await,
            file,
            calls,
        }
    }

    /// Whether a review is answered that comes with this certificate.
    async fn answers(&self, certificate: Option<Arc<CertifiedKey>>) -> bool {
        let mut config = client_config(&[&rustls::version::TLS13], &["http/1.1"]);
        if let Some(certificate) = certificate {
            config.client_auth_cert_resolver =
                Arc::new(rustls::sign::SingleCertAndKey::from(certificate));
        }
        let client = Client::connect_with(self.started.address, config).await;
        let Ok(mut client) = client else { return false };
        client.review("{}").await.is_some()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        fs::remove_file(&self.file).ok();
    }
}

#[tokio::test]
async fn only_the_right_certificate_reaches_the_judge() {
    let (ours, theirs) = (ca("ours"), ca("theirs"));
    let guarded = Guarded::start("right", &ours.pem()).await;
    let refused = [
        None,
        Some(certificate(&theirs, NAME, NAME, 1)),
        Some(certificate(&ours, NAME, NAME, -1)),
        Some(certificate(&ours, "somebody", "else.example", 1)),
    ];
    for certificate in refused {
        assert!(!guarded.answers(certificate).await);
    }
    assert_eq!(guarded.calls.load(Ordering::Relaxed), 0);
    metric(
        guarded.started.health,
        r#"tiller_guard_tls_handshake_errors_total{reason="no_client_certificate"} 1"#,
    )
    .await;
    metric(
        guarded.started.health,
        r#"tiller_guard_tls_handshake_errors_total{reason="client_refused"} 3"#,
    )
    .await;
    assert!(
        guarded
            .answers(Some(certificate(&ours, NAME, "other.example", 1)))
            .await
    );
    assert!(
        guarded
            .answers(Some(certificate(&ours, "other", NAME, 1)))
            .await
    );
    assert_eq!(guarded.calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn another_ca_counts_once_its_file_is_there() {
    let (old, new) = (ca("old"), ca("new"));
    let guarded = Guarded::start("swapped", &old.pem()).await;
    let of = |issuer| Some(certificate(issuer, NAME, NAME, 1));
    assert!(guarded.answers(of(&old)).await);
    fs::write(&guarded.file, "no certificates").unwrap();
    metric(
        guarded.started.health,
        r#"tiller_guard_tls_reloads_total{result="malformed"} 1"#,
    )
    .await;
    assert!(guarded.answers(of(&old)).await);
    fs::write(&guarded.file, new.pem()).unwrap();
    let begin = tokio::time::Instant::now();
    while !guarded.answers(of(&new)).await {
        assert!(begin.elapsed() < PATIENCE);
    }
    assert!(!guarded.answers(of(&old)).await);
}

#[tokio::test]
async fn a_file_without_cas_is_an_error_at_start() {
    let file = std::env::temp_dir().join(format!("clients-none-{}.crt", std::process::id()));
    fs::write(&file, "").unwrap();
    let error = error_at_start(file).await;
    assert_eq!(error.to_string(), "cannot set up client authentication");
}

/// Why a server does not start with this file of CAs, which is removed.
async fn error_at_start(file: PathBuf) -> BindError {
    let clients = Clients {
        ca_file: file.clone(),
        names: vec![NAME.to_owned()],
        every: PATIENCE,
    };
    let server = Server {
        clients: Some(clients),
        ..server()
    };
    let error = server.bind().await.unwrap_err();
    fs::remove_file(file).unwrap();
    error
}

/// rustls reads the name and the key of what it is told to trust, and nothing else.
#[tokio::test]
async fn what_is_no_valid_ca_vouches_for_nobody_beside_one_that_does() {
    let now = SystemTime::now();
    let hour = Duration::from_hours(1);
    let good = ca("good");
    let useless = [
        ca_that("expired", |it| it.not_after = (now - hour).into()),
        ca_that("early", |it| it.not_before = (now + hour).into()),
        ca_that("leaf", |it| it.is_ca = IsCa::NoCa),
        ca_that("encipherer", |it| {
            it.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
        }),
    ];
    let mut file = good.pem();
    for ca in &useless {
        file.push_str(&ca.pem());
    }
    let guarded = Guarded::start("useless", &file).await;
    for issuer in &useless {
        let certificate = certificate(issuer, NAME, NAME, 1);
        assert!(!guarded.answers(Some(certificate)).await);
    }
    let certificate = certificate(&good, NAME, NAME, 1);
    assert!(guarded.answers(Some(certificate)).await);
    assert_eq!(guarded.calls.load(Ordering::Relaxed), 1);

    for (issuer, why) in useless.iter().zip([
        "CN=expired: the certificate expired at ",
        "CN=early: the certificate is not valid before ",
        "CN=leaf: the certificate is not a CA's",
        "CN=encipherer: the certificate is not a CA's",
    ]) {
        let file = guarded.file.with_extension("alone");
        fs::write(&file, issuer.pem()).unwrap();
        let error = error_at_start(file).await;
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("holds no CA that is valid now: "), "{cause}");
        assert!(cause.contains(why), "{cause}");
    }
}

#[tokio::test]
async fn a_ca_vouches_until_it_expires() {
    let now = SystemTime::now();
    let soon = ca_that("soon", |it| {
        it.not_after = (now + Duration::from_secs(3)).into();
    });
    let guarded = Guarded::start("soon", &soon.pem()).await;
    let client = certificate(&soon, NAME, NAME, 1);
    assert!(guarded.answers(Some(Arc::clone(&client))).await);
    let begin = tokio::time::Instant::now();
    while guarded.answers(Some(Arc::clone(&client))).await {
        assert!(begin.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
