//! The Secrets of a team, read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{DynamicObject, ListParams};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{api, asked};
use crate::cluster::Cluster;
use crate::cluster::told::words;
use crate::pki::team::{Authority, AuthorityError, Certificate, Issued};
use crate::provision::{
    AUTHORITY_SECRET_KEYS, Bundle, KIND_LABEL, MANAGED_BY, MANAGED_BY_LABEL, Names,
    PERSON_ANNOTATION, PERSON_KIND_LABEL, Person, PersonKind, TARGET_NAMESPACES_ANNOTATION,
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

/// Looks for a team's certificates, in three requests.
pub async fn look(
    cluster: &Cluster,
    team: &str,
    guard_namespace: &str,
    tiller_namespace: &str,
    tls_secret: &str,
) -> Result<Found, LookError> {
    let name = Names { team }.authority();
    let (authority, server, bundles) = tokio::try_join!(
        secret(cluster, team, guard_namespace, &name),
        secret(cluster, team, tiller_namespace, tls_secret),
        bundles(cluster, team, guard_namespace),
    )?;
    let mut found = Found {
        server: server.as_ref().and_then(issued),
        bundles: bundles.iter().filter_map(found_bundle).collect(),
        ..Found::default()
    };
    if let Some(secret) = authority {
        let [certificate, key, retiring] = AUTHORITY_SECRET_KEYS;
        let data = |key| data(&secret, key).unwrap_or_default();
        let authority = Authority::read(&data(certificate), &data(key));
        found.authority = Some(authority.map_err(|source| LookError::Authority {
            team: team.to_owned(),
            namespace: guard_namespace.to_owned(),
            name,
            source: Box::new(source),
        })?);
        found.retiring = Certificate::read_all(&data(retiring)).unwrap_or_default();
    }
    Ok(found)
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
    let text = |key| {
        let data = data(&found, key)?;
        Some(Zeroizing::new(str::from_utf8(&data).ok()?.to_owned()))
    };
    let [authorities, certificate, key] = Bundle::NAMES;
    let parts = (text(authorities), text(certificate), text(key));
    let (Some(authorities), Some(certificate), Some(key)) = parts else {
        return Err(missing());
    };
    let annotation = |key| found.metadata.annotations.as_ref()?.get(key);
    let targets = annotation(TARGET_NAMESPACES_ANNOTATION).map(String::as_str);
    let targets = targets.unwrap_or_default().split(',');
    Ok(PersonalBundle {
        bundle: Bundle::of(authorities.to_string(), certificate.to_string(), key),
        tiller_namespace: annotation(TILLER_NAMESPACE_ANNOTATION)
            .cloned()
            .ok_or_else(missing)?,
        target_namespaces: targets
            .filter(|it| !it.is_empty())
            .map(ToOwned::to_owned)
            .collect(),
    })
}

async fn secret(
    cluster: &Cluster,
    team: &str,
    namespace: &str,
    name: &str,
) -> Result<Option<DynamicObject>, LookError> {
    let api = api(cluster, "v1", "Secret", namespace);
    let found = asked(async || api.get_opt(name).await).await;
    let what = format!("get the Secret {name}");
    let found = found.map_err(|error| LookError::asked(&what, namespace, error))?;
    Ok(found.filter(|secret| {
        let labels = secret.metadata.labels.as_ref();
        let has = |key: &str, value: &str| {
            labels.is_some_and(|labels| labels.get(key).is_some_and(|it| it == value))
        };
        has(MANAGED_BY_LABEL, MANAGED_BY) && has(TEAM_LABEL, team)
    }))
}

/// Those who have a bundle of a team, whether it can be read or not.
pub async fn people(
    cluster: &Cluster,
    team: &str,
    guard_namespace: &str,
) -> Result<Vec<Person>, LookError> {
    let bundles = bundles(cluster, team, guard_namespace).await?;
    Ok(bundles.iter().filter_map(person).collect())
}

async fn bundles(
    cluster: &Cluster,
    team: &str,
    namespace: &str,
) -> Result<Vec<DynamicObject>, LookError> {
    let selector =
        format!("{MANAGED_BY_LABEL}={MANAGED_BY},{TEAM_LABEL}={team},{KIND_LABEL}=bundle");
    let parameters = ListParams::default().labels(&selector);
    let api = api(cluster, "v1", "Secret", namespace);
    let found = asked(async || api.list(&parameters).await).await;
    let found = found.map_err(|error| LookError::asked("list bundles", namespace, error))?;
    Ok(found.items)
}

fn found_bundle(secret: &DynamicObject) -> Option<FoundBundle> {
    let [_, certificate, key] = Bundle::NAMES;
    let issued = Issued::read(&data(secret, certificate)?, &data(secret, key)?);
    Some(FoundBundle {
        person: person(secret)?,
        issued: issued.ok()?,
    })
}

fn person(bundle: &DynamicObject) -> Option<Person> {
    let metadata = &bundle.metadata;
    let kind = metadata.labels.as_ref()?.get(PERSON_KIND_LABEL)?;
    let name = metadata.annotations.as_ref()?.get(PERSON_ANNOTATION)?;
    Person::new(PersonKind::find(kind)?, name).ok()
}

fn issued(secret: &DynamicObject) -> Option<Issued> {
    let [certificate, key, _] = TLS_SECRET_KEYS;
    Issued::read(&data(secret, certificate)?, &data(secret, key)?).ok()
}

fn data(secret: &DynamicObject, key: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.data.get("data").and_then(|data| data.get(key));
    let decoded = STANDARD.decode(text.and_then(Value::as_str)?).ok()?;
    Some(Zeroizing::new(decoded))
}
