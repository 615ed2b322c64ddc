use std::collections::BTreeMap;
use std::time::Duration;

use super::{Format, Metrics};
use crate::k8s::review::{Answer, Decision, Mode, Webhook};
use crate::policy::connection::ConnectionKind;
use crate::policy::custody::CustodyKind;
use crate::policy::exposure::ExposureKind;
use crate::policy::rbac::RbacKind;
use crate::policy::{
    Rule, WorkloadKind, connection_rules, custody_rules, exposure_rules, rbac_rules, workload_rules,
};

#[test]
fn names_are_those_that_dashboards_use() {
    let metrics = Metrics::new();
    let answer = Answer {
        body: Vec::new(),
        decision: Decision::Refused,
        mode: Some(Mode::Freeze),
        operation: "CREATE",
        kind: "Pod",
        rules: vec!["host-access"],
        refusal: None,
        excepted: vec![("tracing", "until the migration".to_owned())],
        not_tiller: None,
        lookups: Vec::new(),
        record: None,
    };
    metrics.decided(Webhook::Validate, &answer, Duration::from_micros(80));
    metrics.failed(Webhook::Mutate, 413, Duration::from_micros(80));
    metrics.shed("late");
    metrics.handshake_failed("timeout");
    metrics.reloaded("loaded");
    metrics.policy_reloaded("malformed");
    metrics.looked_up("done");
    metrics.panics.inc();
    metrics.certificate_end.set(1_800_000_000);
    let text = metrics.encode(Format::Prometheus).unwrap();
    for line in [
        r#"tiller_guard_build_info{version="0.1.0"} 1"#,
        r#"tiller_guard_admission_requests_total{webhook="validate",kind="Pod",decision="refused",mode="freeze",code="200"} 1"#,
        r#"tiller_guard_admission_requests_total{webhook="mutate",kind="other",decision="none",mode="none",code="413"} 1"#,
        r#"tiller_guard_admission_duration_seconds_bucket{le="0.0001",webhook="validate",decision="refused"} 1"#,
        r#"tiller_guard_admission_findings_total{webhook="validate",rule="host-access",mode="freeze"} 1"#,
        r#"tiller_guard_admission_exceptions_total{webhook="validate",rule="tracing"} 1"#,
        r#"tiller_guard_policy_reloads_total{result="malformed"} 1"#,
        r#"tiller_guard_admission_shed_total{reason="late"} 1"#,
        r#"tiller_guard_tls_handshake_errors_total{reason="timeout"} 1"#,
        r#"tiller_guard_tls_reloads_total{result="loaded"} 1"#,
        r#"tiller_guard_admission_lookups_total{result="done"} 1"#,
        "tiller_guard_admission_panics_total 1",
        "tiller_guard_admission_inflight 0",
        "tiller_guard_tls_cert_not_after_seconds 1800000000",
    ] {
        assert!(
            text.lines().any(|written| written == line),
            "{line} in\n{text}"
        );
    }
}

/// A cluster's share: a series for each watch, how some of them fail, and how much is known.
const OF_THE_CLUSTER: usize = 30;

/// A refusal by one rule.
fn refusal(operation: &'static str, kind: &'static str, rule: &'static Rule) -> Answer {
    Answer {
        body: Vec::new(),
        decision: Decision::Refused,
        mode: Some(Mode::Enforce),
        operation,
        kind,
        rules: vec![rule.id],
        refusal: None,
        excepted: Vec::new(),
        not_tiller: None,
        lookups: Vec::new(),
        record: None,
    }
}

/// Refusals of everything that is asked about by every rule for it.
fn refusals() -> Vec<(Webhook, Answer)> {
    type Asked = (
        &'static [Webhook],
        &'static [&'static str],
        Vec<&'static str>,
        Vec<&'static Rule>,
    );
    let (both, validate) = (&[Webhook::Mutate, Webhook::Validate], &[Webhook::Validate]);
    let (written, connected) = (&["CREATE", "UPDATE"], &["CONNECT"]);
    let asked: [Asked; 5] = [
        (
            both,
            written,
            WorkloadKind::ALL.map(WorkloadKind::as_str).into(),
            workload_rules().collect(),
        ),
        (
            validate,
            written,
            RbacKind::ALL.map(RbacKind::as_str).into(),
            rbac_rules().collect(),
        ),
        (
            validate,
            written,
            ExposureKind::ALL.map(ExposureKind::as_str).into(),
            exposure_rules().collect(),
        ),
        (
            validate,
            written,
            CustodyKind::ALL.map(CustodyKind::as_str).into(),
            custody_rules().collect(),
        ),
        (
            validate,
            connected,
            ConnectionKind::ALL.map(ConnectionKind::as_str).into(),
            connection_rules().collect(),
        ),
    ];
    let mut refusals = Vec::new();
    for (webhooks, operations, kinds, rules) in &asked {
        for webhook in *webhooks {
            for operation in *operations {
                for kind in kinds {
                    for rule in rules {
                        refusals.push((*webhook, refusal(operation, kind, rule)));
                    }
                }
            }
        }
    }
    refusals
}

#[test]
fn a_hundred_thousand_refusals_are_less_than_two_hundred_series() {
    let metrics = Metrics::new();
    let refusals = refusals();
    for (webhook, answer) in refusals.iter().cycle().take(100_000) {
        metrics.decided(*webhook, answer, Duration::from_micros(80));
    }
    let text = metrics.encode(Format::Prometheus).unwrap();
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let series = series.count();
    assert!(
        refusals.len() < 100_000 && series + OF_THE_CLUSTER < 200,
        "{series} series"
    );
}

#[test]
fn each_review_is_counted_under_its_own_labels() {
    let metrics = Metrics::new();
    let mut counted = BTreeMap::<String, usize>::new();
    for (webhook, mut answer) in refusals() {
        for mode in Mode::ALL {
            answer.mode = Some(mode);
            metrics.decided(webhook, &answer, Duration::from_micros(80));
            let (webhook, mode) = (webhook.as_str(), mode.as_str());
            let Answer { kind, rules, .. } = &answer;
            for series in [
                format!(
                    r#"requests_total{{webhook="{webhook}",kind="{kind}",decision="refused",mode="{mode}",code="200"}}"#
                ),
                format!(
                    r#"findings_total{{webhook="{webhook}",rule="{}",mode="{mode}"}}"#,
                    rules[0]
                ),
            ] {
                *counted.entry(series).or_default() += 1;
            }
        }
    }
    let text = metrics.encode(Format::Prometheus).unwrap();
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("tiller_guard_admission_"));
    let told = lines
        .filter(|line| line.starts_with("requests") || line.starts_with("findings"))
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, count)| (series.to_owned(), count.parse().unwrap()));
    assert_eq!(told.collect::<BTreeMap<_, usize>>(), counted);
}
