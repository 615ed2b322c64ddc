//! Checks, before Roles are written, whether the current user may grant their rights. The API server lets users grant only rights
//! that they have, unless they may `escalate` and `bind` roles.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _};
use k8s_openapi::api::authorization::v1::{
    ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec,
};
use kube::Api;
use kube::api::PostParams;
use serde::Deserialize;
use serde_json::Value;

use super::own_rights::Right;
use crate::cluster::Cluster;
use crate::gather::Gather as _;

/// Namespaces at once.
const AT_ONCE: usize = 8;

/// A rule of a Role.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    resource_names: Vec<String>,
    verbs: Vec<String>,
}

/// The rights in these Roles that the current user does not have, such as `patch deployments.apps in blue`. If the API server's answer
/// is incomplete, the user counts as having the rights: the write itself then shows it.
pub async fn lacking_grants(cluster: &Cluster, given: &[&Value]) -> Vec<String> {
    let mut by_namespace: BTreeMap<&str, Vec<Rule>> = BTreeMap::new();
    for role in given {
        let namespace = role.pointer("/metadata/namespace").and_then(Value::as_str);
        let rules = role.get("rules").cloned().unwrap_or_default();
        if let (Some(namespace), Ok(rules)) =
            (namespace, serde_json::from_value::<Vec<Rule>>(rules))
        {
            by_namespace.entry(namespace).or_default().extend(rules);
        }
    }
    if by_namespace.is_empty() || may_grant_all(cluster).await {
        return Vec::new();
    }
    let asked = stream::iter(&by_namespace).map(|(namespace, rules)| async move {
        let held = held(cluster, namespace).await?;
        let lacking: BTreeSet<_> = rules.iter().flat_map(|rule| rule.lacking(&held)).gather();
        let placed = lacking
            .into_iter()
            .map(|right| format!("{right} in {namespace}"));
        Some(placed.collect::<Vec<_>>())
    });
    let asked: Vec<_> = asked.buffered(AT_ONCE).collect().await;
    asked.into_iter().flatten().flatten().collect()
}

/// Whether the current user may grant rights that they do not have.
async fn may_grant_all(cluster: &Cluster) -> bool {
    let right = |verb, group: &str, resource: &str| Right {
        verb,
        group: group.to_owned(),
        resource: resource.to_owned(),
    };
    let group = "rbac.authorization.k8s.io";
    let (escalates, binds) = (
        right("escalate", group, "roles"),
        right("bind", group, "roles"),
    );
    escalates.is_given(cluster, None).await && binds.is_given(cluster, None).await
}

/// The current user's rights in a namespace. `None` if the API server does not know all of them.
async fn held(cluster: &Cluster, namespace: &str) -> Option<Vec<ResourceRule>> {
    let review = SelfSubjectRulesReview {
        spec: SelfSubjectRulesReviewSpec {
            namespace: Some(namespace.to_owned()),
        },
        ..SelfSubjectRulesReview::default()
    };
    let api: Api<SelfSubjectRulesReview> = Api::all(cluster.client().clone());
    let answer = api.create(&PostParams::default(), &review).await.ok()?;
    let status = answer.status.filter(|status| !status.incomplete)?;
    Some(status.resource_rules)
}

// === impl Rule ===

impl Rule {
    /// The parts of this rule that none of these gives.
    fn lacking(&self, held: &[ResourceRule]) -> Vec<String> {
        let mut lacking = Vec::new();
        for (group, resource, verb) in self.parts() {
            let is_given = held.iter().any(|rule| {
                has(Some(&rule.verbs), verb)
                    && has(rule.api_groups.as_ref(), group)
                    && has_resource(rule.resources.as_ref(), resource)
                    && self.is_within(rule.resource_names.as_deref().unwrap_or_default())
            });
            if !is_given {
                let dot = if group.is_empty() { "" } else { "." };
                lacking.push(format!("{verb} {resource}{dot}{group}"));
            }
        }
        lacking
    }

    fn parts(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.api_groups.iter().flat_map(move |group| {
            self.resources.iter().flat_map(move |resource| {
                let verbs = self.verbs.iter();
                verbs.map(move |verb| (group.as_str(), resource.as_str(), verb.as_str()))
            })
        })
    }

    /// Whether it names no object beyond these; no name stands for all.
    fn is_within(&self, names: &[String]) -> bool {
        names.is_empty()
            || !self.resource_names.is_empty()
                && self.resource_names.iter().all(|name| names.contains(name))
    }
}

fn has(words: Option<&Vec<String>>, word: &str) -> bool {
    words.is_some_and(|words| words.iter().any(|it| it == "*" || it == word))
}

/// As RBAC has it, `*/scale` is the subresource of all.
fn has_resource(resources: Option<&Vec<String>>, resource: &str) -> bool {
    let of_all = resource
        .split_once('/')
        .map(|(_, part)| format!("*/{part}"));
    has(resources, resource) || of_all.is_some_and(|it| has(resources, &it))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lacking(wanted: Value, held: Value) -> Vec<String> {
        let wanted: Rule = serde_json::from_value(wanted).unwrap();
        let held: Vec<ResourceRule> = serde_json::from_value(held).unwrap();
        wanted.lacking(&held)
    }

    #[test]
    fn what_no_rule_gives_is_lacking() {
        let wanted = json!({
            "apiGroups": ["", "apps"], "resources": ["secrets"], "verbs": ["get", "list"],
        });
        let all = json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }]);
        assert_eq!(lacking(wanted.clone(), all), [""; 0]);
        let some = json!([
            { "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] },
            { "apiGroups": [""], "resources": ["secrets"], "verbs": ["list"], "resourceNames": ["a"] },
            { "apiGroups": ["apps"], "resources": ["*/status"], "verbs": ["*"] },
        ]);
        assert_eq!(
            lacking(wanted, some),
            ["list secrets", "get secrets.apps", "list secrets.apps"]
        );
        let named = |names: Value| json!({ "apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"], "resourceNames": names });
        let held = json!([{
            "apiGroups": [""], "resources": ["*/log"], "verbs": ["get"], "resourceNames": ["a", "b"],
        }]);
        assert_eq!(lacking(named(json!(["a"])), held.clone()), [""; 0]);
        for more in [json!(["a", "c"]), json!([])] {
            assert_eq!(lacking(named(more), held.clone()), ["get pods/log"]);
        }
    }
}
