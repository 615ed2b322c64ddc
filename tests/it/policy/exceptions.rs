//! What an exception takes out of a verdict, and what it leaves.

use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::policy::{
    Action, Context, Exception, Settings, Timestamp, WorkloadKind, decide, rules,
};

use super::NOW;
use super::corpus::canonical;

const END: Timestamp = Timestamp(1_000);

pub(super) fn exception(rule: &str, kind: WorkloadKind, name: &str) -> Exception {
    Exception {
        rule: rules().find(|it| it.id == rule).unwrap(),
        kind: kind.into(),
        namespace: "team-a".to_owned(),
        name: name.to_owned(),
        reason: format!("{rule} can wait"),
        expires: END,
    }
}

fn settings(rules: &[&str]) -> Settings {
    let of = |rule: &&str| exception(rule, WorkloadKind::Deployment, "tiller-deploy");
    Settings {
        exceptions: rules.iter().map(of).collect(),
        ..Settings::default()
    }
}

/// What is found, what is let off, and what hardening makes of it.
pub(super) fn judged(
    kind: WorkloadKind,
    object: &Value,
    settings: &Settings,
    now: Timestamp,
) -> Judged {
    let workload = read(kind, object).unwrap();
    let verdict = decide(&workload, settings, &Context::at(now));
    let mut hardened = object.clone();
    json_patch::patch(&mut hardened, &verdict.patch.to_json_patch().unwrap()).unwrap();
    let found = |action| {
        let findings = verdict.findings.iter();
        findings
            .filter(|it| it.action == action)
            .map(|it| it.rule.id)
            .collect()
    };
    Judged {
        refused: found(Action::Refuse),
        mended: found(Action::Harden),
        excepted: verdict
            .excepted
            .iter()
            .map(|it| (it.rule.id, it.reason.to_owned()))
            .collect(),
        hardened,
    }
}

pub(super) struct Judged {
    pub(super) refused: Vec<&'static str>,
    mended: Vec<&'static str>,
    excepted: Vec<(&'static str, String)>,
    hardened: Value,
}

/// The canonical Deployment, `team-a/tiller-deploy`, with these arguments.
pub(super) fn deployment(args: &[&str]) -> Value {
    let mut manifest = canonical();
    manifest["metadata"]["namespace"] = json!("team-a");
    manifest["metadata"]["name"] = json!("tiller-deploy");
    let container = &mut manifest["spec"]["template"]["spec"]["containers"][0];
    container["args"] = json!(args);
    for variable in container["env"].as_array_mut().unwrap() {
        if variable["name"] == "TILLER_NAMESPACE" {
            *variable = json!({ "name": "TILLER_NAMESPACE", "value": "team-a" });
        }
    }
    manifest
}

fn args(hardened: &Value) -> Vec<&str> {
    let args = &hardened["spec"]["template"]["spec"]["containers"][0]["args"];
    let args = args.as_array().unwrap();
    args.iter().map(|it| it.as_str().unwrap()).collect()
}

#[test]
fn a_rule_let_off_is_neither_found_nor_hardened_but_recorded() {
    let object = deployment(&["--storage=configmap", "--trace"]);
    let judged = judged(
        WorkloadKind::Deployment,
        &object,
        &settings(&["release-storage"]),
        NOW.now,
    );
    assert!(!judged.mended.contains(&"release-storage"));
    assert!(judged.mended.contains(&"tracing"));
    let recorded = ("release-storage", "release-storage can wait".to_owned());
    assert_eq!(judged.excepted, [recorded]);
    // The command line is written anew for the others, and keeps what is let off.
    assert!(args(&judged.hardened).contains(&"--storage=configmap"));
    assert!(args(&judged.hardened).contains(&"--trace=false"));
}

#[test]
fn each_setting_of_the_command_line_can_be_kept() {
    for (rule, given, kept) in [
        ("release-storage", "--storage=memory", "--storage=memory"),
        ("tls-disabled", "--tls=0 --tls-verify=0", "--tls=false"),
        (
            "client-not-verified",
            "--tls --tls-verify=false",
            "--tls-verify=false",
        ),
        (
            "certificate-paths",
            "--tls-key=/etc/certs/own.key",
            "--tls-key=/etc/certs/own.key",
        ),
        ("listen-address", "--listen=:9999", "--listen=:9999"),
        (
            "listen-address",
            "--probe-listen=:9998",
            "--probe-listen=:9998",
        ),
        ("tracing", "--trace", "--trace=true"),
        (
            "experimental-release",
            "--experimental-release",
            "--experimental-release=true",
        ),
    ] {
        let given: Vec<_> = given.split(' ').collect();
        let object = deployment(&given);
        let settings = settings(&[rule]);
        let first = judged(WorkloadKind::Deployment, &object, &settings, NOW.now);
        let words = args(&first.hardened);
        assert!(words.contains(&kept), "{rule}: {words:?}");
        // What is kept stays what it is, and is nothing new to harden.
        let again = judged(
            WorkloadKind::Deployment,
            &first.hardened,
            &settings,
            NOW.now,
        );
        assert_eq!(again.hardened, first.hardened, "{rule}");
        assert_eq!(again.mended, [""; 0], "{rule}");
        let strict = judged(
            WorkloadKind::Deployment,
            &object,
            &Settings::default(),
            NOW.now,
        );
        assert!(!args(&strict.hardened).contains(&kept), "{rule}");
    }
}

#[test]
fn a_database_that_is_kept_keeps_its_flags() {
    let object = deployment(&["--storage=sql", "--sql-connection-string=x"]);
    let kept = judged(
        WorkloadKind::Deployment,
        &object,
        &settings(&["release-storage"]),
        NOW.now,
    );
    assert!(args(&kept.hardened).contains(&"--sql-connection-string=x"));
    let strict = judged(
        WorkloadKind::Deployment,
        &object,
        &Settings::default(),
        NOW.now,
    );
    assert!(args(&strict.hardened).contains(&"--storage=sql"));
    let lost = settings(&["storage-switch"]);
    let lost = judged(WorkloadKind::Deployment, &object, &lost, NOW.now);
    let words = args(&lost.hardened);
    assert!(words.iter().all(|word| !word.contains("sql")), "{words:?}");
}

/// Plaintext cannot ask for certificates, and variables must not turn TLS on again.
#[test]
fn plaintext_that_is_let_off_stays_plaintext() {
    let mut object = deployment(&["--storage=secret"]);
    object["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{ "name": "TILLER_NAMESPACE", "value": "team-a" }]);
    let judged = judged(
        WorkloadKind::Deployment,
        &object,
        &settings(&["tls-disabled"]),
        NOW.now,
    );
    let rules: Vec<_> = judged.excepted.iter().map(|(rule, _)| *rule).collect();
    assert_eq!(
        rules,
        ["tls-disabled", "client-not-verified", "tls-environment"]
    );
    let words = args(&judged.hardened);
    assert!(
        words.contains(&"--tls=false") && words.contains(&"--tls-verify=false"),
        "{words:?}"
    );
    let before = &object["spec"]["template"]["spec"]["containers"][0]["env"];
    let after = &judged.hardened["spec"]["template"]["spec"]["containers"][0]["env"];
    assert_eq!(after, before);
}

#[test]
fn an_expired_exception_counts_no_more() {
    let object = deployment(&["--trace"]);
    let settings = settings(&["tracing"]);
    let before = judged(WorkloadKind::Deployment, &object, &settings, Timestamp(999));
    assert_eq!(before.excepted.len(), 1);
    let after = judged(WorkloadKind::Deployment, &object, &settings, END);
    assert_eq!(after.excepted, []);
    assert!(after.mended.contains(&"tracing"));
}

#[test]
fn a_refusal_is_let_off_for_its_object_alone() {
    let settings = settings(&["host-access"]);
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut object = deployment(&[]);
        object["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
        change(&mut object);
        judged(WorkloadKind::Deployment, &object, &settings, NOW.now).refused
    };
    assert_eq!(refused(&|_| {}), [""; 0]);
    let renamed = refused(&|object| object["metadata"]["name"] = json!("tiller-deploy-2"));
    assert_eq!(renamed, ["host-access"]);
    let moved = refused(&|object| object["metadata"]["namespace"] = json!("team-b"));
    assert!(moved.contains(&"host-access"), "{moved:?}");
    let owned = refused(&|object| {
        object["metadata"]["name"] = json!("other");
        object["metadata"]["ownerReferences"] = owner("apps/v1", "Deployment", "tiller-deploy");
    });
    assert_eq!(owned, ["host-access"], "no Deployment makes another");
}

fn owner(api_version: &str, kind: &str, name: &str) -> Value {
    json!([{ "apiVersion": api_version, "kind": kind, "name": name, "uid": "1", "controller": true }])
}

#[test]
fn what_controllers_make_of_an_object_is_let_off_with_it() {
    let template = deployment(&["--trace"])["spec"]["template"].clone();
    for (of, name, kind, owner, covered) in [
        (
            WorkloadKind::Deployment,
            "t",
            WorkloadKind::ReplicaSet,
            owner("apps/v1", "Deployment", "t"),
            true,
        ),
        (
            WorkloadKind::Deployment,
            "t",
            WorkloadKind::Pod,
            owner("apps/v1", "ReplicaSet", "t-5d4f8c"),
            true,
        ),
        (
            WorkloadKind::CronJob,
            "t",
            WorkloadKind::Job,
            owner("batch/v1", "CronJob", "t"),
            true,
        ),
        (
            WorkloadKind::CronJob,
            "t",
            WorkloadKind::Pod,
            owner("batch/v1", "Job", "t-27312000"),
            true,
        ),
        (
            WorkloadKind::StatefulSet,
            "t",
            WorkloadKind::Pod,
            owner("apps/v1", "StatefulSet", "t"),
            true,
        ),
        (
            WorkloadKind::Deployment,
            "t",
            WorkloadKind::Pod,
            owner("apps/v1", "ReplicaSet", "t-web-5d4f8c"),
            false,
        ),
        (
            WorkloadKind::Deployment,
            "t",
            WorkloadKind::Pod,
            owner("apps/v1", "ReplicaSet", "t"),
            false,
        ),
        (
            WorkloadKind::Deployment,
            "t",
            WorkloadKind::Pod,
            owner("apps/v1", "StatefulSet", "t-0"),
            false,
        ),
        (
            WorkloadKind::Deployment,
            "t",
            WorkloadKind::Pod,
            owner("example.com/v1", "ReplicaSet", "t-5d4f8c"),
            false,
        ),
        (
            WorkloadKind::Deployment,
            "t",
            WorkloadKind::StatefulSet,
            owner("apps/v1", "Deployment", "t"),
            false,
        ),
    ] {
        let metadata = json!({ "name": "made", "namespace": "team-a", "ownerReferences": owner });
        let object = super::generate::object(kind, &metadata, template.clone());
        let settings = Settings {
            exceptions: vec![exception("tracing", of, name)],
            ..Settings::default()
        };
        let mut metadata = metadata.clone();
        let judged = judged(kind, &object, &settings, NOW.now);
        assert_eq!(
            !judged.excepted.is_empty(),
            covered,
            "{} of {owner}",
            kind.as_str()
        );
        // An owner that does not answer for the object lends it nothing.
        metadata["ownerReferences"][0]["controller"] = json!(false);
        let object = super::generate::object(kind, &metadata, template.clone());
        let judged = self::judged(kind, &object, &settings, NOW.now);
        assert_eq!(judged.excepted, []);
    }
}
