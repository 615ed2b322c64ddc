//! The proof, end to end, that Tillers are held: the API server is asked to try one, for each of the two webhooks by
//! itself. Of what it tries nothing stays: it is a dry run. Before Kubernetes 1.13 there are none; what is tried there has a
//! `resourceVersion`, which the storage refuses in what is new, after the webhooks were asked.

mod cause;

use std::collections::BTreeSet;

use kube::Api;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, GroupVersionKind, PostParams, Preconditions,
};
use kube::core::Status;
use serde_json::{Value, json};
use tracing::warn;

use super::Cluster;
use super::apply::Effect;
use super::told::{remedy, said, words};
use crate::gather::Gather as _;
use crate::k8s::review::{MUTATE_TRIAL, TRIAL_NAMESPACE as NAMESPACE, UNWATCHED, VALIDATE_TRIAL};
use crate::k8s::webhook_configuration::{MUTATE, TRIAL_LABEL, VALIDATE};
pub use cause::Cause;

/// How often it is tried while webhooks of others refuse it: validating ones are asked at the same time, and the API server
/// tells of one of them.
const ATTEMPTS: u32 = 4;

/// What to do where the API server refuses to try.
const RIGHTS: &str = "use an account that may create Deployments in the namespace default, and let other webhooks allow them \
                      there; nothing is stored";

/// What became of an unhardened Tiller, tried for each webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Of one that the mutating webhook refuses.
    pub mutate: Trial,
    /// Of one that it leaves alone, so that it is refused by the validating webhook or by none.
    pub validate: Trial,
    /// What was tried for the validating webhook: before Kubernetes 1.13 a Service, about which the other one is not asked.
    pub validated: &'static str,
}

/// What became of an unhardened Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// A webhook of tiller-guard refused it.
    Refused {
        /// The webhook's name.
        by: String,
        /// What it said.
        message: String,
        /// The watches that do not run in the pod that answered.
        unwatched: Vec<String>,
    },
    /// It was let in.
    LetIn,
    /// The API server could not ask.
    Unasked {
        /// Why, as far as its words tell.
        cause: Cause,
        /// Its words.
        message: String,
    },
    /// It could not be tried.
    Untried {
        /// Why.
        message: String,
        /// What to do.
        hint: String,
    },
}

/// Asks the API server to try an unhardened Tiller for each webhook.
pub async fn prove(cluster: &Cluster) -> Proof {
    let dry_run = Effect::ServerDryRun.check(cluster).is_ok();
    let mutated = Attempt {
        api: ("apps", "v1", "Deployment"),
        object: tiller(MUTATE_TRIAL),
        dry_run,
    };
    let (validated, what) = if dry_run {
        let object = tiller(VALIDATE_TRIAL);
        (Attempt { object, ..mutated }, "an unhardened Tiller")
    } else {
        let (api, object) = (("", "v1", "Service"), exposed());
        let attempt = Attempt {
            api,
            object,
            dry_run,
        };
        (attempt, "a Service that opens Tiller's port")
    };
    Proof {
        mutate: mutated.result(cluster).await,
        validate: validated.result(cluster).await,
        validated: what,
    }
}

/// Something that the API server is asked to create.
struct Attempt {
    api: (&'static str, &'static str, &'static str),
    object: Value,
    dry_run: bool,
}

fn tiller(name: &str) -> Value {
    let labels = json!({ "app": "helm", "name": "tiller" });
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "namespace": NAMESPACE, "labels": { TRIAL_LABEL: "true" } },
        "spec": {
            "paused": true,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] },
            },
        },
    })
}

/// Reached from nowhere, too: the address is for documentation (RFC 5737).
fn exposed() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": { "name": VALIDATE_TRIAL, "namespace": NAMESPACE },
        "spec": {
            "selector": { "app": "helm", "name": "tiller" },
            "ports": [{ "port": 44134, "protocol": "TCP" }],
            "externalIPs": ["192.0.2.1"],
        },
    })
}

// === impl Attempt ===

impl Attempt {
    async fn result(mut self, cluster: &Cluster) -> Trial {
        let Self {
            api: (group, version, kind),
            object,
            dry_run,
        } = &mut self;
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let client = cluster.client().clone();
        let api: Api<DynamicObject> = Api::namespaced_with(client, NAMESPACE, &resource);
        let metadata = object.get_mut("metadata").and_then(Value::as_object_mut);
        if let (false, Some(metadata)) = (*dry_run, metadata) {
            metadata.insert("resourceVersion".to_owned(), json!("1"));
        }
        let object = match serde_json::from_value(object.take()) {
            Ok(object) => object,
            Err(error) => return Trial::untried(error.to_string()),
        };
        let mut trial = Trial::LetIn;
        for _attempt in 0..ATTEMPTS {
            trial = once(&api, &object, *dry_run).await;
            if !trial.is_refused_by_others() {
                break;
            }
        }
        trial
    }
}

async fn once(api: &Api<DynamicObject>, object: &DynamicObject, dry_run: bool) -> Trial {
    let parameters = PostParams {
        dry_run,
        field_manager: None,
    };
    match api.create(&parameters, object).await {
        Ok(created) => {
            if !dry_run {
                remove(api, &created).await;
            }
            Trial::LetIn
        }
        Err(error) => {
            let trial = match &error {
                kube::Error::Api(status) => Trial::of(status.message.clone()).telling(status),
                _ => Trial::untried(String::new()),
            };
            trial.failing(&error, object)
        }
    }
}

/// Removes what a server stored that does not refuse a `resourceVersion`. None is known.
async fn remove(api: &Api<DynamicObject>, created: &DynamicObject) {
    let parameters = DeleteParams::background().preconditions(Preconditions {
        uid: created.metadata.uid.clone(),
        resource_version: None,
    });
    let name = created.metadata.name.as_deref().unwrap_or_default();
    if let Err(error) = api.delete(name, &parameters).await {
        warn!(name, error = %words(&error), "cannot remove what was tried");
    }
}

// === impl Proof ===

impl Proof {
    /// Whether the API server asks the mutating webhook.
    pub fn shows_mutate(&self) -> bool {
        self.mutate.is_refused_by(MUTATE)
    }

    /// The watches that do not run in the pods that answered, each once; nothing where none answered.
    pub fn unwatched(&self) -> Option<Vec<&str>> {
        let answers = [(MUTATE, &self.mutate), (VALIDATE, &self.validate)];
        let told: Vec<_> = answers
            .into_iter()
            .filter_map(|(webhook, trial)| match trial {
                Trial::Refused { by, unwatched, .. } if by == webhook => Some(unwatched),
                _ => None,
            })
            .collect();
        if told.is_empty() {
            return None;
        }
        let all: BTreeSet<_> = told.into_iter().flatten().map(String::as_str).gather();
        Some(all.into_iter().collect())
    }

    /// Whether the API server asks the validating webhook.
    pub fn shows_validate(&self) -> bool {
        self.validate.is_refused_by(VALIDATE)
    }
}

// === impl Trial ===

impl Trial {
    /// Whether this webhook refused it.
    pub fn is_refused_by(&self, webhook: &str) -> bool {
        matches!(self, Self::Refused { by, .. } if by == webhook)
    }

    /// With what the answer says of the pod that gave it.
    fn telling(mut self, status: &Status) -> Self {
        if let Self::Refused { unwatched, .. } = &mut self {
            let causes = status.details.iter().flat_map(|it| &it.causes);
            let causes = causes.filter(|cause| cause.reason == UNWATCHED);
            unwatched.extend(causes.map(|cause| cause.field.clone()));
        }
        self
    }

    fn is_refused_by_others(&self) -> bool {
        matches!(self, Self::Untried { message, .. } if denying(message).is_some())
    }

    fn untried(message: String) -> Self {
        let hint = RIGHTS.to_owned();
        Self::Untried { message, hint }
    }

    /// With the request that failed, and what to do about this answer to it.
    fn failing(self, error: &kube::Error, object: &DynamicObject) -> Self {
        let Self::Untried { message, hint } = self else {
            return self;
        };
        let is_refused = matches!(error, kube::Error::Api(status) if status.code == 403);
        let hint = if is_refused || denying(&message).is_some() {
            hint
        } else {
            remedy(error, "create it")
        };
        let kind = object.types.as_ref().map_or("it", |it| it.kind.as_str());
        let name = object.metadata.name.as_deref().unwrap_or_default();
        let message = format!("cannot create {kind} {NAMESPACE}/{name}: {}", said(error));
        Self::Untried { message, hint }
    }

    /// What an API server's refusal tells.
    fn of(message: String) -> Self {
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        match denying(&message) {
            None if says(&["resourceVersion should not be set on objects to be created"]) => {
                Self::LetIn
            }
            Some(by) if by.ends_with(".tiller-guard.io") => Self::Refused {
                by: by.to_owned(),
                message,
                unwatched: Vec::new(),
            },
            None if says(&["failed calling webhook", "failed calling admission webhook"]) => {
                let cause = Cause::of(&message);
                Self::Unasked { cause, message }
            }
            _ => Self::untried(message),
        }
    }
}

/// The webhook that refused something, by an API server's words.
fn denying(message: &str) -> Option<&str> {
    let (before, _) = message.split_once("\" denied the request")?;
    let (_, name) = before.rsplit_once("admission webhook \"")?;
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_of_the_tiller_is_told_from_the_api_servers_words() {
        let of = |message: &str| Trial::of(message.to_owned());
        for (name, ours) in [
            (MUTATE, true),
            (VALIDATE, true),
            ("system.tiller-guard.io", true),
            ("validate.kyverno.svc", false),
            ("validate.tiller-guard.io.example.com", false),
        ] {
            for message in [
                format!("admission webhook \"{name}\" denied the request: no"),
                // 1.10 to 1.13, of a mutating webhook.
                format!(
                    "Internal error occurred: admission webhook \"{name}\" denied the request: no"
                ),
                format!("admission webhook \"{name}\" denied the request without explanation"),
            ] {
                let expected = if ours {
                    Trial::Refused {
                        by: name.to_owned(),
                        message: message.clone(),
                        unwatched: Vec::new(),
                    }
                } else {
                    Trial::untried(message.clone())
                };
                assert_eq!(of(&message), expected);
                assert_eq!(of(&message).is_refused_by_others(), !ours);
            }
        }
        let forbidden = r#"deployments.apps is forbidden: User "a" cannot create resource "deployments" in API group "apps" in the namespace "default""#;
        assert_eq!(of(forbidden), Trial::untried(forbidden.to_owned()));
        assert!(!of(forbidden).is_refused_by_others());
        // Before 1.13, once no webhook refused it.
        let let_in = "resourceVersion should not be set on objects to be created";
        assert_eq!(of(let_in), Trial::LetIn);
    }

    /// One that is refused in a message of the other's name is no proof of it.
    #[test]
    fn only_the_webhook_that_is_asked_about_proves_itself() {
        let proof = |mutate: &str, validate: &str| {
            let refused = |by: &str| {
                Trial::of(format!(
                    "admission webhook \"{by}\" denied the request: \"{VALIDATE}\""
                ))
            };
            Proof {
                mutate: refused(mutate),
                validate: refused(validate),
                validated: "a Tiller",
            }
        };
        let both = proof(MUTATE, VALIDATE);
        assert!(both.shows_mutate() && both.shows_validate());
        let mutate_only = proof(MUTATE, MUTATE);
        assert!(mutate_only.shows_mutate() && !mutate_only.shows_validate());
        let validate_only = proof(VALIDATE, VALIDATE);
        assert!(!validate_only.shows_mutate() && validate_only.shows_validate());
    }
}
