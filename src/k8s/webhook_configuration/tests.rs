use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Endpoint, WebhookConfigurations};
use crate::policy::connection::ConnectionKind;
use crate::policy::{APIS, ObjectKind};

fn webhook_configuration(minor: u16) -> WebhookConfigurations<'static> {
    WebhookConfigurations {
        minor,
        namespace: "tiller-guard",
        endpoint: Endpoint::Service {
            name: "tiller-guard",
            port: 443,
        },
        ca_bundle: None,
        account_patterns: &[],
    }
}

fn webhooks(configuration: &Value) -> Vec<&Value> {
    configuration["webhooks"]
        .as_array()
        .unwrap()
        .iter()
        .collect()
}

fn named<'a>(configuration: &'a Value, name: &str) -> &'a Value {
    let mut webhooks = configuration["webhooks"].as_array().unwrap().iter();
    webhooks.find(|it| it["name"] == name).unwrap()
}

#[test]
fn only_what_may_be_a_tiller_is_refused_while_nobody_answers() {
    for minor in [10, 20, 21, 27, 28, 36] {
        let configuration = webhook_configuration(minor).validating();
        for webhook in webhooks(&configuration) {
            let fails = webhook["failurePolicy"] == "Fail";
            let labelled = webhook["name"] == "labelled.tiller-guard.io";
            assert_eq!(
                fails,
                labelled || webhook["name"] == "validate.tiller-guard.io"
            );
            assert!(fails || webhook["failurePolicy"] == "Ignore");
            if !fails {
                continue;
            }
            if labelled {
                let labels = &webhook["objectSelector"]["matchLabels"];
                assert_eq!(labels, &json!({ "app": "helm", "name": "tiller" }));
            } else if minor >= 28 {
                assert_eq!(webhook["matchConditions"][0]["name"], "may-be-tiller");
            } else {
                let outside = &webhook["namespaceSelector"]["matchExpressions"][0];
                assert_eq!(outside["operator"], "NotIn");
                assert_eq!(outside["values"], json!(["tiller-guard", "kube-system"]));
            }
            let resources = webhook["rules"].to_string();
            for never in [
                "nodes",
                "leases",
                "certificatesigningrequests",
                "events",
                "endpoints",
                "roles",
                "\"*\"]}",
            ] {
                assert!(!resources.contains(never), "1.{minor}: {never}");
            }
        }
        let configuration = webhook_configuration(minor).mutating();
        assert_eq!(webhooks(&configuration).len(), 1);
        assert_eq!(configuration["webhooks"][0]["failurePolicy"], "Ignore");
    }
}

#[test]
fn a_tiller_in_kube_system_is_asked_about_by_every_version() {
    let at_20 = webhook_configuration(20).validating();
    let system = named(&at_20, "system.tiller-guard.io");
    let expression = &system["namespaceSelector"]["matchExpressions"][0];
    assert_eq!(expression["operator"], "In");
    // Whoever may write a namespace could call it tiller-guard, and is asked about all the same.
    assert_eq!(expression["values"], json!(["tiller-guard", "kube-system"]));
    assert_eq!(
        system["rules"],
        named(&at_20, "validate.tiller-guard.io")["rules"]
    );
    let is_labelled = |webhook: &&Value| webhook["name"] == "labelled.tiller-guard.io";
    for minor in [10, 14, 15, 20, 27, 28, 36] {
        let configuration = webhook_configuration(minor).validating();
        let mut webhooks = webhooks(&configuration).into_iter();
        assert_eq!(
            webhooks.any(|it| is_labelled(&it)),
            (15..28).contains(&minor)
        );
    }
    let at_28 = webhook_configuration(28).validating();
    let selector = &named(&at_28, "validate.tiller-guard.io")["namespaceSelector"];
    assert_eq!(
        selector["matchExpressions"][0]["values"],
        json!(["tiller-guard"])
    );
}

#[test]
fn a_server_is_told_what_it_knows_and_no_more() {
    let fields = |minor| -> Vec<String> {
        let configuration = webhook_configuration(minor).mutating();
        let webhook = configuration["webhooks"][0].as_object().unwrap().clone();
        webhook.keys().cloned().collect()
    };
    let oldest = [
        "name",
        "clientConfig",
        "rules",
        "namespaceSelector",
        "failurePolicy",
    ];
    assert_eq!(fields(10), oldest);
    let more = |names: &[&str]| -> Vec<String> {
        oldest
            .iter()
            .chain(names)
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(fields(12), more(&["sideEffects"]));
    assert_eq!(fields(14), more(&["sideEffects", "timeoutSeconds"]));
    let all = [
        "sideEffects",
        "timeoutSeconds",
        "matchPolicy",
        "admissionReviewVersions",
        "reinvocationPolicy",
    ];
    assert_eq!(fields(16), more(&all));
    assert_eq!(fields(28).last().unwrap(), "matchConditions");
    assert_eq!(
        webhook_configuration(15).mutating()["apiVersion"],
        "admissionregistration.k8s.io/v1beta1"
    );
    assert_eq!(
        webhook_configuration(16).mutating()["apiVersion"],
        "admissionregistration.k8s.io/v1"
    );
    assert!(
        webhook_configuration(10).mutating()["webhooks"][0]["rules"][0]
            .get("scope")
            .is_none()
    );
}

/// The first asks for tokens while pods start, and the second is how people mend a guard that is down.
#[test]
fn what_nodes_and_people_wait_for_is_not_held_up() {
    for name in ["custody.tiller-guard.io", "connections.tiller-guard.io"] {
        let configuration = webhook_configuration(20).validating();
        let webhook = named(&configuration, name);
        assert_eq!(webhook["failurePolicy"], "Ignore");
        assert_eq!(webhook["timeoutSeconds"], 2);
        assert_eq!(webhook["rules"].as_array().unwrap().len(), 1);
    }
    let configuration = webhook_configuration(28).validating();
    let connections = named(&configuration, "connections.tiller-guard.io");
    assert_eq!(connections["rules"][0]["operations"], json!(["CONNECT"]));
    let custody = named(&configuration, "custody.tiller-guard.io");
    assert_eq!(custody["matchConditions"][0]["name"], "may-hold-tillers");
}

#[test]
fn releases_are_told_by_their_label_where_the_server_can() {
    let is_records = |webhook: &&Value| webhook["name"] == "records.tiller-guard.io";
    let at_14 = webhook_configuration(14).validating();
    assert!(!webhooks(&at_14).iter().any(is_records));
    let at_15 = webhook_configuration(15).validating();
    let records = named(&at_15, "records.tiller-guard.io");
    assert_eq!(
        records["objectSelector"],
        json!({ "matchLabels": { "OWNER": "TILLER" } })
    );
    assert_eq!(records["rules"][0]["resources"], json!(["configmaps"]));
}

#[test]
fn a_url_and_a_bundle_are_written_as_they_are_given() {
    let configuration = WebhookConfigurations {
        endpoint: Endpoint::Url("https://127.0.0.1:8443"),
        ca_bundle: Some("QQ=="),
        ..webhook_configuration(20)
    };
    let client = &configuration.validating()["webhooks"][0]["clientConfig"];
    let expected = json!({ "url": "https://127.0.0.1:8443/validate", "caBundle": "QQ==" });
    assert_eq!(client, &expected);
}

#[test]
fn a_webhook_has_a_bundle_where_it_must_have_one() {
    for (minor, expected) in [(12, Some(&json!(""))), (13, None)] {
        let configuration = webhook_configuration(minor).mutating();
        let client = &configuration["webhooks"][0]["clientConfig"];
        assert_eq!(client.get("caBundle"), expected, "1.{minor}");
    }
}

/// Kubernetes 1.10 and 1.11 would fail each `exec`, `attach`, `port-forward` and proxied request.
#[test]
fn connections_are_asked_about_where_the_server_can() {
    for (minor, expected) in [(10, false), (11, false), (12, true), (36, true)] {
        let text = webhook_configuration(minor).validating().to_string();
        assert_eq!(text.contains("CONNECT"), expected, "1.{minor}");
        assert_eq!(
            text.contains("connections.tiller-guard.io"),
            expected,
            "1.{minor}"
        );
    }
}

fn is_connection(resource: &str) -> bool {
    let mut connections = ConnectionKind::ALL.into_iter().map(ObjectKind::from);
    connections.any(|it| it.resource() == resource)
}

#[test]
fn everything_that_is_judged_is_asked_about() {
    let mut known: BTreeSet<(&str, &str)> = APIS
        .iter()
        .flat_map(|api| api.resources.iter().map(|it| (api.resource_group(), *it)))
        .collect();
    for minor in [36, 14, 10] {
        if minor == 10 {
            known.retain(|(_, resource)| !is_connection(resource));
        }
        let configuration = webhook_configuration(minor).validating();
        let mut asked = BTreeSet::new();
        for webhook in webhooks(&configuration) {
            for rule in webhook["rules"].as_array().unwrap() {
                assert_eq!(rule["apiVersions"], json!(["*"]));
                let group = rule["apiGroups"][0].as_str().unwrap().to_owned();
                let resources = rule["resources"].as_array().unwrap().iter();
                asked.extend(resources.map(|it| (group.clone(), it.as_str().unwrap().to_owned())));
            }
        }
        let asked: BTreeSet<_> = asked
            .iter()
            .map(|(group, it)| (group.as_str(), it.as_str()))
            .collect();
        assert_eq!(asked, known);
        // Before 1.15 the few ConfigMaps that are releases cannot be told from the others.
        known.remove(&("", "configmaps"));
    }
}
