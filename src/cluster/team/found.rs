//! The Secrets of a team, read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::Stock;
use crate::cluster::told::{chain, missing_right, words};
use crate::pki::team::{Certificate, Issued, TeamCa, TeamCaError, Usage, checksum};
use crate::provision::{
    Bundle, CA_SECRET_KEYS, CHECKSUM_ANNOTATION, KIND_LABEL, MANAGED_BY, MANAGED_BY_LABEL, Names,
    PERSON_ANNOTATION, PERSON_KIND_LABEL, Person, PersonKind, TEAM_LABEL, TLS_SECRET_KEYS, quoted,
};

/// What there is of a team's certificates. What is not labelled as ours is not looked at.
#[derive(Debug, Default)]
pub struct FoundCertificates {
    /// The CA, where it is kept in the cluster.
    pub ca: Option<TeamCa>,
    /// CAs on their way out.
    pub retiring: Vec<Certificate>,
    /// Tiller's certificate, if it can be read.
    pub server: Option<Issued>,
    /// The CAs by which Tiller checks its clients, if they can be read.
    pub trusted: Vec<Certificate>,
    /// The bundles of people, those that can be read.
    pub bundles: Vec<FoundBundle>,
    /// What is there and of no use; `renew` writes it anew.
    pub unusable: Vec<Unusable>,
}

/// A Secret without a certificate that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    /// Whose: `Tiller`, or the person.
    pub of: String,
    /// `NAMESPACE/NAME` of the Secret.
    pub secret: String,
    /// What is wrong with it.
    pub why: String,
}

/// A bundle in the cluster.
#[derive(Debug)]
pub struct FoundBundle {
    /// Whose it is.
    pub person: Person,
    /// The certificate.
    pub issued: Issued,
}

/// What there is of a team cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The API server does not say.
    #[error("cannot {what} in {}", place(.namespace))]
    Asked {
        /// What was asked for.
        what: String,
        /// Where: a namespace, or nothing for the whole cluster.
        namespace: String,
        /// Why.
        source: Refusal,
    },
    /// The CA is damaged.
    #[error(
        "the CA in Secret {namespace}/{name} cannot be used: repair it, or make a new CA with \
         `tiller-guard provision rotate {team} --now`"
    )]
    Ca {
        /// The team.
        team: String,
        /// The guard's namespace.
        namespace: String,
        /// The Secret.
        name: String,
        /// Why.
        source: Box<TeamCaError>,
    },
    /// Only the person may read it.
    #[error("you may not read the bundle of the {person} (Secret {namespace}/{name})")]
    NotYours {
        /// Whose it is.
        person: Person,
        /// The guard's namespace.
        namespace: String,
        /// The Secret.
        name: String,
    },
    /// It holds something else.
    #[error("the bundle of the {person} (Secret {namespace}/{name}) cannot be used: {why}")]
    UnusableBundle {
        /// Whose it is.
        person: Person,
        /// The guard's namespace.
        namespace: String,
        /// The Secret.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// There is no such bundle.
    #[error(
        "the {person} has no bundle of the team \"{team}\" (Secret {namespace}/{name}): check both names, or ask an administrator to \
         run `tiller-guard provision grant {team} --{} {}`",
        person.kind.as_str(),
        quoted(&person.name)
    )]
    NoBundle {
        /// The team.
        team: String,
        /// Whose it would be.
        person: Person,
        /// The guard's namespace.
        namespace: String,
        /// The Secret.
        name: String,
    },
}

/// Why the API server does not say.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// In its own words, which name the right that is missing.
    #[error("{0}")]
    Told(String),
    /// It could not be asked.
    #[error("{}", words(.0))]
    Unasked(Box<kube::Error>),
}

// === impl FoundCertificates ===

impl FoundCertificates {
    /// Whether Tiller's Secret is of another CA than the team's, as after a `rotate` or `revoke` that was interrupted: Tiller
    /// then accepts who was to be shut out. False where either is not in the cluster.
    pub fn is_of_another_ca(&self) -> bool {
        let (Some(ca), Some(server)) = (&self.ca, &self.server) else {
            return false;
        };
        let wanted = || std::iter::once(ca.certificate()).chain(&self.retiring);
        let is_trusted = |it: &Certificate| self.trusted.contains(it);
        let is_wanted = |it: &Certificate| wanted().any(|wanted| wanted == it);
        let is_same = wanted().all(is_trusted) && self.trusted.iter().all(is_wanted);
        !is_same || !wanted().any(|it| it.has_issued(&server.certificate))
    }

    /// Takes down a bundle, or why it is of no use.
    fn take_bundle(&mut self, secret: &Value) {
        let Some(person) = person(secret) else { return };
        let [_, certificate, key] = Bundle::NAMES;
        match read_pair(secret, certificate, key) {
            Ok(issued) => self.bundles.push(FoundBundle { person, issued }),
            Err(why) => self
                .unusable
                .push(unusable(&person.to_string(), secret, why)),
        }
    }

    /// Whether Tiller takes this bundle, as far as the CA is in the cluster.
    fn is_own(&self, bundle: &FoundBundle) -> bool {
        let Some(ca) = &self.ca else {
            return true;
        };
        let certificate = &bundle.issued.certificate;
        let mut issuers = std::iter::once(ca.certificate()).chain(&self.retiring);
        certificate.usage() == Usage::Client && issuers.any(|it| it.has_issued(certificate))
    }

    /// Whether this Deployment starts Tiller with other certificates than Tiller's Secret holds, as after a run that was
    /// interrupted between both: Tiller reads them at its start only. False of a Deployment that `provision` did not write.
    pub fn is_newer_than(&self, deployment: &Value) -> bool {
        let noted = deployment
            .pointer("/spec/template/metadata/annotations")
            .and_then(|it| it.get(CHECKSUM_ANNOTATION)?.as_str());
        let (Some(server), Some(noted)) = (&self.server, noted) else {
            return false;
        };
        checksum(&server.certificate, &self.trusted).to_string() != noted
    }
}

// === impl LookError ===

impl LookError {
    pub(super) fn asked(what: &str, namespace: &str, source: kube::Error) -> Self {
        Self::Asked {
            what: what.to_owned(),
            namespace: namespace.to_owned(),
            source: match source {
                kube::Error::Api(status) if !status.message.is_empty() => {
                    let right = missing_right(&status.message);
                    Refusal::Told(right.unwrap_or(status.message))
                }
                other => Refusal::Unasked(Box::new(other)),
            },
        }
    }
}

/// Where something was asked for.
fn place(namespace: &str) -> String {
    if namespace.is_empty() {
        "the cluster".to_owned()
    } else {
        format!("the namespace {namespace}")
    }
}

/// A team's certificates: CA and bundles among what is known of the guard's namespace, and Tiller's Secret.
pub fn found(
    stock: &Stock,
    team: &str,
    guard_namespace: &str,
    server: Option<&Value>,
) -> Result<FoundCertificates, LookError> {
    let name = Names { team }.ca();
    let server = server.filter(|it| is_ours(it, team));
    let [_, _, trusted] = TLS_SECRET_KEYS;
    let trusted = server.and_then(|it| data(it, trusted)).unwrap_or_default();
    let mut found = FoundCertificates {
        trusted: Certificate::read_all(&trusted).unwrap_or_default(),
        ..FoundCertificates::default()
    };
    if let Some(secret) = server {
        let [certificate, key, _] = TLS_SECRET_KEYS;
        match read_pair(secret, certificate, key) {
            Ok(issued) => found.server = Some(issued),
            Err(why) => found.unusable.push(unusable("Tiller", secret, why)),
        }
        if found.trusted.is_empty() {
            let why = "its ca.crt holds no certificates that can be read".to_owned();
            found.unusable.push(unusable("Tiller", secret, why));
        }
    }
    for secret in stock.secrets(team) {
        let label = |key| text(secret, "labels", key);
        if label(KIND_LABEL) == Some("bundle") {
            found.take_bundle(secret);
            continue;
        }
        if secret
            .pointer("/metadata/name")
            .is_none_or(|it| *it != name)
        {
            continue;
        }
        let [certificate, key, retiring] = CA_SECRET_KEYS;
        let data = |key| data(secret, key).unwrap_or_default();
        let ca = TeamCa::read(&data(certificate), &data(key));
        found.ca = Some(ca.map_err(|source| LookError::Ca {
            team: team.to_owned(),
            namespace: guard_namespace.to_owned(),
            name: name.clone(),
            source: Box::new(source),
        })?);
        found.retiring = Certificate::read_all(&data(retiring)).unwrap_or_default();
    }
    let strange = found.bundles.iter().filter(|it| !found.is_own(it));
    let strange = strange.map(|it| Unusable {
        of: it.person.to_string(),
        secret: format!("{guard_namespace}/{}", Names { team }.bundle(&it.person)),
        why: "its certificate is not of the team's CA".to_owned(),
    });
    let strange: Vec<_> = strange.collect();
    found.unusable.extend(strange);
    Ok(found)
}

/// Those who have a bundle of a team, whether it can be read or not.
pub fn people(stock: &Stock, team: &str) -> Vec<Person> {
    let bundles = stock.secrets(team);
    bundles
        .filter(|it| text(it, "labels", KIND_LABEL) == Some("bundle"))
        .filter_map(person)
        .collect()
}

/// A label or annotation.
pub(super) fn text<'o>(object: &'o Value, what: &str, key: &str) -> Option<&'o str> {
    object.get("metadata")?.get(what)?.get(key)?.as_str()
}

/// Whether a Secret is labelled as this team's.
fn is_ours(secret: &Value, team: &str) -> bool {
    text(secret, "labels", MANAGED_BY_LABEL) == Some(MANAGED_BY)
        && text(secret, "labels", TEAM_LABEL) == Some(team)
}

/// The certificate and the key of a Secret, or why they cannot be used.
pub(super) fn read_pair(secret: &Value, certificate: &str, key: &str) -> Result<Issued, String> {
    let file = |name| data(secret, name).ok_or_else(|| format!("it has no {name}"));
    Issued::read(&file(certificate)?, &file(key)?).map_err(|error| chain(&error))
}

fn unusable(of: &str, secret: &Value, why: String) -> Unusable {
    let text = |pointer| {
        secret
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    Unusable {
        of: of.to_owned(),
        secret: format!("{}/{}", text("/metadata/namespace"), text("/metadata/name")),
        why,
    }
}

fn person(bundle: &Value) -> Option<Person> {
    let kind = text(bundle, "labels", PERSON_KIND_LABEL)?;
    let name = text(bundle, "annotations", PERSON_ANNOTATION)?;
    Person::new(PersonKind::find(kind)?, name).ok()
}

pub(super) fn data(secret: &Value, key: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.get("data").and_then(|data| data.get(key));
    let decoded = STANDARD.decode(text.and_then(Value::as_str)?).ok()?;
    Some(Zeroizing::new(decoded))
}
