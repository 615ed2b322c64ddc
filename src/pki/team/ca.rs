//! The CA of a team's Tiller: made, or read and examined; what it issues.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SerialNumber, string::Ia5String,
};
use ring::rand::{SecureRandom as _, SystemRandom};
use x509_parser::certificate::X509Certificate;

use super::certificate::parse;
use super::{Certificate, CertificateError, Holder, KeyError, PrivateKey, Server};

/// How far in the past a certificate begins: clocks of nodes and people differ.
const BACKDATED: Duration = Duration::from_mins(10);
/// The least of its life that a CA has to have left to issue for.
const LEAST_LEFT: Duration = Duration::from_hours(24);
/// The octets of a serial number; RFC 5280 allows 20.
const SERIAL: usize = 16;

/// A CA with its key.
#[derive(Debug)]
pub struct TeamCa {
    certificate: Certificate,
    key: PrivateKey,
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate: Certificate,
    /// Its key.
    pub key: PrivateKey,
}

/// A CA that was made elsewhere cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TeamCaError {
    /// Its certificate cannot be read.
    #[error("the CA's certificate cannot be read")]
    Certificate(#[source] CertificateError),
    /// Its key cannot be read.
    #[error("the CA's private key cannot be read")]
    Key(#[source] KeyError),
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the CA's certificate")]
    Mismatched,
    /// It is a leaf.
    #[error("the certificate is not a CA's: its basic constraints do not say so")]
    NoCa,
    /// It may sign other things only.
    #[error("the CA may not sign certificates: its key usage lacks keyCertSign")]
    MayNotSign,
    /// It restricts what its leaves may be used for.
    #[error("the CA's extended key usage does not allow both servers and clients")]
    Usage,
    /// It restricts the names of its leaves.
    #[error(
        "the CA has name constraints, and Tiller's certificate needs 127.0.0.1 and the Service's names"
    )]
    Names,
    /// Its subject is written in a way that cannot be repeated in what it issues.
    #[error("the CA's subject has parts of several attributes, or the same attribute twice")]
    Subject,
}

/// A certificate and its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The certificate cannot be read.
    #[error("the certificate cannot be read")]
    Certificate(#[from] CertificateError),
    /// The key cannot be read.
    #[error("the private key cannot be read")]
    Key(#[from] KeyError),
    /// The key belongs to another certificate.
    #[error("the private key does not belong to the certificate")]
    Mismatched,
}

/// A certificate cannot be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The CA has ended, or ends soon.
    #[error(
        "the CA {holder} has {days} days left; make a new one with `tiller-guard provision rotate`"
    )]
    Ending {
        /// The CA's common name.
        holder: String,
        /// Whole days.
        days: u64,
    },
    /// A key cannot be made.
    #[error("cannot make a private key")]
    Key(#[source] KeyError),
    /// The machine gives no random numbers.
    #[error("cannot make a serial number: the machine gives no random numbers")]
    Random,
    /// A name cannot stand in a certificate, or signing failed.
    #[error("cannot make the certificate")]
    Make(#[from] rcgen::Error),
    /// What was made cannot be read again.
    #[error("the certificate that was made cannot be read")]
    Read(#[from] CertificateError),
}

// === impl TeamCa ===

impl TeamCa {
    /// Makes the CA of a team.
    pub fn create(team: &str, now: SystemTime, lifetime: Duration) -> Result<Self, IssueError> {
        let key = PrivateKey::create().map_err(IssueError::Key)?;
        let holder = Holder {
            name: shortened(team),
            unit: "Tiller CA".to_owned(),
        };
        let mut parameters = parameters(&holder)?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.not_before = (now - BACKDATED).into();
        parameters.not_after = (now + lifetime).into();
        let made = parameters.self_signed(key.pair())?;
        let certificate = Certificate::of(made.der().clone())?;
        Ok(Self { certificate, key })
    }

    /// Reads a CA from PEM and examines whether it can issue what a team needs. Its time is not looked at.
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, TeamCaError> {
        let certificate = Certificate::read(certificate).map_err(TeamCaError::Certificate)?;
        let key = PrivateKey::read(key).map_err(TeamCaError::Key)?;
        examine(&certificate, &key)?;
        Ok(Self { certificate, key })
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// Whether it may sign further CAs: each certificate of such a CA commands Tiller too.
    pub fn may_have_others_below(&self) -> bool {
        let constraint = parse(self.certificate.der()).ok().and_then(|it| {
            let constraints = it.basic_constraints().ok().flatten()?;
            constraints.value.path_len_constraint
        });
        constraint != Some(0)
    }

    /// Whether it has signed this certificate.
    pub fn has_issued(&self, certificate: &Certificate) -> bool {
        self.certificate.has_issued(certificate)
    }

    /// Makes a key and a certificate for Tiller, only for serving. It ends with the CA at the latest.
    pub fn issue_server(
        &self,
        server: Server<'_>,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Issued, IssueError> {
        let holder = Holder {
            name: Server::STABLE_NAME.to_owned(),
            unit: shortened(server.namespace),
        };
        let mut parameters = parameters(&holder)?;
        let addresses = Server::addresses().map(SanType::IpAddress);
        parameters.subject_alt_names = addresses.into();
        for name in server.dns_names() {
            let name = SanType::DnsName(Ia5String::try_from(name)?);
            parameters.subject_alt_names.push(name);
        }
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(parameters, now, lifetime)
    }

    /// Makes a key and a certificate for a person, only for use as a client. It ends with the CA at the latest.
    pub fn issue_client(
        &self,
        holder: &Holder,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Issued, IssueError> {
        let mut parameters = parameters(holder)?;
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(parameters, now, lifetime)
    }

    fn issue(
        &self,
        mut parameters: CertificateParams,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Issued, IssueError> {
        let left = self.certificate.left(now);
        if left < LEAST_LEFT || self.certificate.validity().check(now).is_err() {
            return Err(IssueError::Ending {
                holder: self.certificate.holder().name.clone(),
                days: left.as_secs() / 86_400,
            });
        }
        parameters.is_ca = IsCa::ExplicitNoCa;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.use_authority_key_identifier_extension = true;
        parameters.not_before = (now - BACKDATED).into();
        parameters.not_after = (now + lifetime.min(left)).into();
        let key = PrivateKey::create().map_err(IssueError::Key)?;
        let made = parameters.signed_by(key.pair(), &self.issuer()?)?;
        let certificate = Certificate::of(made.der().clone())?;
        Ok(Issued { certificate, key })
    }

    fn issuer(&self) -> Result<Issuer<'_, &KeyPair>, rcgen::Error> {
        issuer(&self.certificate, &self.key)
    }
}

// === impl Issued ===

impl Issued {
    /// Reads a certificate and its key from PEM.
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, PairError> {
        let certificate = Certificate::read(certificate)?;
        let key = PrivateKey::read(key)?;
        if !belong_together(
            &parse(certificate.der()).map_err(CertificateError::X509)?,
            &key,
        ) {
            return Err(PairError::Mismatched);
        }
        Ok(Self { certificate, key })
    }
}

fn belong_together(certificate: &X509Certificate<'_>, key: &PrivateKey) -> bool {
    *certificate.public_key().subject_public_key.data == *key.pair().public_key_raw()
}

fn issuer<'k>(
    certificate: &Certificate,
    key: &'k PrivateKey,
) -> Result<Issuer<'k, &'k KeyPair>, rcgen::Error> {
    Issuer::from_ca_cert_der(certificate.der(), key.pair())
}

/// Whether a CA that was made elsewhere can issue what a team needs.
fn examine(certificate: &Certificate, key: &PrivateKey) -> Result<(), TeamCaError> {
    let unreadable = |error| TeamCaError::Certificate(CertificateError::X509(error));
    let x509 = parse(certificate.der()).map_err(unreadable)?;
    if !belong_together(&x509, key) {
        return Err(TeamCaError::Mismatched);
    }
    if !x509.is_ca() {
        return Err(TeamCaError::NoCa);
    }
    let usage = x509.key_usage().map_err(unreadable)?;
    if usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err(TeamCaError::MayNotSign);
    }
    let usage = x509.extended_key_usage().map_err(unreadable)?;
    let allows_both = |usage: &x509_parser::extensions::ExtendedKeyUsage<'_>| {
        usage.any || usage.server_auth && usage.client_auth
    };
    if usage.is_some_and(|usage| !allows_both(usage.value)) {
        return Err(TeamCaError::Usage);
    }
    if x509.name_constraints().map_err(unreadable)?.is_some() {
        return Err(TeamCaError::Names);
    }
    if x509
        .subject()
        .iter_rdn()
        .any(|part| part.iter().count() != 1)
    {
        return Err(TeamCaError::Subject);
    }
    // Of two equal attributes one is lost on the way into what is issued, and nobody finds the issuer.
    let issuer = issuer(certificate, key).map_err(|_| TeamCaError::Subject)?;
    let probe = CertificateParams::default()
        .signed_by(key.pair(), &issuer)
        .map_err(|_| TeamCaError::Subject)?;
    let probe = parse(probe.der()).map_err(unreadable)?;
    if probe.issuer().as_raw() != x509.subject().as_raw() {
        return Err(TeamCaError::Subject);
    }
    Ok(())
}

fn parameters(holder: &Holder) -> Result<CertificateParams, IssueError> {
    let Holder { name, unit } = holder;
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters
        .distinguished_name
        .push(DnType::CommonName, name.as_str());
    if !unit.is_empty() {
        parameters
            .distinguished_name
            .push(DnType::OrganizationalUnitName, unit.as_str());
    }
    parameters.serial_number = Some(serial()?);
    Ok(parameters)
}

/// A random number that is positive and never shorter.
fn serial() -> Result<SerialNumber, IssueError> {
    let mut octets = [0; SERIAL];
    let filled = SystemRandom::new().fill(&mut octets);
    filled.map_err(|_| IssueError::Random)?;
    let [first, ..] = &mut octets;
    *first = *first & 0x3f | 0x40;
    Ok(SerialNumber::from_slice(&octets))
}

/// As much of a name as a subject may hold.
fn shortened(name: &str) -> String {
    name.chars().take(Holder::LONGEST).collect()
}
