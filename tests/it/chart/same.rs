//! Chart and `install` make the same objects, for every Kubernetes that differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tiller_guard::installation::{IMAGE, Installation, NAMESPACE, POLICY, Platform, SERVICE_PORT};
use tiller_guard::k8s::webhook_configuration::condition;
use tiller_guard::policy::{RunAsUser, Settings};
use tiller_guard::report::ReportApi;

use super::helm::helm;
use super::{folder, rendered};

/// Those at which an object changes.
const MINORS: [u16; 13] = [10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21, 28, 36];

/// Objects by kind and name, without what tells who made them.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    objects
        .into_iter()
        .map(|mut object| {
            let labels = object["metadata"]["labels"].as_object_mut().unwrap();
            labels.remove("app.kubernetes.io/managed-by");
            labels.remove("helm.sh/chart");
            let (kind, name) = (&object["kind"], &object["metadata"]["name"]);
            let key = format!("{} {}", kind.as_str().unwrap(), name.as_str().unwrap());
            (key, object)
        })
        .collect()
}

#[test]
fn the_chart_makes_what_install_makes() {
    for minor in MINORS {
        hold_together(&usual(minor), json!({}));
    }
}

#[test]
fn the_chart_has_the_options_of_install() {
    let other_port = Installation {
        service_port: 8443,
        ..usual(36)
    };
    hold_together(&other_port, json!({ "service": { "port": 8443 } }));
    for minor in [18, 36] {
        let policy = format!("{POLICY}runAsUser: project\n");
        let user = RunAsUser::Project;
        let on_openshift = Installation {
            policy: policy.clone(),
            ..at(
                Platform {
                    user,
                    ..Platform::default()
                },
                minor,
            )
        };
        hold_together(&on_openshift, json!({ "policy": policy }));
    }
    for minor in [10, 36] {
        let on_aks = Platform {
            aks: true,
            ..Platform::default()
        };
        hold_together(&at(on_aks, minor), json!({ "aks": true }));
        let restores = Platform {
            restore_webhooks: true,
            ..Platform::default()
        };
        hold_together(&at(restores, minor), json!({ "restoreWebhooks": true }));
        let renews = Installation {
            renew_certificates: true,
            policy: format!("{POLICY}certificateSecret: tiller-certs\n"),
            certificate_secret: "tiller-certs".to_owned(),
            ..usual(minor)
        };
        hold_together(
            &renews,
            json!({ "renewCertificates": true, "policy": renews.policy }),
        );
    }
    for minor in [10, 12, 14, 36] {
        let audits = Platform {
            audit_interval: Some(3600),
            ..Platform::default()
        };
        hold_together(&at(audits, minor), json!({ "auditInterval": 3600 }));
        for api in ReportApi::ALL {
            let reports = Platform {
                audit_reports: Some(api),
                ..audits
            };
            let values = json!({ "auditInterval": 3600, "auditReports": api.as_str() });
            hold_together(&at(reports, minor), values);
        }
    }
    for minor in [10, 36] {
        let on_nodes = Platform {
            host_network: true,
            review_port: 10443,
            health_port: 10444,
            ..Platform::default()
        };
        let ports = json!({ "review": 10443, "health": 10444 });
        hold_together(
            &at(on_nodes, minor),
            json!({ "hostNetwork": true, "ports": ports }),
        );
    }
}

fn usual(minor: u16) -> Installation {
    Installation {
        minor,
        namespace: NAMESPACE.to_owned(),
        image: IMAGE.to_owned(),
        replicas: 2,
        service_port: SERVICE_PORT,
        policy: POLICY.to_owned(),
        account_patterns: Settings::default().account_patterns,
        certificate_secret: Settings::default().certificate_secret,
        ca_bundle: None,
        renew_certificates: false,
        place: Platform::default(),
    }
}

fn at(place: Platform, minor: u16) -> Installation {
    Installation {
        place,
        ..usual(minor)
    }
}

/// With these values the chart makes what `install` makes.
fn hold_together(installation: &Installation, mut values: Value) {
    let minor = installation.minor;
    let mut expected = by_name(installation.objects());
    // Helm makes the namespace of a release itself.
    expected.remove("Namespace tiller-guard").unwrap();
    values["kubeVersion"] = json!(format!("1.{minor}"));
    let found = by_name(rendered(&values));
    let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&found), names(&expected), "1.{minor}: {values}");
    for (name, object) in expected {
        assert_eq!(found[&name], object, "1.{minor}: {values}: {name}");
    }
}

#[test]
fn patterns_of_accounts_come_into_the_conditions() {
    let mut patterns = Settings::default().account_patterns;
    patterns.extend(["helm-*".to_owned(), "deployer".to_owned()]);
    let objects = by_name(rendered(&json!({
        "kubeVersion": "v1.30.2", "accountPatterns": ["helm-*", "deployer"],
    })));
    let webhooks = &objects["ValidatingWebhookConfiguration tiller-guard"]["webhooks"];
    let expression = |index: usize| webhooks[index]["matchConditions"][0]["expression"].clone();
    assert_eq!(expression(0), condition::tiller(&patterns));
    assert_eq!(expression(1), condition::own_account(&patterns));
}

/// `UPDATE_CHART=1` writes them anew.
#[test]
fn the_conditions_of_the_chart_are_those_of_the_code() {
    const MARK: &str = "any-pattern";
    let patterns = [MARK.to_owned()];
    for (file, text) in [
        ("may-be-tiller", condition::tiller(&patterns)),
        ("own-account", condition::own_account(&patterns)),
        ("may-hold-tillers", condition::custody()),
    ] {
        let mut text = text + "\n";
        for field in ["pod.spec.serviceAccountName", "pod.spec.serviceAccount"] {
            let matches = format!("({field} == '{MARK}')");
            text = text.replace(&matches, &format!("MATCHES({field})"));
        }
        assert!(!text.contains(MARK), "{text}");
        let path = folder().join("files").join(file).with_extension("cel");
        if std::env::var_os("UPDATE_CHART").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, text, "run UPDATE_CHART=1 cargo test --test it chart");
    }
}

#[test]
fn the_version_is_the_crates() {
    let chart: Value =
        serde_saphyr::from_str(&fs::read_to_string(folder().join("Chart.yaml")).unwrap()).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(chart["version"], version);
    assert_eq!(chart["appVersion"], format!("v{version}"));
    assert_eq!(chart["apiVersion"], "v1");
    let images = chart["annotations"]["artifacthub.io/images"]
        .as_str()
        .unwrap();
    assert!(images.contains(IMAGE), "{images}");
}

#[test]
fn the_chart_is_without_a_complaint_of_helm_with_all_that_it_has() {
    for values in [json!({}), everything()] {
        let report = helm(json!({ "do": "lint", "namespace": "tiller-guard", "values": values }));
        let errors = report["errors"].as_array().cloned().unwrap_or_default();
        assert!(errors.is_empty(), "{report}");
        // A chart is told that it might have an icon.
        for message in report["messages"].as_array().unwrap() {
            assert!(message["severity"].as_u64().unwrap() < 2, "{message}");
        }
    }
}

fn everything() -> Value {
    json!({
        "kubeVersion": "1.30",
        "renewCertificates": true,
        "certManager": { "enabled": true },
        "metrics": {
            "serviceMonitor": { "enabled": true },
            "prometheusRule": { "enabled": true },
            "dashboard": { "enabled": true },
        },
    })
}

#[test]
fn options_add_objects_and_nothing_is_made_twice() {
    let count = |objects: &[Value]| objects.len();
    let plain = rendered(&json!({ "kubeVersion": "1.30" }));
    let whole = rendered(&everything());
    let named = by_name(whole.clone());
    assert_eq!(named.len(), count(&whole), "{:?}", named.keys());
    assert!(count(&whole) > count(&plain) + 6);
    for name in [
        "Certificate tiller-guard",
        "ServiceMonitor tiller-guard",
        "PrometheusRule tiller-guard",
    ] {
        assert!(named.contains_key(name), "{name}");
    }
    let pod = &named["Deployment tiller-guard"]["spec"]["template"]["spec"];
    let arguments = pod["containers"][0]["args"].as_array().unwrap();
    assert!(arguments.contains(&json!("--tls-cert-file=/etc/tiller-guard-tls/tls.crt")));
    let dashboard = &named["ConfigMap tiller-guard-dashboard"]["data"]["tiller-guard.json"];
    let dashboard: Value = serde_json::from_str(dashboard.as_str().unwrap()).unwrap();
    assert!(dashboard["panels"].as_array().unwrap().len() > 3);
}

/// For a cluster that is to ask nobody before somebody answers.
#[test]
fn without_registrations_all_else_is_the_same() {
    let values =
        |enabled: bool| json!({ "kubeVersion": "1.20", "registrations": { "enabled": enabled } });
    let mut whole = by_name(rendered(&values(true)));
    for kind in ["Mutating", "Validating"] {
        let gone = whole.remove(&format!("{kind}WebhookConfiguration tiller-guard"));
        assert!(gone.is_some(), "{kind}");
    }
    assert_eq!(by_name(rendered(&values(false))), whole);
}

/// Alerts and panels over what nobody counts stay silent.
#[test]
fn every_metric_of_the_alerts_and_the_dashboard_is_counted() {
    let mut counted = String::new();
    for file in [
        "server/metrics.rs",
        "cluster/certificate/metrics.rs",
        "cluster/watch/audits.rs",
        "cluster/watch/status.rs",
        "cluster/watch/team_certificates.rs",
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file);
        counted += &fs::read_to_string(path).unwrap();
    }
    let objects = by_name(rendered(&everything()));
    let text = objects["PrometheusRule tiller-guard"].to_string()
        + &objects["ConfigMap tiller-guard-dashboard"].to_string();
    let names: BTreeSet<&str> = text
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter_map(|word| word.strip_prefix("tiller_guard_"))
        .collect();
    for name in [
        "cabundle_in_sync",
        "config_drift",
        "tls_ca_not_after_seconds",
    ] {
        assert!(names.contains(name), "{name} in {names:?}");
    }
    for name in names {
        let plain = name.strip_suffix("_total").unwrap_or(name);
        let plain = plain.strip_suffix("_seconds_bucket").unwrap_or(plain);
        assert!(counted.contains(&format!("\"{plain}\"")), "{name}");
    }
}
