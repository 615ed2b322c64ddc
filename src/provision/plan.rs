//! Everything that a team needs, in the order in which it has to come.

use std::collections::BTreeSet;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::access::{Access, access};
use super::bundle::Bundle;
use super::objects::{self, PodSecurity};
use super::review::{context, knowledge, review};
use super::{CheckedTeam, KIND_LABEL, secrets, tiller};
use crate::k8s::Malformed;
use crate::pki::team::{Certificate, Certificates};
use crate::policy::Settings;
use crate::policy::team::TeamError;

/// The desired objects of a team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Objects that have to be there before those of the next stage.
    pub stages: Vec<Stage>,
    /// Where Tiller is not a part of it, the command that makes it.
    pub init_line: Option<String>,
}

/// Objects that do not need one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What they are, in a word or two.
    pub title: &'static str,
    /// The objects.
    pub objects: Vec<Planned>,
}

/// An object of the plan.
#[derive(Clone, PartialEq, Eq)]
pub struct Planned {
    /// The object; it may hold a key.
    pub object: Value,
    /// Whether one that others have made will do.
    pub may_be_foreign: bool,
}

/// A team's plan cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The webhook would not let an object pass.
    #[error("the guard would refuse {object}: {rule}: {message}; {remedy}")]
    Refused {
        /// Which.
        object: String,
        /// The rule.
        rule: &'static str,
        /// What it found.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// Someone who has no certificate: those who made the certificates have to mend it.
    #[error("there is no certificate for {0}")]
    NoCertificate(String),
    /// Two people whose names give one object's.
    #[error("two people's bundles would be called {0}: leave one out")]
    Collision(String),
    /// The team's registration cannot be read by the guard.
    #[error("the team cannot be registered")]
    Team(#[from] TeamError),
    /// An object cannot be read: its makers have to mend it.
    #[error("an object of the plan cannot be read")]
    Malformed(#[from] Malformed),
    /// The hardening is no patch: its makers have to mend it.
    #[error("the hardening cannot be written")]
    Patch(#[source] serde_json::Error),
    /// The hardening does not fit: its makers have to mend it.
    #[error("the hardening cannot be applied")]
    Apply(#[from] json_patch::PatchError),
}

/// Plans what a team needs: the same for the same arguments.
///
/// Its CA is a part of it where `with_ca` says so; else it is kept elsewhere.
pub fn plan(
    team: &CheckedTeam,
    certificates: &Certificates,
    with_ca: bool,
    settings: &Settings,
) -> Result<Plan, PlanError> {
    let Access { roles, bindings } = access(team);
    let registration = objects::registration(team, certificates.trusted());
    let server = secrets::server(team, certificates, &settings.certificate_secret);
    let mut second = vec![
        registration.clone(),
        objects::service_account(team),
        objects::network_policy(team),
    ];
    second.extend(roles);
    // The CA comes before all that names it or is signed by it.
    let ca = with_ca.then(|| secrets::ca(team, certificates));
    let mut stages = vec![
        Stage::new(
            "CA and namespaces",
            ca.into_iter().chain(namespaces_of(team)).collect(),
        ),
        Stage::new("team, account and roles", second),
        Stage::new(
            "bindings and certificate",
            bindings.into_iter().chain([server]).collect(),
        ),
    ];
    let knowledge = knowledge(&registration, stages.iter().flat_map(Stage::values))?;
    let context = context(&knowledge);
    if team.with_tiller {
        let deployment = tiller::deployment(team, &certificates.checksum(), settings, &context)?;
        stages.push(Stage::new(
            "Tiller",
            vec![tiller::service(team), deployment],
        ));
    }
    // Whoever is told of a new bundle finds a Tiller that takes it; and who was not told, since the run was killed, gets
    // another one by the next.
    let bundles = bundles(team, certificates)?;
    if !bundles.is_empty() {
        stages.push(Stage::new("bundles", bundles));
    }
    for object in stages.iter().flat_map(Stage::values) {
        if let Some(finding) = review(object, settings, &context)?.into_iter().next() {
            return Err(PlanError::Refused {
                object: name_of(object),
                rule: finding.rule.id,
                message: finding.message.into_owned(),
                remedy: finding.remedy.into_owned(),
            });
        }
    }
    let init_line = (!team.with_tiller).then(|| tiller::init_line(team));
    Ok(Plan { stages, init_line })
}

/// The namespaces of a team, Tiller's first.
pub fn namespaces_of(team: &CheckedTeam) -> Vec<Value> {
    let tiller = objects::namespace(team, &team.tiller_namespace, PodSecurity::Restricted);
    let targets = team
        .target_namespaces
        .iter()
        .map(|namespace| objects::namespace(team, namespace, PodSecurity::Baseline));
    std::iter::once(tiller).chain(targets).collect()
}

fn bundles(team: &CheckedTeam, certificates: &Certificates) -> Result<Vec<Value>, PlanError> {
    let mut slugs = BTreeSet::new();
    let bundles = team.people().iter().map(|person| {
        if !slugs.insert(person.slug()) {
            return Err(PlanError::Collision(person.slug()));
        }
        let issued = certificates.clients.get(&person.holder());
        let issued = issued.ok_or_else(|| PlanError::NoCertificate(person.to_string()))?;
        Ok(secrets::bundle(
            team,
            person,
            &Bundle::new(certificates, issued),
        ))
    });
    bundles.collect()
}

// === impl Plan ===

impl Plan {
    /// The same for Kubernetes 1.`minor`. Before 1.19 the API server drops `seccompProfile`, so that it would be found
    /// missing each time; the annotation of the pods says the same there.
    #[must_use]
    pub fn for_kubernetes(mut self, minor: u16) -> Self {
        if minor >= 19 {
            return self;
        }
        let planned = self.stages.iter_mut().flat_map(|stage| &mut stage.objects);
        for planned in planned {
            let context = planned
                .object
                .pointer_mut("/spec/template/spec/securityContext");
            if let Some(context) = context.and_then(Value::as_object_mut) {
                context.remove("seccompProfile");
            }
        }
        self
    }

    /// What a renewal writes: the certificates, and of Tiller's Deployment what replaces its pods. The registration is a
    /// part of it where it does not name the CA.
    #[must_use]
    pub fn renewal(mut self, with_registration: bool) -> Self {
        for stage in &mut self.stages {
            stage.objects.retain(|planned| {
                let object = &planned.object;
                let is = |kind: &str| object.get("kind").is_some_and(|it| it == kind);
                is("Secret") && kind_label(object) != Some("authority")
                    || is("ConfigMap") && with_registration
                    || is("Deployment")
            });
            for planned in &mut stage.objects {
                tiller::keep_checksum(&mut planned.object);
            }
        }
        self.stages.retain(|stage| !stage.objects.is_empty());
        self
    }

    /// The same, with Tiller's certificate written first, beside the CA that has issued it, and no other: once a new CA takes the
    /// place of that one, nobody can issue it again.
    #[must_use]
    pub fn with_server_first(mut self, issuer: &Certificate) -> Self {
        let is_server = |object: &&Value| {
            object.get("type").is_some_and(|it| it == secrets::TLS) && kind_label(object).is_none()
        };
        let Some(mut server) = self.objects().find(is_server).cloned() else {
            return self;
        };
        let [_, _, trusted] = secrets::TLS_SECRET_KEYS;
        if let Some(data) = server.get_mut("data").and_then(Value::as_object_mut) {
            data.insert(trusted.to_owned(), STANDARD.encode(issuer.pem()).into());
        }
        self.stages
            .insert(0, Stage::new("Tiller's certificate", vec![server]));
        self
    }

    /// Leaves out what does not fulfil a condition.
    pub fn retain(&mut self, stays: impl Fn(&Value) -> bool) {
        for stage in &mut self.stages {
            stage.objects.retain(|planned| stays(&planned.object));
        }
    }

    /// Every object, in order.
    pub fn objects(&self) -> impl Iterator<Item = &Value> {
        self.stages.iter().flat_map(Stage::values)
    }
}

// === impl Stage ===

impl Stage {
    fn new(title: &'static str, objects: Vec<Value>) -> Self {
        let objects = objects.into_iter().map(|object| Planned {
            may_be_foreign: object.get("kind").is_some_and(|kind| kind == "Namespace"),
            object,
        });
        Self {
            title,
            objects: objects.collect(),
        }
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter().map(|planned| &planned.object)
    }
}

/// By name: the object may hold a key.
impl fmt::Debug for Planned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&name_of(&self.object))
    }
}

/// `Deployment NAMESPACE/NAME`.
impl fmt::Display for Planned {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&name_of(&self.object))
    }
}

fn kind_label(object: &Value) -> Option<&str> {
    object
        .get("metadata")?
        .get("labels")?
        .get(KIND_LABEL)?
        .as_str()
}

fn name_of(object: &Value) -> String {
    let text = |pointer| {
        object
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (kind, namespace, name) = (
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name"),
    );
    match namespace {
        "" => format!("{kind} {name}"),
        _ => format!("{kind} {namespace}/{name}"),
    }
}
