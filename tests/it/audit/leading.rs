//! Services, Ingresses and routes that lead to a Tiller.

use serde_json::{Value, json};

use super::audit_of;

fn object(version: &str, kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": version, "kind": kind,
        "metadata": { "namespace": namespace, "name": name }, "spec": spec,
    })
}

fn pod() -> Value {
    json!({ "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] })
}

fn service(name: &str, selector: &Value) -> Value {
    let spec = json!({ "selector": selector, "ports": [{ "port": 44134 }] });
    object("v1", "Service", "led", name, &spec)
}

/// A workload whose pods have the labels `app: helm` by its template.
fn workload(kind: &str) -> Value {
    let template = json!({ "metadata": { "labels": { "app": "helm" } }, "spec": pod() });
    let spec = json!({ "selector": { "matchLabels": { "app": "helm" } }, "template": template });
    object("apps/v1", kind, "led", "tiller", &spec)
}

/// A pod of that workload.
fn pod_of(kind: &str, name: &str, labels: &Value) -> Value {
    let mut made = object("v1", "Pod", "led", name, &pod());
    made["metadata"]["labels"] = labels.clone();
    made["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": kind, "name": "tiller", "uid": "1", "controller": true,
    }]);
    made["status"] = json!({ "phase": "Running" });
    made
}

/// What leads to the only Tiller.
fn led(objects: &[Value]) -> Vec<String> {
    let report = audit_of(objects).json();
    assert_eq!(report["summary"]["tillers"], 1, "{report}");
    let told = report["tillers"][0]["exposed_by"].as_array();
    let told = told.unwrap_or_else(|| panic!("{report}")).iter();
    told.map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_service_selects_pods_by_the_labels_that_they_have() {
    let pods = pod_of(
        "StatefulSet",
        "tiller-0",
        &json!({ "app": "helm", "statefulset.kubernetes.io/pod-name": "tiller-0", "by": "hand" }),
    );
    let key = "statefulset.kubernetes.io/pod-name";
    let objects = [
        workload("StatefulSet"),
        pods,
        service("template", &json!({ "app": "helm" })),
        service("hand", &json!({ "by": "hand" })),
        service("ordinal", &json!({ key: "tiller-0" })),
        service("absent", &json!({ key: "tiller-1" })),
        service("other", &json!({ "app": "helm", "by": "nobody" })),
    ];
    assert_eq!(
        led(&objects),
        [
            "Service hand (ClusterIP)",
            "Service ordinal (ClusterIP)",
            "Service template (ClusterIP)"
        ]
    );
}

/// Before there are pods: what a controller adds may be anything that it can be.
#[test]
fn a_service_selects_pods_by_what_their_controller_adds() {
    let key = "statefulset.kubernetes.io/pod-name";
    let web = object("v1", "Pod", "web", "web", &json!({ "containers": [] }));
    let of = |kind: &str| {
        led(&[
            workload(kind),
            web.clone(),
            service("hash", &json!({ "app": "helm", "pod-template-hash": "5d" })),
            service("ordinal", &json!({ key: "tiller-3" })),
            service("other", &json!({ key: "web-3" })),
            service(
                "unlike",
                &json!({ "app": "web", "pod-template-hash": "5d" }),
            ),
        ])
    };
    assert_eq!(of("Deployment"), ["Service hash (ClusterIP)"]);
    assert_eq!(of("StatefulSet"), ["Service ordinal (ClusterIP)"]);
    assert!(of("DaemonSet").is_empty());
}

#[test]
fn a_pod_that_has_another_hash_is_not_selected_by_it() {
    let hash = |hash: &str| json!({ "app": "helm", "pod-template-hash": hash });
    let mut set = workload("ReplicaSet");
    set["spec"]["template"]["metadata"]["labels"] = hash("new");
    let objects = [
        set,
        pod_of("ReplicaSet", "tiller-a", &hash("new")),
        service("new", &hash("new")),
        service("old", &hash("old")),
    ];
    assert_eq!(led(&objects), ["Service new (ClusterIP)"]);
}

fn route(namespace: &str, name: &str, references: &Value) -> Value {
    let version = "gateway.networking.k8s.io/v1";
    let spec = json!({ "rules": [{ "backendRefs": references }] });
    object(version, "HTTPRoute", namespace, name, &spec)
}

fn ingress(namespace: &str) -> Value {
    let backend = json!({ "service": { "name": "front", "port": { "number": 80 } } });
    let spec = json!({ "defaultBackend": backend });
    object("networking.k8s.io/v1", "Ingress", namespace, "front", &spec)
}

fn grant(namespace: &str, name: &str, spec: &Value) -> Value {
    let version = "gateway.networking.k8s.io/v1beta1";
    object(version, "ReferenceGrant", namespace, name, spec)
}

/// A Tiller behind the Service `front`, and what names that Service here and elsewhere.
fn routes() -> Vec<Value> {
    vec![
        workload("Deployment"),
        object("v1", "Pod", "web", "web", &json!({ "containers": [] })),
        service("front", &json!({ "app": "helm" })),
        ingress("led"),
        // Of its own namespace's Service.
        ingress("red"),
        route("led", "own", &json!([{ "name": "front", "port": 44134 }])),
        route(
            "led",
            "away",
            &json!([{ "name": "front", "namespace": "red", "port": 1 }]),
        ),
        route("red", "near", &json!([{ "name": "front", "port": 1 }])),
        route(
            "red",
            "across",
            &json!([{ "name": "front", "namespace": "led", "port": 1 }]),
        ),
        route(
            "red",
            "bucket",
            &json!([{ "group": "x", "kind": "Bucket", "name": "front", "namespace": "led" }]),
        ),
    ]
}

#[test]
fn a_route_leads_to_the_service_of_the_namespace_that_it_names() {
    let own = [
        "HTTPRoute own",
        "Ingress front",
        "Service front (ClusterIP)",
    ];
    let across = |what: &str| -> Vec<String> {
        let with = own.map(ToOwned::to_owned).into_iter();
        [what.to_owned()].into_iter().chain(with).collect()
    };
    let with = |spec: Value| {
        let mut objects = routes();
        objects.push(grant("led", "routes", &spec));
        led(&objects)
    };
    let routes_of = |namespace: &str, kind: &str| json!([{ "group": "gateway.networking.k8s.io", "kind": kind, "namespace": namespace }]);
    let services = json!([{ "group": "", "kind": "Service" }]);
    // A dump without grants does not say.
    let unsure = across("HTTPRoute red/across, if a ReferenceGrant allows it");
    let mut found = led(&routes());
    found.sort();
    assert_eq!(found, {
        let mut wanted = unsure;
        wanted.sort();
        wanted
    });
    let granted = with(json!({ "from": routes_of("red", "HTTPRoute"), "to": services }));
    assert!(
        granted.contains(&"HTTPRoute red/across".to_owned()),
        "{granted:?}"
    );
    assert_eq!(granted.len(), 4);
    let named = json!([{ "group": "", "kind": "Service", "name": "front" }]);
    let named = with(json!({ "from": routes_of("red", "HTTPRoute"), "to": named }));
    assert_eq!(named, granted);
    for (from, to) in [
        (routes_of("blue", "HTTPRoute"), services.clone()),
        (routes_of("red", "GRPCRoute"), services),
        (
            routes_of("red", "HTTPRoute"),
            json!([{ "group": "", "kind": "Service", "name": "web" }]),
        ),
        (
            routes_of("red", "HTTPRoute"),
            json!([{ "group": "", "kind": "Secret" }]),
        ),
    ] {
        assert_eq!(with(json!({ "from": from, "to": to })), own);
    }
}

/// An Ingress reaches a Service of another namespace by a name for it in its own.
#[test]
fn a_service_that_is_another_name_of_one_leads_to_it() {
    let name = json!({ "type": "ExternalName", "externalName": "front.led.svc.cluster.local" });
    let objects = [
        workload("Deployment"),
        object("v1", "Pod", "web", "web", &json!({ "containers": [] })),
        service("front", &json!({ "app": "helm" })),
        object("v1", "Service", "red", "front", &name),
        ingress("red"),
        ingress("blue"),
    ];
    assert_eq!(
        led(&objects),
        [
            "Ingress red/front",
            "Service front (ClusterIP)",
            "Service red/front (ExternalName)"
        ]
    );
}
