//! `/metrics` and the alerts over it, by Prometheus' own promtool.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::api_server::{World, cluster};
use crate::chart;
use crate::cluster::{Folder, get_accepting};
use crate::suite::skip;

/// Debian's promtool, where it can be had.
static PROMTOOL: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/prometheus/promtool.sh");
    let output = Command::new(script).stderr(Stdio::inherit()).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "tests/prometheus/promtool.sh failed"
    );
    let path = String::from_utf8(output.stdout).unwrap();
    Some(path.trim().into()).filter(|path: &PathBuf| !path.as_os_str().is_empty())
});

/// Lets promtool look at a text. Nothing where there is no promtool.
fn promtool(words: &[&str], text: &str) -> Option<Output> {
    let Some(program) = &*PROMTOOL else {
        skip("no promtool");
        return None;
    };
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    Some(child.wait_with_output().unwrap())
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// After reviews of all kinds of outcomes, so that each family has series.
#[tokio::test]
async fn what_a_server_counts_is_without_a_complaint_of_promtool() {
    let world = World::create("promtool").await;
    world.install(world.helm_init("2.17.0-sa-ns")).await;
    let mut refused = world.helm_init("2.17.0-sa-ns");
    refused["metadata"]["name"] = json!("refused");
    refused["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    world.try_install(refused).await.unwrap_err();

    let health = cluster().guard().unwrap().health;
    let (head, text) = get_accepting(health, "/metrics", "*/*").unwrap();
    let content_type = "content-type: text/plain; version=0.0.4; charset=utf-8";
    assert!(head.contains(content_type), "{head}");
    for family in [
        "build_info gauge",
        "admission_requests_total counter",
        "admission_duration_seconds histogram",
        "config_drift gauge",
        "watch_synced gauge",
    ] {
        let line = format!("# TYPE tiller_guard_{family}");
        assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
    }
    assert_accepted(&text);
}

/// Promtool has no complaint of these metrics.
pub(crate) fn assert_accepted(text: &str) {
    if let Some(checked) = promtool(&["check", "metrics"], text) {
        // It complains with exit code 3, and on stderr.
        assert_eq!(said(&checked), "", "{:?}", checked.status);
        assert_eq!(checked.status.code(), Some(0));
    }
}

#[tokio::test]
async fn open_metrics_is_spoken_with_those_who_ask_for_it() {
    let health = cluster().guard().unwrap().health;
    let accept =
        "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    let (head, text) = get_accepting(health, "/metrics", accept).unwrap();
    let content_type = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert!(head.contains(content_type), "{head}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("# TYPE tiller_guard_admission_requests counter\n"));
    // It reads the other format, and says what it does not like of this one.
    if let Some(checked) = promtool(&["check", "metrics"], &text) {
        assert_ne!(checked.status.code(), Some(0), "{}", said(&checked));
    }
}

/// What the chart's `PrometheusRule` says.
fn rules() -> Value {
    let values =
        json!({ "kubeVersion": "1.30", "metrics": { "prometheusRule": { "enabled": true } } });
    let objects = chart::rendered(&values);
    let mut rules = objects
        .iter()
        .filter(|it| it["kind"] == "PrometheusRule")
        .map(|it| it["spec"].clone());
    let (rules, None) = (rules.next().unwrap(), rules.next()) else {
        panic!("one PrometheusRule");
    };
    rules
}

/// Promtool's clock begins at 1970.
#[test]
fn the_alert_of_a_teams_certificate_fires_in_time_and_not_before() {
    const ALERT: &str = "TillerGuardTeamCertificateExpires";
    let rules = rules();
    let alerts = rules["groups"][0]["rules"].as_array().unwrap();
    let alert = alerts.iter().find(|it| it["alert"] == ALERT).unwrap();
    let folder = Folder::create().unwrap();
    let file = folder.write("rules.json", &rules.to_string()).unwrap();
    let mut cases = Vec::new();
    for (certificate, days, fires) in [
        ("tiller", 13, true),
        ("tiller", 15, false),
        ("ca", 179, true),
        ("ca", 181, false),
        ("tiller", -1, true),
        ("person", 13, true),
        ("person", 15, false),
    ] {
        let name = "tiller_guard_team_cert_not_after_seconds";
        let series = format!("{name}{{certificate=\"{certificate}\",pod=\"a\"}}");
        let expected = json!([{
            "exp_labels": { "severity": alert["labels"]["severity"], "certificate": certificate },
            "exp_annotations": alert["annotations"],
        }]);
        cases.push(json!({
            "interval": "1m",
            "input_series": [{ "series": series, "values": format!("{}x120", days * 86_400) }],
            "alert_rule_test": [{
                "eval_time": "90m", "alertname": ALERT,
                "exp_alerts": if fires { expected } else { json!([]) },
            }],
        }));
    }
    for (unreadable, fires) in [(0, false), (1, true)] {
        let series = "tiller_guard_team_certs_unreadable{pod=\"a\"}";
        let expected = json!([{
            "exp_labels": { "severity": alert["labels"]["severity"] },
            "exp_annotations": alert["annotations"],
        }]);
        cases.push(json!({
            "interval": "1m",
            "input_series": [{ "series": series, "values": format!("{unreadable}x120") }],
            "alert_rule_test": [{
                "eval_time": "90m", "alertname": ALERT,
                "exp_alerts": if fires { expected } else { json!([]) },
            }],
        }));
    }
    let tests = json!({ "rule_files": [file], "evaluation_interval": "1m", "tests": cases });
    let tests = folder.write("tests.json", &tests.to_string()).unwrap();
    let Some(tested) = promtool(&["test", "rules", &tests], "") else {
        return;
    };
    assert_eq!(tested.status.code(), Some(0), "{}", said(&tested));
}

#[test]
fn the_alerts_of_the_chart_are_without_a_complaint_of_promtool() {
    let rules = rules();
    let folder = Folder::create().unwrap();
    let file = folder.write("rules.json", &rules.to_string()).unwrap();
    let Some(checked) = promtool(&["check", "rules", &file], "") else {
        return;
    };
    let alerts = rules["groups"][0]["rules"].as_array().unwrap().len();
    let told = said(&checked);
    assert_eq!(checked.status.code(), Some(0), "{told}");
    assert!(
        told.contains(&format!("SUCCESS: {alerts} rules found")),
        "{told}"
    );
    // It is no rule that it passes over: a broken one is a complaint.
    let broken = fs::read_to_string(&file).unwrap().replace("min(", "min((");
    let file = folder.write("broken.json", &broken).unwrap();
    let checked = promtool(&["check", "rules", &file], "").unwrap();
    assert_eq!(checked.status.code(), Some(1), "{}", said(&checked));
}
