//! Bindings that are easily overlooked.

use serde_json::{Value, json};

use super::audit_of;

const RBAC: &str = "rbac.authorization.k8s.io";

fn role(kind: &str, name: &str, rules: &Value) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": kind,
        "metadata": { "name": name, "namespace": "bound" }, "rules": rules,
    })
}

fn binding(kind: &str, name: &str, labels: &Value, subjects: &Value) -> Value {
    let of = kind.strip_suffix("Binding").unwrap();
    json!({
        "apiVersion": format!("{RBAC}/v1"), "kind": kind,
        "metadata": { "name": name, "namespace": "bound", "labels": labels },
        "roleRef": { "apiGroup": RBAC, "kind": of, "name": name }, "subjects": subjects,
    })
}

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": name, "namespace": "bound" },
        "spec": { "selector": { "app": "helm" }, "ports": [{ "port": 44134 }] },
    })
}

/// A pod of Tiller's.
fn tiller() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "tiller-1", "namespace": "bound", "labels": { "app": "helm" } },
        "spec": { "nodeName": "node-7", "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] },
        "status": { "phase": "Running" },
    })
}

/// Who reaches the Tiller, with the ways.
fn reached(objects: &[Value]) -> Vec<(String, Vec<String>)> {
    let report = audit_of(objects).json();
    let people = report["tillers"][0]["reached_by"].as_array();
    let people = people.unwrap_or_else(|| panic!("{report}")).iter();
    let told = people.map(|it| {
        let ways = it["ways"].as_array().unwrap().iter();
        let ways = ways.map(|it| it.as_str().unwrap().to_owned());
        (it["who"].as_str().unwrap().to_owned(), ways.collect())
    });
    told.collect()
}

/// The objects of a cluster in which a ClusterRole and a Role of these names have rights.
fn world(more: Vec<Value>) -> Vec<Value> {
    let mut objects = vec![
        tiller(),
        service("tiller-deploy"),
        role("Role", "none", &json!([])),
        binding("RoleBinding", "none", &json!({}), &json!([])),
        role("ClusterRole", "none", &json!([])),
        binding("ClusterRoleBinding", "none", &json!({}), &json!([])),
    ];
    objects.extend(more);
    objects
}

/// Only what the API server itself makes is a part of Kubernetes: anybody can call a binding so.
#[test]
fn a_binding_that_is_called_as_kubernetes_own_hides_nobody() {
    let rules = json!([{ "apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"] }]);
    let stock = json!({ "kubernetes.io/bootstrapping": "rbac-defaults" });
    let account =
        |name: &str| json!({ "kind": "ServiceAccount", "namespace": "kube-system", "name": name });
    let user = |name: &str| json!({ "apiGroup": RBAC, "kind": "User", "name": name });
    let bound = |name: &str, labels: &Value, subjects: &[Value]| {
        [
            role("ClusterRole", name, &rules),
            binding("ClusterRoleBinding", name, labels, &json!(subjects)),
        ]
    };
    let objects = [
        bound(
            "system:backdoor",
            &json!({}),
            &[account("door"), user("system:door")],
        ),
        bound("system:labelled", &stock, &[account("labelled")]),
        bound(
            "system:node-proxier",
            &json!({}),
            &[user("system:kube-proxy")],
        ),
        bound(
            "system:controller:job-controller",
            &stock,
            &[account("job-controller"), account("added")],
        ),
        bound(
            "system:kube-scheduler",
            &stock,
            &[user("system:kube-scheduler")],
        ),
        bound("system:controller:evil", &stock, &[account("evil")]),
    ];
    let who: Vec<String> = reached(&world(objects.concat()))
        .into_iter()
        .map(|(who, _)| who)
        .collect();
    assert_eq!(
        who,
        [
            "ServiceAccount kube-system/added",
            "ServiceAccount kube-system/door",
            "ServiceAccount kube-system/evil",
            "ServiceAccount kube-system/labelled",
            "User system:door",
            "User system:kube-proxy",
        ]
    );
}

#[test]
fn a_right_to_a_tillers_own_object_by_name_is_a_way() {
    let user = |name: &str| json!([{ "apiGroup": RBAC, "kind": "User", "name": name }]);
    let named = |who: &str, resource: &str, verb: &str, name: &str| {
        let rules = json!([{
            "apiGroups": [""], "resources": [resource], "verbs": [verb], "resourceNames": [name],
        }]);
        [
            role("Role", who, &rules),
            binding("RoleBinding", who, &json!({}), &user(who)),
        ]
    };
    let objects = [
        named("a-exec", "pods/exec", "create", "tiller-1"),
        named("b-forward", "pods/portforward", "get", "tiller-1"),
        named("c-proxy", "services/proxy", "get", "tiller-deploy"),
        named("d-list", "secrets", "list", "tiller-tls"),
        named("e-watch", "secrets", "watch", "tiller-tls"),
        named(
            "f-ephemeral",
            "pods/ephemeralcontainers",
            "patch",
            "tiller-1",
        ),
        named("g-patch", "pods", "patch", "tiller-1"),
        named("h-token", "secrets", "get", "tiller-token"),
        named("i-node", "nodes/proxy", "create", "node-7"),
        named("w-other", "secrets", "get", "other-token"),
        named("x-other", "pods/exec", "create", "web"),
        named("y-other", "services/proxy", "get", "web"),
    ];
    let token = |name: &str, account: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/service-account-token",
            "metadata": {
                "name": name, "namespace": "bound",
                "annotations": { "kubernetes.io/service-account.name": account },
            },
        })
    };
    let mut objects = world(objects.concat());
    objects.extend([
        token("tiller-token", "default"),
        token("other-token", "web"),
    ]);
    // What is of a node is of no namespace.
    for object in &mut objects {
        if object["metadata"]["name"] == "i-node" {
            let kind = object["kind"].as_str().unwrap().to_owned();
            object["kind"] = json!(format!("Cluster{kind}"));
            object["metadata"]
                .as_object_mut()
                .unwrap()
                .remove("namespace");
            if object["roleRef"].is_object() {
                object["roleRef"]["kind"] = json!("ClusterRole");
            }
        }
    }
    let found = reached(&objects);
    let found: Vec<(&str, String)> = found
        .iter()
        .map(|(who, ways)| (who.as_str(), ways.join(" ")))
        .collect();
    let wanted = [
        ("User a-exec", "exec"),
        ("User b-forward", "port-forward"),
        ("User c-proxy", "proxy"),
        ("User d-list", "certificates"),
        ("User e-watch", "certificates"),
        ("User f-ephemeral", "ephemeral-containers"),
        ("User g-patch", "change"),
        ("User h-token", "token"),
        ("User i-node", "nodes"),
    ];
    assert_eq!(found, wanted.map(|(who, way)| (who, way.to_owned())));
}
