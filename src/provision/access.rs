//! Roles and the bindings to them.

use serde_json::{Value, json};

use super::objects::metadata;
use super::{CheckedTeam, Names, Person, rights};

const RBAC: &str = "rbac.authorization.k8s.io";
const RBAC_V1: &str = "rbac.authorization.k8s.io/v1";

/// The roles of a team, and the bindings to them in the same order.
pub(super) struct Access {
    pub(super) roles: Vec<Value>,
    pub(super) bindings: Vec<Value>,
}

struct Grant<'a> {
    namespace: &'a str,
    name: &'a str,
    rules: Value,
    subjects: Vec<Value>,
}

/// All that gives rights in a team.
pub(super) fn access(team: &CheckedTeam) -> Access {
    let names = Names { team: &team.team };
    let tiller = vec![json!({
        "kind": "ServiceAccount",
        "namespace": team.tiller_namespace,
        "name": team.service_account,
    })];
    let target_role = names.target_role();
    let bundles: Vec<_> = team
        .people()
        .iter()
        .map(|it| (it, names.bundle(it)))
        .collect();
    let mut grants = vec![Grant {
        namespace: &team.tiller_namespace,
        name: &team.service_account,
        rules: rights::release_records(),
        subjects: tiller.clone(),
    }];
    grants.extend(team.target_namespaces.iter().map(|namespace| Grant {
        namespace,
        name: &target_role,
        rules: rights::target(namespace, &team.extra_rules),
        subjects: tiller.clone(),
    }));
    if !bundles.is_empty() {
        grants.push(Grant {
            namespace: &team.tiller_namespace,
            name: Names::PEOPLE,
            rules: rights::people(),
            subjects: team.people().iter().map(subject).collect(),
        });
    }
    grants.extend(bundles.iter().map(|(person, bundle)| Grant {
        namespace: &team.guard_namespace,
        name: bundle,
        rules: json!([{
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [bundle],
            "verbs": ["get"],
        }]),
        subjects: vec![subject(person)],
    }));
    Access {
        roles: grants.iter().map(|grant| grant.role(team)).collect(),
        bindings: grants
            .into_iter()
            .map(|grant| grant.binding(team))
            .collect(),
    }
}

fn subject(person: &Person) -> Value {
    json!({ "kind": person.kind.subject(), "apiGroup": RBAC, "name": person.name })
}

// === impl Grant ===

impl Grant<'_> {
    fn role(&self, team: &CheckedTeam) -> Value {
        json!({
            "apiVersion": RBAC_V1,
            "kind": "Role",
            "metadata": metadata(team, self.namespace, self.name),
            "rules": self.rules,
        })
    }

    fn binding(self, team: &CheckedTeam) -> Value {
        let Self {
            namespace,
            name,
            rules: _,
            subjects,
        } = self;
        json!({
            "apiVersion": RBAC_V1,
            "kind": "RoleBinding",
            "metadata": metadata(team, namespace, name),
            "roleRef": { "apiGroup": RBAC, "kind": "Role", "name": name },
            "subjects": subjects,
        })
    }
}

/// What people who left had in a team, to be deleted: where nobody is left, what all had together; then the binding, the
/// role and the bundle of each. The bundle is what a run that was killed is found again by.
pub fn revoked(team: &CheckedTeam, gone: &[Person]) -> Vec<Value> {
    let guard = &team.guard_namespace;
    let mut models = Vec::new();
    if team.people().is_empty() {
        models.extend(grant_of(team, &team.tiller_namespace, Names::PEOPLE));
    }
    for person in gone {
        let name = Names { team: &team.team }.bundle(person);
        models.extend(grant_of(team, guard, &name));
        models.push(json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata(team, guard, &name) }));
    }
    models
}

/// What gives rights in a target namespace, to be deleted: the binding and the role.
pub fn withdrawn(team: &CheckedTeam, namespace: &str) -> [Value; 2] {
    grant_of(team, namespace, &Names { team: &team.team }.target_role())
}

/// A binding and its role, by name.
fn grant_of(team: &CheckedTeam, namespace: &str, name: &str) -> [Value; 2] {
    ["RoleBinding", "Role"].map(|kind| {
        json!({
            "apiVersion": RBAC_V1,
            "kind": kind,
            "metadata": metadata(team, namespace, name),
        })
    })
}
