//! Clusters with many Tillers, as `kubectl get -o json` prints them.

use serde_json::{Value, json};

const RBAC: &str = "rbac.authorization.k8s.io";
const TEAMS: [&str; 12] = [
    "atlas", "basil", "cedar", "delta", "ember", "fjord", "grove", "heron", "iris", "jade", "kelp",
    "lotus",
];

/// A cluster with this many Tillers, of which some are hardened, some open, some exposed, and some rule the cluster.
pub(super) fn cluster(tillers: usize) -> Value {
    let mut items = of_cluster();
    for number in 0..tillers {
        items.extend(of_team(number, tillers));
    }
    json!({ "apiVersion": "v1", "kind": "List", "items": items })
}

/// Such a cluster with this many more bindings, of which every fifth is a finding.
pub(super) fn crowd(tillers: usize, bindings: usize) -> Value {
    let mut crowd = cluster(tillers);
    let items = crowd["items"].as_array_mut().unwrap();
    for number in 0..bindings {
        let team = number % tillers;
        let word = TEAMS[team % TEAMS.len()];
        let namespace = format!("{word}-{}-tiller", team / TEAMS.len());
        let who = match number % 5 {
            0 => person("Group", "system:authenticated"),
            _ => person("User", &format!("somebody-{number}@example.com")),
        };
        let name = format!("people-{number}");
        items.push(binding(&namespace, &name, "forward", &json!([who])));
    }
    crowd
}

fn object(version: &str, kind: &str, namespace: &str, name: &str) -> Value {
    let mut metadata = json!({ "name": name, "creationTimestamp": "2026-03-01T10:00:00Z" });
    if !namespace.is_empty() {
        metadata["namespace"] = json!(namespace);
    }
    json!({ "apiVersion": version, "kind": kind, "metadata": metadata })
}

fn role(name: &str, rules: &Value) -> Value {
    let mut role = object(&format!("{RBAC}/v1"), "ClusterRole", "", name);
    role["rules"] = rules.clone();
    role
}

/// A binding; of the whole cluster without a namespace.
fn binding(namespace: &str, name: &str, role: &str, subjects: &Value) -> Value {
    let kind = if namespace.is_empty() {
        "ClusterRoleBinding"
    } else {
        "RoleBinding"
    };
    let mut binding = object(&format!("{RBAC}/v1"), kind, namespace, name);
    binding["roleRef"] = json!({ "apiGroup": RBAC, "kind": "ClusterRole", "name": role });
    binding["subjects"] = subjects.clone();
    binding
}

fn person(kind: &str, name: &str) -> Value {
    json!({ "kind": kind, "apiGroup": RBAC, "name": name })
}

fn of_cluster() -> Vec<Value> {
    let mut items = vec![
        role(
            "cluster-admin",
            &json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }]),
        ),
        role(
            "forward",
            &json!([{ "apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["create"] }]),
        ),
        role(
            "team",
            &json!([
                { "apiGroups": [""], "resources": ["pods", "secrets", "configmaps"], "verbs": ["create", "get", "list", "delete"] },
                { "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "update", "delete"] },
            ]),
        ),
        binding(
            "",
            "cluster-admin",
            "cluster-admin",
            &json!([person("Group", "system:masters")]),
        ),
        binding(
            "",
            "operators",
            "forward",
            &json!([person("Group", "platform-operators")]),
        ),
    ];
    for (version, kind) in [
        ("v1", "Secret"),
        ("v1", "ConfigMap"),
        ("networking.k8s.io/v1", "Ingress"),
        ("rbac.authorization.k8s.io/v1", "Role"),
    ] {
        items.push(object(version, kind, "web", "web"));
    }
    let pod = json!({ "spec": { "containers": [{ "name": "web", "image": "nginx" }] } });
    for (version, kind) in [
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("batch/v1", "Job"),
    ] {
        let mut workload = object(version, kind, "web", "web");
        workload["spec"] = json!({ "template": pod });
        items.push(workload);
    }
    let mut cron = object("batch/v1", "CronJob", "web", "web");
    cron["spec"] = json!({ "jobTemplate": { "spec": { "template": pod } } });
    items.push(cron);
    items
}

fn of_team(number: usize, tillers: usize) -> Vec<Value> {
    let word = TEAMS[number % TEAMS.len()];
    let team = match number / TEAMS.len() {
        _ if tillers <= TEAMS.len() => word.to_owned(),
        round => format!("{word}-{round}"),
    };
    let namespace = format!("{team}-tiller");
    let own = json!([{ "kind": "ServiceAccount", "namespace": namespace, "name": "tiller" }]);
    let mut items = Vec::from(workloads(number, &namespace));
    items.extend([
        object("v1", "ServiceAccount", &namespace, "tiller"),
        binding(&team, "tiller", "team", &own),
        binding(&namespace, "tiller", "team", &own),
    ]);
    let developers = json!([
        person("User", &format!("{}@example.com", TEAMS[number * 5 % 12])),
        person("Group", &format!("{team}-developers")),
    ]);
    items.push(binding(&namespace, "people", "forward", &developers));
    if number.is_multiple_of(12) {
        items.push(binding(
            "",
            &format!("tiller-{team}"),
            "cluster-admin",
            &own,
        ));
    }
    if number % 60 == 7 {
        let everybody = json!([person("Group", "system:authenticated")]);
        items.push(binding(&namespace, "everybody", "forward", &everybody));
    }
    let mut service = object("v1", "Service", &namespace, "tiller-deploy");
    service["spec"] = json!({
        "type": if number % 9 == 4 { "LoadBalancer" } else { "ClusterIP" },
        "selector": { "app": "helm", "name": "tiller" },
        "ports": [{ "port": 44134 }],
    });
    items.push(service);
    items
}

/// A Deployment, its ReplicaSet and its pod.
fn workloads(number: usize, namespace: &str) -> [Value; 3] {
    let hardened = number % 3 == 1;
    let flags = [
        "--storage=secret",
        "--listen=:44134",
        "--tls=true",
        "--tls-verify=true",
        "--tls-key=/etc/certs/tls.key",
        "--tls-cert=/etc/certs/tls.crt",
        "--tls-ca-cert=/etc/certs/ca.crt",
        "--history-max=10",
        "--trace=false",
        "--experimental-release=false",
    ];
    let pod = json!({
        "serviceAccountName": "tiller",
        "containers": [{
            "name": "tiller",
            "image": format!("ghcr.io/helm/tiller:v2.{}.0", 16 + number % 2),
            "command": ["/tiller"],
            "args": if hardened { json!(flags) } else { json!([]) },
            "env": [{ "name": "TILLER_NAMESPACE", "value": namespace }],
        }],
    });
    let labels = json!({ "app": "helm", "name": "tiller" });
    let template = json!({
        "replicas": 1,
        "selector": { "matchLabels": labels },
        "template": { "metadata": { "labels": labels }, "spec": pod },
    });
    let owned = |object: &mut Value, kind: &str, name: &str| {
        let owner = json!({ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": "1", "controller": true });
        object["metadata"]["ownerReferences"] = json!([owner]);
    };
    let mut deployment = object("apps/v1", "Deployment", namespace, "tiller-deploy");
    deployment["spec"] = template.clone();
    let mut replicas = object("apps/v1", "ReplicaSet", namespace, "tiller-deploy-1");
    replicas["spec"] = template;
    owned(&mut replicas, "Deployment", "tiller-deploy");
    let mut running = object("v1", "Pod", namespace, "tiller-deploy-1-a");
    running["metadata"]["labels"] = labels;
    owned(&mut running, "ReplicaSet", "tiller-deploy-1");
    running["spec"] = pod;
    running["status"] = json!({ "phase": "Running" });
    [deployment, replicas, running]
}
