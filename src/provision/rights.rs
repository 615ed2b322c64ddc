//! What a team's Tiller may do, and what its people may.

use serde_json::{Value, json};

use crate::pod::Text;
use crate::policy::rbac::{PolicyRule, Right, Rights};

/// A right that a team's charts need beyond the usual ones, in its target namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraRule {
    /// API groups; empty for the core's.
    pub api_groups: Vec<String>,
    /// Resources, such as `certificates`.
    pub resources: Vec<String>,
    /// Verbs, such as `get`.
    pub verbs: Vec<String>,
}

/// A rule that no Tiller may have, or that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Not of the form that kubectl writes rights in.
    #[error(
        "write VERB,VERB:RESOURCE.GROUP,RESOURCE, such as get,list:certificates.cert-manager.io"
    )]
    Form,
    /// A list of the rule is empty.
    #[error("a rule needs verbs, API groups and resources")]
    Empty,
    /// A `*`.
    #[error("name each {0}; * would also allow what new versions of the cluster add")]
    Wildcard(&'static str),
    /// A word with characters that no verb, group or resource has.
    #[error("\"{0}\" is not a verb, API group or resource")]
    Word(String),
    /// Something that makes more of every other right.
    #[error("no Tiller may have {}", .0.as_str())]
    Right(Right),
}

/// What Tiller does with its releases where it keeps them in Secrets: no watch and no patch.
///
/// Source: `pkg/storage/driver/secrets.go` of Helm 2.7.2 to 2.17.0.
pub(super) fn release_records() -> Value {
    json!([{
        "apiGroups": [""],
        "resources": ["secrets"],
        "verbs": ["get", "list", "create", "update", "delete"],
    }])
}

/// What charts need in a target namespace, and the extra rules.
///
/// Source: `pkg/kube` of Helm 2.17.0 for the verbs; up to 2.10 it updates where later ones patch.
pub(super) fn target(namespace: &str, extra: &[ExtraRule]) -> Value {
    const ALL: [&str; 7] = [
        "get", "list", "watch", "create", "update", "patch", "delete",
    ];
    const READ: [&str; 3] = ["get", "list", "watch"];
    let rule = |groups: &[&str], resources: &[&str], verbs: &[&str]| json!({ "apiGroups": groups, "resources": resources, "verbs": verbs });
    let mut rules = vec![
        rule(
            &[""],
            &[
                "configmaps",
                "endpoints",
                "persistentvolumeclaims",
                "pods",
                "replicationcontrollers",
                "secrets",
                "serviceaccounts",
                "services",
            ],
            &ALL,
        ),
        rule(
            &["apps", "extensions"],
            &["daemonsets", "deployments", "replicasets", "statefulsets"],
            &ALL,
        ),
        rule(&["batch"], &["cronjobs", "jobs"], &ALL),
        rule(&["autoscaling"], &["horizontalpodautoscalers"], &ALL),
        rule(&["policy"], &["poddisruptionbudgets"], &ALL),
        rule(&["extensions", "networking.k8s.io"], &["ingresses"], &ALL),
        rule(&[""], &["events", "pods/log"], &READ),
        // Every installation asks whether its namespace is there.
        json!({
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": [namespace],
            "verbs": ["get"],
        }),
    ];
    rules.extend(extra.iter().map(|extra| {
        let ExtraRule {
            api_groups,
            resources,
            verbs,
        } = extra;
        json!({ "apiGroups": api_groups, "resources": resources, "verbs": verbs })
    }));
    rules.into()
}

/// How Helm reaches Tiller: it looks for the pod and forwards a port to it, which cannot be narrowed to a pod whose
/// name is made anew each time.
pub(super) fn people() -> Value {
    json!([
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] },
        { "apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["create"] },
    ])
}

// === impl ExtraRule ===

impl ExtraRule {
    /// Reads rules as kubectl writes rights: verbs, a colon, resources with their group after a dot. There is one
    /// rule for each group.
    pub fn parse(text: &str) -> Result<Vec<Self>, RuleError> {
        let (verbs, resources) = text.split_once(':').ok_or(RuleError::Form)?;
        let words = |text: &str| text.split(',').map(|it| it.trim().to_owned()).collect();
        let verbs: Vec<String> = words(verbs);
        let mut rules: Vec<Self> = Vec::new();
        for word in resources.split(',').map(str::trim) {
            let (kind, part) = match word.split_once('/') {
                Some((kind, part)) => (kind, Some(part)),
                None => (word, None),
            };
            let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
            let resource = match part {
                Some(part) => format!("{resource}/{part}"),
                None => resource.to_owned(),
            };
            let known = rules.iter_mut().find(|rule| rule.api_groups == [group]);
            match known {
                Some(rule) => rule.resources.push(resource),
                None => rules.push(Self {
                    api_groups: vec![group.to_owned()],
                    resources: vec![resource],
                    verbs: verbs.clone(),
                }),
            }
        }
        Ok(rules)
    }

    /// Whether a Tiller may have it.
    pub fn check(&self) -> Result<(), RuleError> {
        let Self {
            api_groups,
            resources,
            verbs,
        } = self;
        let lists = [
            ("API group", api_groups),
            ("resource", resources),
            ("verb", verbs),
        ];
        for (what, words) in lists {
            if words.is_empty() {
                return Err(RuleError::Empty);
            }
            for word in words {
                if word.contains('*') {
                    return Err(RuleError::Wildcard(what));
                }
                let may_be_empty = what == "API group";
                if word.is_empty() && !may_be_empty || !word.bytes().all(is_plain) {
                    return Err(RuleError::Word(word.clone()));
                }
            }
        }
        let texts = |words: &[String]| words.iter().map(|it| Text::from(it.clone())).collect();
        let rule = PolicyRule {
            api_groups: texts(api_groups),
            resources: texts(resources),
            verbs: texts(verbs),
            ..PolicyRule::default()
        };
        let rights = Rights::of(&[rule]);
        // Commands in the pods of a target namespace are the team's own affair.
        let excessive = Right::ALL
            .into_iter()
            .find(|right| *right != Right::Exec && rights.has(*right));
        excessive.map_or(Ok(()), |right| Err(RuleError::Right(right)))
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<(), String> {
        let rules = ExtraRule::parse(text).map_err(|error| error.to_string())?;
        let checked = rules.iter().try_for_each(ExtraRule::check);
        checked.map_err(|error| error.to_string())
    }

    #[test]
    fn rules_are_read_as_kubectl_writes_them() {
        let rules =
            ExtraRule::parse("get,list:certificates.cert-manager.io,pods/exec,pods").unwrap();
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(
            rules,
            [
                ExtraRule {
                    api_groups: words(&["cert-manager.io"]),
                    resources: words(&["certificates"]),
                    verbs: words(&["get", "list"]),
                },
                ExtraRule {
                    api_groups: words(&[""]),
                    resources: words(&["pods/exec", "pods"]),
                    verbs: words(&["get", "list"]),
                },
            ]
        );
        let scale = ExtraRule::parse("patch:deployments.apps/scale").unwrap();
        assert_eq!(scale[0].resources, ["deployments/scale"]);
        assert_eq!(rule("get:certificates.cert-manager.io"), Ok(()));
        assert_eq!(rule("create:pods/exec"), Ok(()));
        assert_eq!(rule("create:roles.rbac.authorization.k8s.io"), Ok(()));
    }

    macro_rules! refused {
        ($($name:ident: $text:literal, $reason:literal;)*) => {$(
            #[test]
            fn $name() {
                let reason = rule($text).unwrap_err();
                assert!(reason.contains($reason), "{reason}");
            }
        )*};
    }

    refused! {
        a_rule_without_colon: "get pods", "VERB,VERB:RESOURCE.GROUP";
        a_rule_without_verbs: ":pods", "is not a verb";
        a_rule_without_resources: "get:", "is not a verb";
        every_verb: "*:pods", "name each verb";
        every_resource: "get:*", "name each resource";
        every_group: "get:pods.*", "name each API group";
        upper_case: "get:Pods", "\"Pods\"";
        escalating: "escalate:roles.rbac.authorization.k8s.io", "escalate";
        binding: "bind:clusterroles.rbac.authorization.k8s.io", "(bind)";
        impersonating: "impersonate:serviceaccounts", "(impersonate)";
        tokens: "create:serviceaccounts/token", "tokens";
        nodes: "get:nodes", "nodes";
        webhooks: "get:validatingwebhookconfigurations.admissionregistration.k8s.io", "admission";
    }
}
