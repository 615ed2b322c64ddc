//! Keys, certificates and tokens of a test cluster, made anew for each.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SanType};

/// A certificate authority.
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its key, in PEM.
#[derive(Debug)]
pub(super) struct Pair {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS#8.
    pub key: String,
}

/// Who asks the API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Of `system:masters`.
    Admin,
    /// The controllers.
    ControllerManager,
    /// Without any right.
    Nobody,
    /// With the rights that a test gives it.
    Watcher,
    /// Without any right, in every test.
    Stranger,
}

// === impl TestCa ===

impl TestCa {
    /// Makes one.
    pub fn create() -> Result<Self> {
        let mut parameters = CertificateParams::new([])?;
        parameters
            .distinguished_name
            .push(DnType::CommonName, "test cluster");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate()?)?;
        Ok(Self { issuer })
    }

    /// A server's certificate for 127.0.0.1.
    pub(super) fn issue(&self) -> Result<Pair> {
        self.issue_for("localhost")
    }

    /// A server's certificate for a name and 127.0.0.1.
    pub(super) fn issue_for(&self, name: &str) -> Result<Pair> {
        let mut parameters = CertificateParams::new([name.to_owned()])?;
        parameters
            .subject_alt_names
            .push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// The CA's own certificate.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// The CA's own certificate as a `caBundle` has it.
    pub fn bundle(&self) -> String {
        STANDARD.encode(self.certificate())
    }
}

impl std::fmt::Debug for TestCa {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TestCa").finish_non_exhaustive()
    }
}

// === impl User ===

impl User {
    /// Everybody.
    pub(super) const ALL: [Self; 5] = [
        Self::Admin,
        Self::ControllerManager,
        Self::Nobody,
        Self::Watcher,
        Self::Stranger,
    ];

    /// The token that the API server knows the user by. It listens on loopback for minutes, so that the
    /// secret is one of the process' only.
    pub fn token(self, secret: &str) -> String {
        format!("{}-{secret}", self.name())
    }

    /// The name in the API server's eyes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::ControllerManager => "system:kube-controller-manager",
            Self::Nobody => "nobody",
            Self::Watcher => "watcher",
            Self::Stranger => "stranger",
        }
    }

    /// The line of kube-apiserver's `--token-auth-file`.
    pub fn token_line(self, secret: &str) -> String {
        let groups = match self {
            // Each controller's rights are an account's of its own otherwise.
            Self::Admin | Self::ControllerManager => ",\"system:masters\"",
            Self::Nobody | Self::Watcher | Self::Stranger => "",
        };
        format!(
            "{},{name},{name}{groups}\n",
            self.token(secret),
            name = self.name()
        )
    }
}

/// A random word.
pub(super) fn secret() -> Result<String> {
    let key = KeyPair::generate()?;
    Ok(STANDARD
        .encode(key.public_key_raw())
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(40)
        .collect())
}

/// A kubeconfig for the API server.
pub(super) fn kubeconfig(port: u16, ca: &TestCa, token: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters:\n- name: test\n  cluster:\n    server: https://127.0.0.1:{port}\n    certificate-authority-data: {}\n\
         users:\n- name: test\n  user:\n    token: {token}\n\
         contexts:\n- name: test\n  context:\n    cluster: test\n    user: test\n",
        ca.bundle(),
    )
}
