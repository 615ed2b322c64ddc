//! Whether the guard has the rights that it needs. Without them its watches break, and it judges by old knowledge.

use futures_util::stream::{self, StreamExt as _};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use serde_json::Value;

use super::{Check, Health};
use crate::cluster::Cluster;
use crate::installation::Installation;
use crate::k8s::webhook_configuration::NAME;

const ID: &str = "own-rights";
/// The most questions in flight.
const AT_ONCE: usize = 8;

/// A right that the guard needs.
struct Right {
    verb: String,
    group: String,
    resource: String,
    name: Option<String>,
    /// Nothing for all of them.
    namespace: Option<String>,
}

/// Asks the API server about each right that `install` gives the guard.
pub(super) async fn check(cluster: &Cluster, installed: &Installation) -> Check {
    let rights: Vec<_> = installed.foundation().iter().flat_map(rights_in).collect();
    let namespace = &installed.namespace;
    let answers = stream::iter(&rights)
        .map(|right| async move { (right, right.is_given(cluster, namespace).await) })
        .buffered(AT_ONCE);
    let answers: Vec<_> = answers.collect().await;
    let mut lacks = Vec::new();
    for (right, answer) in answers {
        match answer {
            Ok(true) => {}
            Ok(false) => lacks.push(right.to_string()),
            Err(error) => {
                let unread = Check::unread(ID, "create SubjectAccessReviews", &error);
                let health = Health::Doubtful;
                return Check { health, ..unread };
            }
        }
    }
    let account = format!("service account {namespace}/{NAME}");
    if lacks.is_empty() {
        return Check::good(ID, format!("{account} has the rights that it needs"));
    }
    lacks.dedup();
    Check::bad(
        ID,
        format!("{account} may not\n      {}", lacks.join("\n      ")),
        "run tiller-guard install, which gives them; find out who took them",
    )
}

/// The rights that a role gives.
fn rights_in(role: &Value) -> Vec<Right> {
    let text = |pointer| role.pointer(pointer).and_then(Value::as_str);
    let is_role = matches!(text("/kind"), Some("Role" | "ClusterRole"));
    let namespace = text("/metadata/namespace").map(ToOwned::to_owned);
    let rules = role
        .get("rules")
        .and_then(Value::as_array)
        .filter(|_| is_role);
    let mut rights = Vec::new();
    for rule in rules.into_iter().flatten() {
        let list = |key| {
            let list = rule
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            let words = list.filter_map(Value::as_str).map(ToOwned::to_owned);
            words.collect::<Vec<String>>()
        };
        let names = list("resourceNames");
        let names: Vec<_> = if names.is_empty() {
            vec![None]
        } else {
            names.into_iter().map(Some).collect()
        };
        for group in list("apiGroups") {
            for resource in list("resources") {
                for (verb, name) in list("verbs").into_iter().flat_map(|verb| {
                    let names = names.iter().cloned();
                    names.map(move |name| (verb.clone(), name))
                }) {
                    rights.push(Right {
                        verb,
                        group: group.clone(),
                        resource: resource.clone(),
                        name,
                        namespace: namespace.clone(),
                    });
                }
            }
        }
    }
    rights
}

// === impl Right ===

impl Right {
    async fn is_given(&self, cluster: &Cluster, guard_namespace: &str) -> kube::Result<bool> {
        let Self {
            verb,
            group,
            resource,
            name,
            namespace,
        } = self;
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(format!("system:serviceaccount:{guard_namespace}:{NAME}")),
                groups: Some(vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{guard_namespace}"),
                    "system:authenticated".to_owned(),
                ]),
                resource_attributes: Some(ResourceAttributes {
                    group: Some(group.clone()),
                    resource: Some(resource.clone()),
                    verb: Some(verb.clone()),
                    namespace: namespace.clone(),
                    name: name.clone(),
                    ..ResourceAttributes::default()
                }),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let api: Api<SubjectAccessReview> = Api::all(cluster.client().clone());
        let answer = api.create(&PostParams::default(), &review).await?;
        Ok(answer.status.is_some_and(|status| status.allowed))
    }
}

/// `watch pods`, `get secrets tiller-guard-ca`
impl std::fmt::Display for Right {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            verb,
            group: _,
            resource,
            name,
            namespace: _,
        } = self;
        write!(formatter, "{verb} {resource}")?;
        match name {
            Some(name) => write!(formatter, " {name}"),
            None => Ok(()),
        }
    }
}
