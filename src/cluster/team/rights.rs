//! What a team's roles grant now, whatever was asked for.

use std::collections::BTreeMap;

use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use serde_json::Value;

use super::{LookError, asked};
use crate::cluster::Cluster;
use crate::gather::Gather as _;
use crate::policy::rbac::Account;

/// A binding of Tiller's account, and what it grants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Granted {
    /// Where; none for the whole cluster.
    pub namespace: Option<String>,
    /// `RoleBinding NAME`.
    pub binding: String,
    /// `Role NAME`.
    pub role: String,
    /// What the role grants: `get,list secrets`. None where it is not there.
    pub rules: Option<Vec<String>>,
}

/// All roles and bindings of a cluster.
#[derive(Debug)]
pub struct Grants {
    roles: Vec<DynamicObject>,
    bindings: Vec<DynamicObject>,
}

// === impl Grants ===

impl Grants {
    /// Finds them, in four requests.
    pub async fn find(cluster: &Cluster) -> Result<Self, LookError> {
        let (mut roles, cluster_roles, mut bindings, cluster_bindings) = tokio::try_join!(
            list(cluster, "Role"),
            list(cluster, "ClusterRole"),
            list(cluster, "RoleBinding"),
            list(cluster, "ClusterRoleBinding"),
        )?;
        roles.extend(cluster_roles);
        bindings.extend(cluster_bindings);
        Ok(Self { roles, bindings })
    }

    /// The bindings that name this account as a ServiceAccount or a user. What it gets by groups is not told.
    pub fn of(&self, account: Account<'_>) -> Vec<Granted> {
        let Self { roles, bindings } = self;
        let roles: BTreeMap<_, _> = roles.iter().map(|role| (place(role), role)).gather();
        let mut granted: Vec<_> = bindings
            .iter()
            .filter(|binding| holds(binding, account))
            .map(|binding| granted(binding, &roles))
            .collect();
        granted.sort_unstable();
        granted
    }
}

async fn list(cluster: &Cluster, kind: &str) -> Result<Vec<DynamicObject>, LookError> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(
        "rbac.authorization.k8s.io",
        "v1",
        kind,
    ));
    let api: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
    let found = asked(async || api.list(&ListParams::default()).await).await;
    let what = format!("list every {kind}");
    Ok(found
        .map_err(|error| LookError::asked(&what, "", error))?
        .items)
}

fn place(object: &DynamicObject) -> (Option<&str>, &str) {
    let metadata = &object.metadata;
    (
        metadata.namespace.as_deref(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}

fn holds(binding: &DynamicObject, account: Account<'_>) -> bool {
    let subjects = binding.data.get("subjects").and_then(Value::as_array);
    let user = format!(
        "system:serviceaccount:{}:{}",
        account.namespace, account.name
    );
    subjects.into_iter().flatten().any(|subject| {
        let is = |field: &str, value: &str| subject.get(field).is_some_and(|it| it == value);
        let in_place = is("namespace", account.namespace);
        is("kind", "ServiceAccount") && is("name", account.name) && in_place
            || is("kind", "User") && is("name", &user)
    })
}

fn granted(
    binding: &DynamicObject,
    roles: &BTreeMap<(Option<&str>, &str), &DynamicObject>,
) -> Granted {
    let (namespace, name) = place(binding);
    let text = |pointer| {
        binding
            .data
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (kind, role) = (text("/roleRef/kind"), text("/roleRef/name"));
    let at = namespace.filter(|_| kind == "Role");
    let found = roles.get(&(at, role));
    let binding_kind = if namespace.is_some() {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    Granted {
        namespace: namespace.map(ToOwned::to_owned),
        binding: format!("{binding_kind} {name}"),
        role: format!("{kind} {role}"),
        rules: found.map(|role| rules(&role.data)),
    }
}

fn rules(role: &Value) -> Vec<String> {
    let rules = role.get("rules").and_then(Value::as_array);
    let words = |rule: &Value, key| {
        let words = rule.get(key).and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        words.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let line = |rule: &Value| {
        let groups = words(rule, "apiGroups").join(",");
        let named = words(rule, "resourceNames").join(",");
        // A rule for paths of the API server names no resource.
        let of = [words(rule, "resources"), words(rule, "nonResourceURLs")].concat();
        let mut line = format!("{} {}", words(rule, "verbs").join(","), of.join(","));
        if !groups.is_empty() {
            line.push_str(" in ");
            line.push_str(&groups);
        }
        if !named.is_empty() {
            line.push_str(" named ");
            line.push_str(&named);
        }
        line
    };
    rules.into_iter().flatten().map(line).collect()
}
