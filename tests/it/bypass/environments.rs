//! Environments that redirect a Tiller.

use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, is_hardened, stored_with, tried_with};
use crate::api_server::World;
use crate::api_server::refuse::assert_refused;

const ENVIRONMENT: &str = "/spec/containers/0/env";

fn variable(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

#[tokio::test]
async fn row_21_variables_given_twice() {
    let world = World::create("row-21").await;
    let given = json!([
        variable("TILLER_NAMESPACE", "row-21"),
        variable("TILLER_TLS_VERIFY", "1"),
        variable("TILLER_TLS_VERIFY", ""),
        variable("TILLER_HISTORY_MAX", "5"),
        variable("TILLER_HISTORY_MAX", "7"),
    ]);
    let stored = stored_with(&world, &json!({ "env": given })).await;
    assert!(is_hardened(&stored), "{stored:#}");
    let environment = stored["spec"]["containers"][0]["env"].as_array().unwrap();
    for (name, value) in [("TILLER_TLS_VERIFY", "1"), ("TILLER_HISTORY_MAX", "7")] {
        let values: Vec<_> = environment
            .iter()
            .filter(|it| it["name"] == name)
            .map(|it| it["value"].as_str().unwrap())
            .collect();
        assert_eq!(values, [value], "{name}");
    }
}

#[tokio::test]
async fn row_22_variables_from_elsewhere() {
    let world = World::create("row-22").await;
    let from = json!({ "configMapKeyRef": { "name": "a", "key": "b" } });
    for fields in [
        json!({ "env": [{ "name": "TILLER_HISTORY_MAX", "valueFrom": from }] }),
        json!({ "envFrom": [{ "configMapRef": { "name": "a" } }] }),
        json!({ "envFrom": [{ "prefix": "TILLER_", "secretRef": { "name": "a" } }] }),
    ] {
        let answer = tried_with(&world, &fields).await;
        assert_refused(answer, "environment", ENVIRONMENT);
    }
    // Flags say more than these.
    let fields = json!({ "env": [{ "name": "TILLER_TLS_VERIFY", "valueFrom": from }] });
    let stored = stored_with(&world, &fields).await;
    assert!(is_hardened(&stored), "{stored:#}");
    assert!(!stored["spec"].to_string().contains("valueFrom"));
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_23_another_namespace() {
    let world = World::create("row-23").await;
    for value in ["kube-system", "row-24", "row-23 "] {
        let fields = json!({ "env": [variable("TILLER_NAMESPACE", value)] });
        let answer = tried_with(&world, &fields).await;
        assert_refused(answer, "tiller-namespace", ENVIRONMENT);
    }
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_24_variables_of_libraries() {
    let world = World::create("row-24").await;
    for name in [
        "KUBECONFIG",
        "HTTPS_PROXY",
        "https_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "KUBERNETES_SERVICE_HOST",
        "KUBERNETES_SERVICE_PORT",
        "GODEBUG",
    ] {
        let fields = json!({ "env": [variable(name, "1")] });
        let answer = tried_with(&world, &fields).await;
        assert_refused(answer.clone(), "environment", ENVIRONMENT);
        assert_refused(answer, name, ENVIRONMENT);
    }
    let home = json!({ "env": [variable("HOME", "/home")] });
    assert_refused(tried_with(&world, &home).await, "environment", ENVIRONMENT);
    assert_no_unhardened_tiller(&world).await;
}
