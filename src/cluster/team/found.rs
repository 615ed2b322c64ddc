//! The Secrets of a team, read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Stock, api, asked};
use crate::cluster::Cluster;
use crate::cluster::told::words;
use crate::pki::team::{Authority, AuthorityError, Certificate, Issued, checksum};
use crate::provision::{
    AUTHORITY_SECRET_KEYS, Bundle, CHECKSUM_ANNOTATION, KIND_LABEL, MANAGED_BY, MANAGED_BY_LABEL,
    Names, PERSON_ANNOTATION, PERSON_KIND_LABEL, Person, PersonKind, TARGET_NAMESPACES_ANNOTATION,
    TEAM_LABEL, TILLER_NAMESPACE_ANNOTATION, TLS_SECRET_KEYS, quoted,
};

/// What there is of a team's certificates. What is not labelled as ours is not looked at.
#[derive(Debug, Default)]
pub struct Found {
    /// The CA, where it is kept in the cluster.
    pub authority: Option<Authority>,
    /// CAs on their way out.
    pub retiring: Vec<Certificate>,
    /// Tiller's certificate, if it can be read.
    pub server: Option<Issued>,
    /// The CAs by which Tiller checks its clients, if they can be read.
    pub trusted: Vec<Certificate>,
    /// The bundles of people, those that can be read.
    pub bundles: Vec<FoundBundle>,
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
    #[error("cannot {what} in the namespace {namespace}")]
    Asked {
        /// What was asked for.
        what: String,
        /// Where.
        namespace: String,
        /// Why.
        source: Refusal,
    },
    /// The CA is damaged.
    #[error(
        "the CA in Secret {namespace}/{name} cannot be used: repair it, or make a new CA with \
         `tiller-guard provision rotate {team} --now`"
    )]
    Authority {
        /// The team.
        team: String,
        /// The guard's namespace.
        namespace: String,
        /// The Secret.
        name: String,
        /// Why.
        source: Box<AuthorityError>,
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

// === impl Found ===

impl Found {
    /// Whether Tiller's Secret is of another CA than the team's, as after a `rotate` or `revoke` that was interrupted: Tiller
    /// then accepts who was to be shut out. False where either is not in the cluster.
    pub fn is_of_another_authority(&self) -> bool {
        let (Some(authority), Some(server)) = (&self.authority, &self.server) else {
            return false;
        };
        let wanted = || std::iter::once(authority.certificate()).chain(&self.retiring);
        let is_trusted = |it: &Certificate| self.trusted.contains(it);
        let is_wanted = |it: &Certificate| wanted().any(|wanted| wanted == it);
        let is_same = wanted().all(is_trusted) && self.trusted.iter().all(is_wanted);
        !is_same || !wanted().any(|it| it.has_issued(&server.certificate))
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
                    Refusal::Told(status.message)
                }
                other => Refusal::Unasked(Box::new(other)),
            },
        }
    }
}

/// A team's certificates: CA and bundles among what is known of the guard's namespace, and Tiller's Secret.
pub fn found(
    stock: &Stock,
    team: &str,
    guard_namespace: &str,
    server: Option<&Value>,
) -> Result<Found, LookError> {
    let name = Names { team }.authority();
    let server = server.filter(|it| is_ours(it, team));
    let [_, _, trusted] = TLS_SECRET_KEYS;
    let trusted = server.and_then(|it| data(it, trusted)).unwrap_or_default();
    let mut found = Found {
        server: server.and_then(issued),
        trusted: Certificate::read_all(&trusted).unwrap_or_default(),
        ..Found::default()
    };
    for secret in stock.secrets(team) {
        let label = |key| text(secret, "labels", key);
        if label(KIND_LABEL) == Some("bundle") {
            found.bundles.extend(found_bundle(secret));
            continue;
        }
        if secret
            .pointer("/metadata/name")
            .is_none_or(|it| *it != name)
        {
            continue;
        }
        let [certificate, key, retiring] = AUTHORITY_SECRET_KEYS;
        let data = |key| data(secret, key).unwrap_or_default();
        let authority = Authority::read(&data(certificate), &data(key));
        found.authority = Some(authority.map_err(|source| LookError::Authority {
            team: team.to_owned(),
            namespace: guard_namespace.to_owned(),
            name: name.clone(),
            source: Box::new(source),
        })?);
        found.retiring = Certificate::read_all(&data(retiring)).unwrap_or_default();
    }
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

/// A person's bundle, as the cluster has it.
#[derive(Debug)]
pub struct PersonalBundle {
    /// The certificates.
    pub bundle: Bundle,
    /// The namespace of the Tiller that it opens.
    pub tiller_namespace: String,
    /// The namespaces that this Tiller releases to; none if an earlier version made the bundle.
    pub target_namespaces: Vec<String>,
}

/// A person's bundle, in one request for one Secret, which is all that the person may.
pub async fn bundle(
    cluster: &Cluster,
    team: &str,
    guard_namespace: &str,
    person: &Person,
) -> Result<PersonalBundle, LookError> {
    let name = Names { team }.bundle(person);
    let api = api(cluster, "v1", "Secret", guard_namespace);
    let found = asked(async || api.get_opt(&name).await).await;
    let missing = || LookError::NoBundle {
        team: team.to_owned(),
        person: person.clone(),
        namespace: guard_namespace.to_owned(),
        name: name.clone(),
    };
    let found = match found {
        Ok(found) => found.ok_or_else(missing)?,
        Err(error) => {
            let what = format!("get the Secret {name}");
            return Err(LookError::asked(&what, guard_namespace, error));
        }
    };
    let found = serde_json::to_value(found).unwrap_or_default();
    let pem = |key| {
        let data = data(&found, key)?;
        Some(Zeroizing::new(str::from_utf8(&data).ok()?.to_owned()))
    };
    let [authorities, certificate, key] = Bundle::NAMES;
    let parts = (pem(authorities), pem(certificate), pem(key));
    let (Some(authorities), Some(certificate), Some(key)) = parts else {
        return Err(missing());
    };
    let annotation = |key| text(&found, "annotations", key);
    let targets = annotation(TARGET_NAMESPACES_ANNOTATION);
    let targets = targets.unwrap_or_default().split(',');
    Ok(PersonalBundle {
        bundle: Bundle::of(authorities.to_string(), certificate.to_string(), key),
        tiller_namespace: annotation(TILLER_NAMESPACE_ANNOTATION)
            .ok_or_else(missing)?
            .to_owned(),
        target_namespaces: targets
            .filter(|it| !it.is_empty())
            .map(ToOwned::to_owned)
            .collect(),
    })
}

/// A label or annotation.
fn text<'o>(object: &'o Value, what: &str, key: &str) -> Option<&'o str> {
    object.get("metadata")?.get(what)?.get(key)?.as_str()
}

/// Whether a Secret is labelled as this team's.
fn is_ours(secret: &Value, team: &str) -> bool {
    text(secret, "labels", MANAGED_BY_LABEL) == Some(MANAGED_BY)
        && text(secret, "labels", TEAM_LABEL) == Some(team)
}

fn found_bundle(secret: &Value) -> Option<FoundBundle> {
    let [_, certificate, key] = Bundle::NAMES;
    let issued = Issued::read(&data(secret, certificate)?, &data(secret, key)?);
    Some(FoundBundle {
        person: person(secret)?,
        issued: issued.ok()?,
    })
}

fn person(bundle: &Value) -> Option<Person> {
    let kind = text(bundle, "labels", PERSON_KIND_LABEL)?;
    let name = text(bundle, "annotations", PERSON_ANNOTATION)?;
    Person::new(PersonKind::find(kind)?, name).ok()
}

fn issued(secret: &Value) -> Option<Issued> {
    let [certificate, key, _] = TLS_SECRET_KEYS;
    Issued::read(&data(secret, certificate)?, &data(secret, key)?).ok()
}

fn data(secret: &Value, key: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.get("data").and_then(|data| data.get(key));
    let decoded = STANDARD.decode(text.and_then(Value::as_str)?).ok()?;
    Some(Zeroizing::new(decoded))
}
