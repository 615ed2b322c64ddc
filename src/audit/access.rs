//! Who may do what, by roles and bindings, as the API server's RBAC authorizer tells it.
//!
//! Source: `plugin/pkg/auth/authorizer/rbac` and `pkg/apis/rbac/v1/evaluation_helpers.go`, Kubernetes 1.10 to 1.36: lists are
//! compared as text, `*` stands for anything, `*/NAME` for every subresource of that name, and a name of an object counts
//! where it is asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer};

use super::stock::{self, is_stock};
use super::subject::{Named, Subject};
use crate::gather::Gather as _;
use crate::policy::rbac::{Account, RbacKind};

/// Something to do with a resource of the API.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) verb: &'q str,
    pub(super) group: &'q str,
    /// With its subresource, such as `pods/exec`.
    pub(super) resource: &'q str,
    /// Names of objects, sorted; a right to one of them is enough. Empty: a right to any object.
    pub(super) names: &'q [&'q str],
}

/// A way to something: what it is called, and the rights that open it, of which one suffices.
pub(super) type Way<'q> = (&'static str, Vec<Question<'q>>);

/// What is of no namespace: only a right in the whole cluster counts.
const OF_CLUSTER: [&str; 3] = ["nodes/proxy", "users", "groups"];

/// Verbs on resources.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Rule {
    #[serde(deserialize_with = "list")]
    api_groups: Vec<Box<str>>,
    #[serde(deserialize_with = "list")]
    resources: Vec<Box<str>>,
    #[serde(deserialize_with = "list")]
    verbs: Vec<Box<str>>,
    #[serde(deserialize_with = "list")]
    resource_names: Vec<Box<str>>,
}

/// A binding.
#[derive(Debug)]
pub(super) struct Bound {
    /// None for a ClusterRoleBinding.
    pub(super) namespace: Option<Box<str>>,
    pub(super) name: Box<str>,
    /// Whether the API server labels it as one that it makes itself.
    labelled: bool,
    role: RoleKey,
    pub(super) subjects: Vec<Subject>,
}

/// The namespace, empty for a ClusterRole, and the name.
type RoleKey = (Box<str>, Box<str>);

/// All roles and bindings.
#[derive(Debug, Default)]
pub(super) struct Access {
    roles: BTreeMap<RoleKey, Vec<Rule>>,
    of_cluster: Vec<Bound>,
    /// By namespace.
    of_namespace: BTreeMap<Box<str>, Vec<Bound>>,
    /// The names of roles that somebody may bind.
    bindable: BTreeSet<Box<str>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    metadata: Metadata,
    #[serde(deserialize_with = "list")]
    rules: Vec<Rule>,
    role_ref: RoleRef,
    #[serde(deserialize_with = "list")]
    subjects: Vec<Named>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    namespace: Box<str>,
    name: Box<str>,
    labels: Option<BTreeMap<Box<str>, Box<str>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RoleRef {
    kind: Box<str>,
    name: Box<str>,
}

/// A list, which may be `null`.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

// === impl Rule ===

impl Rule {
    fn allows(&self, question: &Question<'_>) -> bool {
        let Question {
            verb,
            group,
            resource,
            names,
        } = *question;
        let has = |words: &[Box<str>], word: &str| {
            words.iter().any(|it| matches!(&**it, "*") || **it == *word)
        };
        let sub_resource = resource.split_once('/').map(|(_, sub)| sub);
        let of_every =
            |given: &str| sub_resource.is_some() && given.strip_prefix("*/") == sub_resource;
        let is_resource =
            has(&self.resources, resource) || self.resources.iter().any(|it| of_every(it));
        let is_asked = |it: &str| names.binary_search(&it).is_ok();
        let is_named =
            self.resource_names.is_empty() || self.resource_names.iter().any(|it| is_asked(it));
        has(&self.verbs, verb) && has(&self.api_groups, group) && is_resource && is_named
    }

    /// The names of the roles that this right allows to bind.
    fn bindable(&self) -> &[Box<str>] {
        let binds = self.verbs.iter().any(|it| matches!(&**it, "bind" | "*"));
        if binds { &self.resource_names } else { &[] }
    }

    fn gives_anything(&self) -> bool {
        !self.verbs.is_empty() && !self.resources.is_empty()
    }
}

// === impl Bound ===

impl Bound {
    /// Those whom it binds, apart from the parts of Kubernetes for which the API server itself makes it.
    fn people(&self) -> impl Iterator<Item = &Subject> {
        let namespace = self.namespace.as_deref();
        let stock = move |subject: &&Subject| is_stock(namespace, &self.name, subject);
        let subjects = self.subjects.iter();
        subjects.filter(move |subject| !self.labelled || !stock(subject))
    }
}

/// `RoleBinding NAMESPACE/NAME`, or `ClusterRoleBinding NAME`.
impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "RoleBinding {namespace}/{}", self.name),
            None => write!(formatter, "ClusterRoleBinding {}", self.name),
        }
    }
}

// === impl Access ===

impl Access {
    /// Takes down a role or a binding.
    pub(super) fn add(&mut self, kind: RbacKind, object: &str) -> Result<(), serde_json::Error> {
        let written: Written = serde_json::from_str(object)?;
        match kind {
            RbacKind::Role | RbacKind::ClusterRole => {
                let Metadata {
                    namespace, name, ..
                } = written.metadata;
                let in_cluster = kind == RbacKind::ClusterRole;
                let namespace = if in_cluster {
                    Box::default()
                } else {
                    namespace
                };
                let bindable = written.rules.iter().flat_map(Rule::bindable);
                self.bindable.extend(bindable.cloned());
                self.roles.insert((namespace, name), written.rules);
            }
            RbacKind::RoleBinding => self.bind(written, false),
            RbacKind::ClusterRoleBinding => self.bind(written, true),
        }
        Ok(())
    }

    fn bind(&mut self, binding: Written, in_cluster: bool) {
        let Written {
            metadata:
                Metadata {
                    namespace,
                    name,
                    labels,
                },
            rules: _,
            role_ref,
            subjects,
        } = binding;
        let namespace = (!in_cluster).then_some(namespace);
        let of_role = match &*role_ref.kind {
            "Role" => namespace.clone().unwrap_or_default(),
            _ => Box::default(),
        };
        let subjects = subjects.into_iter();
        let subjects = subjects.filter_map(|it| Subject::read(it, namespace.as_deref()));
        let labels = labels.unwrap_or_default();
        let bound = Bound {
            labelled: labels
                .get(stock::LABEL.0)
                .is_some_and(|it| **it == *stock::LABEL.1),
            subjects: subjects.collect(),
            role: (of_role, role_ref.name),
            name,
            namespace,
        };
        let place = match &bound.namespace {
            Some(namespace) => self.of_namespace.entry(namespace.clone()).or_default(),
            None => &mut self.of_cluster,
        };
        place.push(bound);
    }

    /// Whether a binding's role allows this. One that is not there allows nothing.
    pub(super) fn allows(&self, bound: &Bound, question: &Question<'_>) -> bool {
        let rules = self.roles.get(&bound.role);
        rules.is_some_and(|rules| rules.iter().any(|rule| rule.allows(question)))
    }

    /// Whether a binding's role allows anything.
    fn gives_anything(&self, bound: &Bound) -> bool {
        let rules = self.roles.get(&bound.role);
        rules.is_some_and(|rules| rules.iter().any(Rule::gives_anything))
    }

    /// The bindings that hold in a namespace, or in all of them.
    fn bindings_in(&self, namespace: Option<&str>) -> impl Iterator<Item = &Bound> {
        let own = namespace.and_then(|it| self.of_namespace.get(it));
        self.of_cluster.iter().chain(own.into_iter().flatten())
    }

    /// Those who have one of these ways in a namespace, or everywhere, each with the binding that opens it.
    pub(super) fn people<'a>(
        &'a self,
        namespace: Option<&str>,
        ways: &[Way<'_>],
    ) -> Vec<(&'a Subject, &'a Bound, &'static str)> {
        // Many bindings are of few roles.
        let mut known: BTreeMap<(&RoleKey, bool), Vec<&'static str>> = BTreeMap::new();
        let mut people = Vec::new();
        for bound in self.bindings_in(namespace) {
            let everywhere = bound.namespace.is_none();
            let opened = known
                .entry((&bound.role, everywhere))
                .or_insert_with(|| self.opened(bound, ways));
            for subject in bound.people().filter(|_| !opened.is_empty()) {
                people.extend(opened.iter().map(|way| (subject, bound, *way)));
            }
        }
        people
    }

    /// Which of these ways a binding opens.
    fn opened(&self, bound: &Bound, ways: &[Way<'_>]) -> Vec<&'static str> {
        let counts = |question: &&Question<'_>| {
            bound.namespace.is_none() || !OF_CLUSTER.contains(&question.resource)
        };
        let opens = |(_, questions): &&Way<'_>| {
            let mut questions = questions.iter().filter(counts);
            questions.any(|it| self.allows(bound, it))
        };
        ways.iter().filter(opens).map(|(way, _)| *way).collect()
    }

    /// The names of roles of this namespace, or without one of ClusterRoles, that somebody may bind and that open one of these ways.
    pub(super) fn opening(&self, namespace: Option<&str>, ways: &[Way<'_>]) -> Vec<&str> {
        let questions = || {
            let all = ways.iter().flat_map(|(_, questions)| questions);
            all.filter(|it| !OF_CLUSTER.contains(&it.resource))
        };
        let opens = |name: &&str| {
            let key = (namespace.unwrap_or_default().into(), (*name).into());
            let mut rules = self.roles.get(&key).into_iter().flatten();
            rules.any(|rule| questions().any(|it| rule.allows(it)))
        };
        let names = self.bindable.iter().map(|name| &**name);
        names.filter(opens).collect()
    }

    /// The namespaces in which an account has any right by a RoleBinding.
    pub(super) fn namespaces_of(&self, account: Account<'_>) -> BTreeSet<&str> {
        let each = self.of_namespace.iter();
        let reached = each.filter(|(_, bindings)| {
            let mut own = bindings.iter().filter(|bound| holds(bound, account));
            own.any(|bound| self.gives_anything(bound))
        });
        reached.map(|(namespace, _)| &**namespace).gather()
    }

    /// The bindings of an account that hold in this namespace alone, or, without one, everywhere.
    pub(super) fn bindings_of<'a>(
        &'a self,
        account: Account<'_>,
        namespace: Option<&str>,
    ) -> Vec<&'a Bound> {
        let bindings = match namespace {
            None => Some(&self.of_cluster),
            Some(namespace) => self.of_namespace.get(namespace),
        };
        let bindings = bindings.into_iter().flatten();
        bindings.filter(|bound| holds(bound, account)).collect()
    }
}

fn holds(bound: &Bound, account: Account<'_>) -> bool {
    bound.subjects.iter().any(|subject| subject.holds(account))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(value: serde_json::Value) -> Rule {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn rules_are_compared_as_the_authorizer_does() {
        let exec = Question {
            verb: "create",
            group: "",
            resource: "pods/exec",
            names: &[],
        };
        let table = [
            (
                json!({ "apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"] }),
                true,
            ),
            (
                json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }),
                true,
            ),
            (
                json!({ "apiGroups": [""], "resources": ["*/exec"], "verbs": ["create"] }),
                true,
            ),
            (
                json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["*"] }),
                false,
            ),
            (
                json!({ "apiGroups": [""], "resources": ["pods/*"], "verbs": ["*"] }),
                false,
            ),
            (
                json!({ "apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"], "resourceNames": ["a"] }),
                false,
            ),
            (
                json!({ "apiGroups": null, "resources": ["*"], "verbs": ["*"] }),
                false,
            ),
        ];
        for (written, allowed) in table {
            assert_eq!(rule(written.clone()).allows(&exec), allowed, "{written}");
        }
        let named = rule(
            json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["tiller-tls"] }),
        );
        let get = |names| Question {
            verb: "get",
            group: "",
            resource: "secrets",
            names,
        };
        assert!(named.allows(&get(&["a", "tiller-tls"])));
        assert!(!named.allows(&get(&[])) && !named.allows(&get(&["x"])));
    }
}
