//! The whole report in both formats.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{Report, ReportedObject, Style, Unreadable, write_json, write_text};
use crate::pod::Container;
use crate::policy::{Action, Finding, Pointer, Rule, Severity, TillerContainer, WorkloadKind};
use crate::releases;
use crate::tiller::{
    ClientVerification, ContainerList, Effective, Launch, Setting, Start, Storage, Tiller, Tls,
    Unknown, Version,
};

static RULE: Rule = Rule {
    id: "release-storage",
    severity: Severity::High,
    summary: "",
    answer: "",
    ..Rule::PLAIN
};

static CONTAINER: LazyLock<Container<'static>> = LazyLock::new(|| Container {
    name: "tiller".into(),
    ..Container::default()
});

fn tiller(start: Setting<Start>) -> TillerContainer<'static> {
    let path = |path: &'static str| Setting::Known(Cow::Borrowed(path));
    TillerContainer {
        list: ContainerList::Regular,
        kind: WorkloadKind::Pod,
        index: 0,
        mount_paths: Vec::new(),
        container: &CONTAINER,
        tiller: Tiller {
            version: Setting::Known(Version {
                major: 2,
                minor: 16,
                patch: 12,
            }),
            launch: Setting::Known(Launch {
                program: Cow::Borrowed("/tiller"),
                arguments: Vec::new(),
                ignored: Vec::new(),
            }),
            start,
            effective: Effective {
                storage: Setting::Known(Storage::ConfigMap),
                listen: path(":44134"),
                probe_listen: path(":44135"),
                namespace: Setting::Unknown(Unknown::Namespace),
                history_max: Setting::Known(0),
                trace: Setting::Known(false),
                experimental_release: Setting::Known(false),
                tls: Tls {
                    enabled: Setting::Known(true),
                    verify: Setting::Known(ClientVerification::IfGiven),
                    key: path("/etc/certs/tls.key"),
                    cert: path("/etc/certs/tls.crt"),
                    ca: path("/etc/certs/ca.crt"),
                },
                other_flags: Vec::new(),
            },
        },
    }
}

fn report() -> Report {
    let finding = |action| Finding {
        rule: &RULE,
        severity: RULE.severity,
        path: Pointer::from_text("/spec/containers/0/args"),
        message: "releases are recorded in ConfigMaps".into(),
        remedy: "set --storage=secret".into(),
        action,
        injector: None,
    };
    let mut first = super::Finding::from(&finding(Action::Harden));
    first.line = Some(12);
    let object = ReportedObject {
        file: "a.yaml".to_owned(),
        document: 1,
        line: 2,
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        namespace: Some("team".to_owned()),
        name: "x\u{1b}[2J".to_owned(),
        findings: vec![first, super::Finding::from(&finding(Action::Refuse))],
        tillers: vec![
            super::Tiller::from(&tiller(Setting::Known(Start::Serves))),
            super::Tiller::from(&tiller(Setting::Known(Start::Exits {
                code: 2,
                reason: "flag provided but not defined: -x".to_owned(),
            }))),
        ],
        ..ReportedObject::default()
    };
    let plain = ReportedObject {
        document: 2,
        kind: "Service".to_owned(),
        ..ReportedObject::default()
    };
    let error = Unreadable {
        file: "a.yaml".to_owned(),
        document: Some(3),
        line: Some(40),
        column: Some(2),
        message: "did not find expected key".to_owned(),
    };
    let problem = releases::Problem {
        problem: releases::ProblemKind::Pending,
        release: "web".to_owned(),
        revision: Some(2),
        tiller_namespace: "team".to_owned(),
        storage: releases::Storage::Secrets,
        record: "web.v2".to_owned(),
        message: "revision 2 of web is PENDING_UPGRADE".to_owned(),
        remedy: "wait until it is done".to_owned(),
    };
    Report::new(vec![object, plain], vec![error], vec![problem])
}

#[test]
fn json_has_the_promised_shape() {
    let mut out = Vec::new();
    write_json(&report(), &mut out).unwrap();
    let written: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(written["version"], 1);
    assert_eq!(
        written["summary"],
        json!({"objects": 2, "tillers": 2, "findings": 2, "harden": 1, "refuse": 1, "unreadable": 1,
            "release_problems": 1, "skipped": 0, "known": 0})
    );
    assert_eq!(
        written["errors"],
        json!([{"file": "a.yaml", "document": 3, "line": 40, "column": 2,
            "message": "did not find expected key"}])
    );
    assert_eq!(
        written["release_problems"],
        json!([{"problem": "pending", "release": "web", "revision": 2, "tiller_namespace": "team",
            "storage": "secrets", "record": "web.v2", "message": "revision 2 of web is PENDING_UPGRADE",
            "remedy": "wait until it is done"}])
    );
    let object = &written["objects"][0];
    let page = format!("{}/release-storage.md", super::object::RULE_PAGES);
    assert_eq!(object["file"], "a.yaml");
    assert_eq!(object["document"], 1);
    assert_eq!(object["namespace"], "team");
    assert_eq!(
        object["findings"][0],
        json!({"rule": "release-storage", "severity": "high", "path": "/spec/containers/0/args",
            "line": 12, "column": null, "message": "releases are recorded in ConfigMaps",
            "remedy": "set --storage=secret", "action": "harden",
            "documentation": page})
    );
    assert_eq!(
        object["tillers"][0],
        json!({"container": "tiller", "path": "/spec/containers/0", "version": "2.16.12",
            "starts": true,
            "effective": {"storage": "configmap", "listen": ":44134", "probe_listen": ":44135",
                "namespace": {"unknown": "the manifest names no namespace"}, "history_max": 0,
                "trace": false, "experimental_release": false,
                "tls": {"enabled": true, "verify": false, "key": "/etc/certs/tls.key",
                    "cert": "/etc/certs/tls.crt", "ca": "/etc/certs/ca.crt"}}})
    );
    assert_eq!(object["tillers"][1]["starts"], false);
    assert_eq!(
        object["tillers"][1]["exit_reason"],
        "flag provided but not defined: -x"
    );
    assert_eq!(written["objects"][1]["findings"], json!([]));
    assert_eq!(written["objects"][1]["tillers"], json!([]));
}

#[test]
fn text_is_what_a_person_reads() {
    let mut out = Vec::new();
    write_text(&report(), Style::Plain, &mut out).unwrap();
    let expected = "\
a.yaml:2: Pod team/x\\u{1b}[2J
  high     release-storage  /spec/containers/0/args (line 12)
           releases are recorded in ConfigMaps
           fix: set --storage=secret (hardened by `harden`)
  high     release-storage  /spec/containers/0/args
           releases are recorded in ConfigMaps
           fix: set --storage=secret (refused until fixed)
  Tiller \"tiller\", version 2.16.12: serves with
    storage              configmap
    listen               :44134
    probe-listen         :44135
    namespace            unknown: the manifest names no namespace
    history-max          0
    trace                off
    experimental-release off
    tls                  on
    tls-verify           off
    tls-key              /etc/certs/tls.key
    tls-cert             /etc/certs/tls.crt
    tls-ca-cert          /etc/certs/ca.crt
  Tiller \"tiller\", version 2.16.12: exits: flag provided but not defined: -x

a.yaml:40:2: document 3 cannot be read: did not find expected key

Secret team/web.v2: pending
  revision 2 of web is PENDING_UPGRADE
  fix: wait until it is done

note: release records in the cluster are unknown here; the webhook refuses a Tiller that would not see those of its namespace (storage-switch)
note: `tiller-guard explain RULE` explains a rule, as does PAGES/RULE.md
2 objects, 2 Tillers: 2 findings (1 to harden, 1 refused); 1 problem of release records; 1 could not be read
";
    let expected = expected.replace("PAGES", super::object::RULE_PAGES);
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn colours_change_nothing_but_colours() {
    let (mut plain, mut coloured) = (Vec::new(), Vec::new());
    write_text(&report(), Style::Plain, &mut plain).unwrap();
    write_text(&report(), Style::Coloured, &mut coloured).unwrap();
    let mut stripped = String::from_utf8(coloured).unwrap();
    for code in ["1;31", "31", "33", "36", "1", "2", "0"] {
        stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(stripped, String::from_utf8(plain).unwrap());
}
