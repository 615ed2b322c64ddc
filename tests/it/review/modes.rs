//! exceptions and the broken glass, as the API server sees them.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision, Webhook, answer};
use tiller_guard::policy::{
    Exception, Mode, People, Policy, Settings, Timestamp, WorkloadKind, rules,
};

use super::{DEPLOYMENTS, OTHERS, changed, in_mode, response};
use crate::policy::NOW;
use crate::policy::corpus::canonical;

const CONTROLLER: &str = "system:serviceaccount:kube-system:replicaset-controller";
const POD: &str = include_str!("../../data/reviews/1.20-pod-create.json");

fn ask(webhook: Webhook, body: &str, policy: &Policy) -> Answer {
    answer(webhook, body.as_bytes(), policy, &NOW).unwrap()
}

fn decided(body: &str, mode: Mode) -> [Decision; 2] {
    let policy = in_mode(mode);
    [Webhook::Mutate, Webhook::Validate].map(|webhook| ask(webhook, body, &policy).decision)
}

/// The recording as a Tiller that only a person can mend.
fn bad() -> String {
    changed(|review| {
        review["request"]["object"]["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    })
}

#[test]
fn audit_allows_without_a_patch_and_tells_the_audit_log() {
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        let audited = ask(webhook, &bad(), &in_mode(Mode::Audit));
        assert_eq!(audited.decision, Decision::Audited);
        assert!(audited.rules.contains(&"host-access"));
        assert!(audited.record.is_some());
        let response = response(&audited);
        assert_eq!(response["allowed"], true);
        for absent in ["patch", "warnings", "status"] {
            assert_eq!(response.get(absent), None);
        }
        let annotations = &response["auditAnnotations"];
        assert_eq!(annotations["decision"], "audited");
        let findings = annotations["findings"].as_str().unwrap();
        assert!(
            findings.lines().any(|line| line
                == "host-access: /spec/template/spec/hostNetwork: the pod's containers see the \
                    node's network; remove hostNetwork"),
            "{findings}"
        );
        assert!(findings.contains("\ntls-disabled: "), "{findings}");
    }
}

#[test]
fn warn_tells_findings_and_applies_nothing() {
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        let warned = ask(webhook, &bad(), &in_mode(Mode::Warn));
        assert_eq!(warned.decision, Decision::Warned);
        let response = response(&warned);
        assert_eq!(response["allowed"], true);
        assert_eq!(response.get("patch"), None);
        let warnings = response["warnings"].as_array().unwrap();
        for said in [
            "tiller-guard would refuse host-access: the pod's containers see the node's network",
            "tiller-guard would harden tls-disabled: Tiller serves without TLS to everyone who reaches port 44134",
        ] {
            assert!(warnings.contains(&json!(said)), "{warnings:?}");
        }
    }
}

#[test]
fn a_namespace_may_have_a_mode_of_its_own() {
    let body = bad();
    let review: Value = serde_json::from_str(&body).unwrap();
    let namespace = review["request"]["namespace"].as_str().unwrap();
    let mut policy = in_mode(Mode::Audit);
    policy
        .modes
        .namespaces
        .insert(namespace.to_owned(), Mode::Enforce);
    let refused = ask(Webhook::Mutate, &body, &policy);
    assert_eq!(refused.decision, Decision::Refused);
    policy.modes.namespaces = [("elsewhere".to_owned(), Mode::Enforce)].into();
    assert_eq!(
        ask(Webhook::Mutate, &body, &policy).decision,
        Decision::Audited
    );
}

fn message(answer: &Answer) -> String {
    let message = &response(answer)["status"]["message"];
    message.as_str().unwrap().to_owned()
}

#[test]
fn freeze_refuses_a_new_tiller_in_its_own_words() {
    for (_, _, body) in DEPLOYMENTS {
        assert_eq!(decided(body, Mode::Freeze), [Decision::Refused; 2]);
        let refused = ask(Webhook::Mutate, body, &in_mode(Mode::Freeze));
        let said = "tiller-frozen: /spec/template/spec/containers/0: this namespace is frozen: no new Tiller is allowed; ";
        assert!(message(&refused).starts_with(said), "{}", message(&refused));
        assert_eq!(refused.rules[0], "tiller-frozen");
    }
    for body in OTHERS {
        assert_eq!(decided(body, Mode::Freeze), [Decision::Unconcerned; 2]);
    }
}

/// A Pod as a `ReplicaSet`'s controller makes it, changed.
fn made(user: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut review: Value = serde_json::from_str(POD).unwrap();
    let request = &mut review["request"];
    request["userInfo"] = json!({ "username": user });
    request["object"]["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "tiller-deploy-1", "uid": "1",
        "controller": true,
    }]);
    change(&mut request["object"]);
    review.to_string()
}

#[test]
fn what_is_there_may_restart_in_a_freeze() {
    let is_new = |body: &str| {
        let answer = ask(Webhook::Mutate, body, &in_mode(Mode::Freeze));
        answer.rules.contains(&"tiller-frozen")
    };
    for user in [CONTROLLER, "system:kube-controller-manager"] {
        assert!(!is_new(&made(user, |_| {})), "{user}");
        let hardened = made(user, |pod| {
            pod["spec"] = canonical()["spec"]["template"]["spec"].clone();
        });
        let mut hardened: Value = serde_json::from_str(&hardened).unwrap();
        hardened["request"]["namespace"] = canonical()["metadata"]["namespace"].clone();
        let decided = decided(&hardened.to_string(), Mode::Freeze);
        assert_eq!(decided, [Decision::Allowed; 2]);
    }
    for user in [
        "ada@example.com",
        "system:serviceaccount:team-a:replicaset-controller",
        "system:serviceaccount:kube-system:tiller",
        "system:serviceaccount:kube-system-controller",
    ] {
        assert!(is_new(&made(user, |_| {})), "{user}");
    }
    for (field, value) in [
        ("controller", json!(false)),
        ("kind", json!("Deployment")),
        ("apiVersion", json!("example.com/v1")),
    ] {
        let forged = made(CONTROLLER, |pod| {
            pod["metadata"]["ownerReferences"][0][field] = value;
        });
        assert!(is_new(&forged), "{field}");
    }
    let orphan = made(CONTROLLER, |pod| {
        pod["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("ownerReferences");
    });
    assert!(is_new(&orphan));
}

fn update(change: impl FnOnce(&mut Value)) -> String {
    changed(|review| {
        let request = &mut review["request"];
        request["operation"] = json!("UPDATE");
        request["oldObject"] = request["object"].clone();
        change(request);
    })
}

#[test]
fn a_freeze_lets_tillers_be_updated_and_nothing_become_one() {
    let same = update(|_| {});
    assert_eq!(decided(&same, Mode::Freeze)[0], Decision::Hardened);
    let becomes = update(|request| {
        request["oldObject"]["metadata"]["name"] = json!("web");
        request["oldObject"]["spec"]["template"] = json!({
            "spec": { "containers": [{ "name": "web", "image": "nginx:1" }] }
        });
    });
    assert_eq!(decided(&becomes, Mode::Freeze), [Decision::Refused; 2]);
    assert_eq!(decided(&becomes, Mode::Enforce)[0], Decision::Hardened);
    for old in [json!(null), json!({ "spec": [] })] {
        let unread = update(|request| request["oldObject"] = old);
        assert_eq!(decided(&unread, Mode::Freeze), [Decision::Refused; 2]);
    }
}

#[test]
fn forbid_refuses_every_tiller_and_names_helm_3() {
    for body in [DEPLOYMENTS[1].2, &update(|_| {}), &made(CONTROLLER, |_| {})] {
        assert_eq!(decided(body, Mode::Forbid), [Decision::Refused; 2]);
        let refused = ask(Webhook::Validate, body, &in_mode(Mode::Forbid));
        assert!(
            message(&refused).starts_with("tiller-forbidden: /spec"),
            "{}",
            message(&refused)
        );
        assert!(
            message(&refused).contains("use Helm 3"),
            "{}",
            message(&refused)
        );
    }
}

#[test]
fn a_tiller_may_always_be_scaled_to_zero_and_deleted() {
    let scaled = update(|request| request["object"]["spec"]["replicas"] = json!(0));
    let scaled_and_changed = update(|request| {
        request["object"]["spec"]["replicas"] = json!(0);
        request["object"]["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    });
    let leaving = update(|request| {
        request["oldObject"]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    let deleted = changed(|review| {
        review["request"]["operation"] = json!("DELETE");
        review["request"]["oldObject"] = review["request"]["object"].take();
    });
    let created_at_zero = changed(|review| {
        review["request"]["object"]["spec"]["replicas"] = json!(0);
    });
    for mode in Mode::ALL {
        for body in [&scaled, &leaving, &deleted] {
            assert_eq!(decided(body, mode), [Decision::Unconcerned; 2], "{body}");
        }
    }
    for body in [&scaled_and_changed, &created_at_zero] {
        assert_eq!(
            decided(body, Mode::Forbid),
            [Decision::Refused; 2],
            "{body}"
        );
    }
    let suspended = |value: bool| {
        let body = update(|request| {
            let template = request["object"]["spec"]["template"].clone();
            request["kind"] = json!({ "group": "batch", "version": "v1", "kind": "CronJob" });
            request["object"]["spec"] =
                json!({ "suspend": value, "jobTemplate": { "spec": { "template": template } } });
            request["oldObject"]["spec"] = request["object"]["spec"].clone();
        });
        decided(&body, Mode::Forbid)[1]
    };
    assert_eq!(suspended(true), Decision::Unconcerned);
    assert_eq!(suspended(false), Decision::Refused);
}

fn glass() -> Policy {
    Policy {
        break_glass: People {
            users: vec!["ada@example.com".to_owned()],
            groups: vec!["on-call".to_owned()],
        },
        ..Policy::default()
    }
}

fn asked_by(user: &Value, body: &str) -> String {
    let mut review: Value = serde_json::from_str(body).unwrap();
    review["request"]["userInfo"] = user.clone();
    review.to_string()
}

#[test]
fn who_may_break_the_glass_passes_on_the_record() {
    let user = json!({ "username": "ada@example.com" });
    let member = json!({ "username": "bob", "groups": ["system:authenticated", "on-call"] });
    for user in [user, member] {
        for webhook in [Webhook::Mutate, Webhook::Validate] {
            let passed = ask(webhook, &asked_by(&user, &bad()), &glass());
            assert_eq!(passed.decision, Decision::BreakGlass, "{user}");
            let response = response(&passed);
            assert_eq!(response["allowed"], true);
            assert_eq!(response.get("patch"), None);
            assert_eq!(response["auditAnnotations"]["decision"], "break-glass");
            let findings = response["auditAnnotations"]["findings"].as_str().unwrap();
            assert!(findings.contains("\nhost-access: "), "{findings}");
            assert_eq!(
                passed.record.unwrap().user,
                user["username"].as_str().unwrap()
            );
        }
    }
    for user in [
        json!({ "username": "Ada@example.com" }),
        json!({ "username": "on-call" }),
        json!({ "username": "bob", "groups": ["on-call-2", "ada@example.com"] }),
        json!({ "username": "bob", "groups": "on-call" }),
        json!({ "username": "bob", "groups": null }),
        json!({}),
    ] {
        let refused = ask(Webhook::Validate, &asked_by(&user, &bad()), &glass());
        assert_eq!(refused.decision, Decision::Refused, "{user}");
        assert!(message(&refused).contains("\nhost-access: "));
    }
}

/// What can be hardened is hardened for everyone: administrators install Tillers every day.
#[test]
fn hardening_needs_no_broken_glass() {
    let user = json!({ "username": "ada@example.com" });
    let body = asked_by(&user, DEPLOYMENTS[1].2);
    assert_eq!(
        ask(Webhook::Mutate, &body, &glass()).decision,
        Decision::Hardened
    );
    for (mode, decision) in [
        (Mode::Freeze, Decision::BreakGlass),
        (Mode::Forbid, Decision::BreakGlass),
        (Mode::Audit, Decision::Audited),
    ] {
        let policy = Policy {
            modes: in_mode(mode).modes,
            ..glass()
        };
        assert_eq!(ask(Webhook::Mutate, &body, &policy).decision, decision);
    }
}

#[test]
fn what_is_let_off_is_told_to_the_audit_log() {
    let review: Value = serde_json::from_str(&bad()).unwrap();
    let request = &review["request"];
    let exception = Exception {
        rule: rules().find(|rule| rule.id == "host-access").unwrap(),
        kind: WorkloadKind::Deployment.into(),
        namespace: request["namespace"].as_str().unwrap().to_owned(),
        name: request["object"]["metadata"]["name"]
            .as_str()
            .unwrap()
            .to_owned(),
        reason: "until\nticket 12".to_owned(),
        expires: Timestamp(1),
    };
    let policy = Policy {
        settings: Settings {
            exceptions: vec![exception],
            ..Settings::default()
        },
        ..Policy::default()
    };
    let hardened = ask(Webhook::Mutate, &bad(), &policy);
    assert_eq!(hardened.decision, Decision::Hardened);
    assert!(!hardened.rules.contains(&"host-access"));
    let reason = "until\u{fffd}ticket 12";
    assert_eq!(hardened.excepted, [("host-access", reason.to_owned())]);
    let annotations = &response(&hardened)["auditAnnotations"];
    assert_eq!(annotations["excepted"], format!("host-access: {reason}"));
}

#[test]
fn an_object_that_cannot_be_read_is_refused_only_where_tillers_are() {
    let body = changed(|review| {
        review["request"]["object"]["spec"]["template"]["spec"]["hostNetwork"] = json!("yes");
    });
    let of = |mode| ask(Webhook::Validate, &body, &in_mode(mode));
    assert_eq!(of(Mode::Enforce).decision, Decision::Refused);
    let warned = of(Mode::Warn);
    assert_eq!(warned.decision, Decision::Warned);
    let warning = response(&warned)["warnings"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let said = "tiller-guard would refuse this: the Deployment cannot be read: ";
    assert!(warning.starts_with(said), "{warning}");
    let audited = response(&of(Mode::Audit));
    assert_eq!(audited["allowed"], true);
    let findings = audited["auditAnnotations"]["findings"].as_str().unwrap();
    assert!(
        findings.starts_with("the Deployment cannot be read: "),
        "{findings}"
    );
}
