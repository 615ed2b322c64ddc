//! The conditions of the webhook configurations, against what the code itself takes for a Tiller: whatever it would judge
//! has to reach it.

mod answers;
mod costs;
mod evaluator;
mod long;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::{ProptestConfig, prop_assert, proptest};
use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::k8s::webhook_configuration::condition;
use tiller_guard::policy::exposure::ExposureKind;
use tiller_guard::policy::{Settings, WorkloadKind, decide};

use crate::policy::corpus::cases;
use crate::policy::{NOW, generate, recognition};
use evaluator::{OLDEST, evaluate};

static TILLER: LazyLock<Condition> = LazyLock::new(|| Condition::of(condition::tiller));
static OWN_ACCOUNT: LazyLock<Condition> = LazyLock::new(|| Condition::of(condition::own_account));
static CUSTODY: LazyLock<Condition> = LazyLock::new(|| Condition(condition::custody()));

/// What a condition says of an object of a kind.
struct Condition(String);

impl Condition {
    fn of(condition: fn(&[String]) -> String) -> Self {
        Self(condition(&Settings::default().account_patterns))
    }

    fn holds(&self, kind: &str, object: &Value) -> bool {
        let user = json!({ "username": "ann", "groups": ["system:authenticated"] });
        self.holds_for(&user, kind, object)
    }

    /// The same of what this user asks for.
    fn holds_for(&self, user: &Value, kind: &str, object: &Value) -> bool {
        let answer = evaluate(&self.0, OLDEST, &[request(user, kind, object)]);
        match answer.results.as_slice() {
            [result] if result.error.is_none() => result.value.as_bool().unwrap(),
            _ => panic!("{answer:?} of {kind} {object}"),
        }
    }
}

/// The `request` of a review.
fn request(user: &Value, kind: &str, object: &Value) -> Value {
    json!({
        "uid": "1", "kind": { "group": "", "version": "v1", "kind": kind }, "operation": "CREATE",
        "userInfo": user, "object": as_types_write(object),
    })
}

/// An object as the types of an API server write it: what is null is left out, but for one list.
fn as_types_write(object: &Value) -> Value {
    match object {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| !value.is_null() || *name == "containers")
            .map(|(name, value)| (name.clone(), as_types_write(value)))
            .collect(),
        Value::Array(items) => items.iter().map(as_types_write).collect(),
        other => other.clone(),
    }
}

#[test]
fn each_condition_is_a_boolean_to_a_checker_of_types_and_others_are_not() {
    let patterns = ["it's".to_owned(), "a\\b-*".to_owned()];
    for expression in [
        condition::tiller(&patterns),
        condition::own_account(&patterns),
        condition::tiller(&[]),
        condition::custody(),
    ] {
        let answer = evaluate(&expression, OLDEST, &[]);
        assert_eq!(
            (answer.error, answer.kind.as_str()),
            (None, "bool"),
            "{expression}"
        );
    }
    // What the API server refuses, and an evaluator without types takes.
    for (expression, says) in [
        ("request.userInfo.groups != null", "no matching overload"),
        ("request.object.kind == 'Pod'", "undefined field"),
        ("request.name", ""),
    ] {
        let answer = evaluate(expression, OLDEST, &[]);
        assert_ne!(answer.kind, "bool", "{expression}");
        assert!(
            answer.error.unwrap_or_default().contains(says),
            "{expression}"
        );
    }
}

/// The kinds that an API server with conditions sends.
fn is_sent(kind: WorkloadKind) -> bool {
    kind != WorkloadKind::EphemeralContainers
}

#[test]
fn every_tiller_of_the_recognition_cases_passes() {
    for case in recognition::cases() {
        for kind in WorkloadKind::ALL {
            let object = case.object(kind);
            let passes = TILLER.holds(kind.as_str(), &object);
            assert!(case.tillers.is_empty() || passes, "{}: {object}", case.name);
        }
    }
}

#[test]
fn every_tiller_of_the_corpus_passes() {
    let mut seen = 0;
    for case in cases().into_values().flatten() {
        for manifest in [case.manifest(), case.hardened()] {
            let deployment = read(WorkloadKind::Deployment, &manifest).unwrap();
            if deployment.workload().unwrap().holds_tiller() {
                seen += 1;
                assert!(TILLER.holds("Deployment", &manifest), "{}", case.name);
            }
            let template = &manifest["spec"]["template"];
            for kind in WorkloadKind::ALL.into_iter().filter(|kind| is_sent(*kind)) {
                let object = generate::object(kind, &json!({ "name": "x" }), template.clone());
                if read(kind, &object)
                    .unwrap()
                    .workload()
                    .unwrap()
                    .holds_tiller()
                {
                    assert!(
                        TILLER.holds(kind.as_str(), &object),
                        "{} {object}",
                        case.name
                    );
                }
            }
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn every_sign_alone_passes_and_other_pods_do_not() {
    let pod = |spec: Value| json!({ "metadata": { "name": "web-1" }, "spec": spec });
    let of_container = |container: Value| pod(json!({ "containers": [container] }));
    for object in [
        of_container(json!({ "image": "x/helm-Tiller:1" })),
        of_container(json!({ "image": "registry.example.com:5000/tiller" })),
        of_container(json!({ "image": "tiller2@sha256:00" })),
        of_container(json!({ "image": "x".repeat(400) })),
        of_container(
            json!({ "command": ["$(A)"], "env": [{ "name": "A", "value": "exec /tiller" }] }),
        ),
        of_container(json!({ "command": ["/til$(A)"], "env": [{ "name": "A", "value": "ler" }] })),
        of_container(json!({ "args": ["$(A)$(B)"] })),
        of_container(json!({ "args": ["/$(A)ll$(B)"] })),
        of_container(json!({ "image": "x/tiller:proxy" })),
        of_container(json!({ "image": "x/tiller:no-tiller" })),
        of_container(json!({ "image": "tiller-proxy.example.com/no-tiller/tiller" })),
        of_container(json!({ "image": "x/tiller-proxyless" })),
        of_container(json!({ "env": vec![json!({ "name": "A" }); 1001] })),
        pod(json!({ "volumes": [{ "image": { "reference": "ghcr.io/helm/tiller:v2.17.0" } }] })),
        of_container(json!({ "command": ["sh", "-c", "exec /tiller"] })),
        of_container(json!({ "args": ["-l=:44134"] })),
        of_container(json!({ "name": "tiller-deploy" })),
        of_container(json!({ "env": [{ "name": "TILLER_TLS_CERTS" }] })),
        of_container(json!({ "ports": [{ "containerPort": 44135 }] })),
        of_container(json!({ "readinessProbe": { "httpGet": { "port": 44135 } } })),
        pod(json!({ "containers": null, "initContainers": [{ "image": "tiller" }] })),
        pod(json!({ "ephemeralContainers": [{ "image": "tiller" }] })),
        pod(json!({ "volumes": [{ "secret": { "secretName": "tiller-tls" } }] })),
        pod(json!({ "serviceAccountName": "tiller-red" })),
        pod(json!({ "serviceAccount": "tiller" })),
        json!({ "metadata": { "name": "tiller" }, "spec": {} }),
        json!({ "metadata": { "labels": { "name": "tiller" } } }),
    ] {
        assert!(TILLER.holds("Pod", &object), "{object}");
        assert!(!OWN_ACCOUNT.holds("Pod", &object), "{object}");
    }
    let full = json!({
        "name": "web", "image": "example/web:1", "command": ["/web"], "args": null, "env": [{ "name": "A" }],
        "ports": [{ "containerPort": 80 }, {}], "livenessProbe": { "httpGet": { "port": "http" } },
        "readinessProbe": { "exec": {} },
    });
    let image = |image: &str| of_container(json!({ "image": image }));
    for (object, own) in [
        (image("artilleryio/artillery:2.0"), false),
        (image("x/distiller"), false),
        (image("x/tiller-proxy"), false),
        (image("x/kubeapps-tiller-proxy:1.10.2-scratch-r0"), false),
        (
            image("registry.example.com:5000/tiller-metrics-exporter@sha256:00"),
            false,
        ),
        (image("x/no-tiller:tiller"), false),
        (image("x/exporter-for-tiller"), false),
        (image("x/distillery-1:tiller"), false),
        (image("tiller.example.com/tiller/web"), false),
        (
            of_container(
                json!({ "args": ["artillery run"], "env": [{ "name": "A", "value": "tiller" }] }),
            ),
            false,
        ),
        (
            of_container(
                json!({ "args": ["--port=$(PORT)"], "env": [{ "name": "A", "value": "artillery" }] }),
            ),
            false,
        ),
        (of_container(full.clone()), false),
        (
            pod(json!({ "containers": [full], "serviceAccountName": "default" })),
            false,
        ),
        (
            pod(
                json!({ "containers": null, "volumes": [{ "secret": {} }], "serviceAccountName": "web" }),
            ),
            true,
        ),
        (pod(json!({ "serviceAccount": "web" })), true),
        (json!({ "metadata": null, "spec": null }), false),
        (json!({}), false),
    ] {
        assert!(!TILLER.holds("Pod", &object), "{object}");
        assert_eq!(OWN_ACCOUNT.holds("Pod", &object), own, "{object}");
    }
    for kind in [
        "Deployment",
        "CronJob",
        "PodTemplate",
        "ReplicationController",
    ] {
        for object in [
            json!({}),
            json!({ "spec": { "template": null, "jobTemplate": null } }),
        ] {
            assert!(!TILLER.holds(kind, &object) && !OWN_ACCOUNT.holds(kind, &object));
        }
    }
}

#[test]
fn services_that_lead_to_tillers_pass_and_others_do_not() {
    for (spec, expected) in [
        (json!({ "selector": { "x": "tiller" } }), true),
        (
            json!({ "ports": [{ "port": 80 }, { "port": 44134 }] }),
            true,
        ),
        (
            json!({ "ports": [{ "port": 80, "targetPort": 44134 }] }),
            true,
        ),
        (
            json!({ "ports": [{ "port": 80, "targetPort": "tiller" }] }),
            true,
        ),
        (
            json!({ "ports": [{ "port": 80, "targetPort": "http" }, {}], "selector": { "app": "web" } }),
            false,
        ),
        (json!({ "ports": null, "selector": null }), false),
        (Value::Null, false),
    ] {
        let mut open = json!({ "metadata": { "name": "x" }, "spec": spec });
        assert_eq!(TILLER.holds("Service", &open), expected, "{open}");
        if spec.is_object() {
            open["spec"]["type"] = json!("NodePort");
            let service = read(ExposureKind::Service, &open).unwrap();
            let found = !decide(&service, &Settings::default(), &NOW)
                .findings
                .is_empty();
            assert_eq!(found, expected, "{open}");
        }
    }
}

#[test]
fn tokens_pass_but_for_those_that_kubelets_get_for_pods() {
    let kubelet = json!({ "username": "system:node:a", "groups": ["x", "system:nodes"] });
    let for_pod = json!({ "spec": { "boundObjectRef": { "kind": "Pod" } } });
    assert!(!CUSTODY.holds_for(&kubelet, "TokenRequest", &for_pod));
    let others = [
        json!({ "username": "ann", "groups": ["system:nodes"] }),
        json!({ "username": "system:node:a" }),
    ];
    for user in others {
        assert!(CUSTODY.holds_for(&user, "TokenRequest", &for_pod), "{user}");
    }
    for object in [
        json!({ "spec": { "boundObjectRef": { "kind": "Secret" } } }),
        json!({ "spec": { "boundObjectRef": null } }),
        json!({ "spec": {} }),
    ] {
        assert!(
            CUSTODY.holds_for(&kubelet, "TokenRequest", &object),
            "{object}"
        );
    }
}

#[test]
fn secrets_pass_that_may_hold_something_of_a_tillers() {
    for (object, expected) in [
        (json!({ "metadata": { "name": "tiller-tls" } }), true),
        (
            json!({ "metadata": { "name": "tiller-secret" }, "data": null }),
            true,
        ),
        (
            json!({ "type": "kubernetes.io/service-account-token" }),
            true,
        ),
        (
            json!({ "metadata": { "labels": { "OWNER": "TILLER" } } }),
            true,
        ),
        (
            json!({ "data": { "ca.crt": "QQ==", "tls.crt": "QQ==", "tls.key": "QQ==" } }),
            true,
        ),
        (json!({ "data": { "ca.crt": "QQ==" } }), true),
        (
            json!({ "type": "kubernetes.io/tls", "data": { "tls.crt": "QQ==", "tls.key": "QQ==" } }),
            false,
        ),
        (
            json!({ "type": "helm.sh/release.v1", "metadata": { "labels": { "owner": "helm" } } }),
            false,
        ),
        (
            json!({ "metadata": { "name": "x", "labels": null }, "data": {}, "type": "Opaque" }),
            false,
        ),
        (json!({ "metadata": null }), false),
    ] {
        assert_eq!(CUSTODY.holds("Secret", &object), expected, "{object}");
    }
}

#[test]
fn what_helm_init_makes_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/helm-init");
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        for object in documents {
            let kind = object["kind"].as_str().unwrap();
            if ["Deployment", "Service"].contains(&kind) {
                assert!(TILLER.holds(kind, &object), "{object}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn every_generated_tiller_passes((kind, object) in generate::workload()) {
        if is_sent(kind) {
            let passes = TILLER.holds(kind.as_str(), &object);
            let found = read(kind, &object).is_ok_and(|object| object.workload().unwrap().holds_tiller());
            prop_assert!(passes || !found, "{}", object);
            prop_assert!(!(passes && OWN_ACCOUNT.holds(kind.as_str(), &object)));
        }
    }
}
