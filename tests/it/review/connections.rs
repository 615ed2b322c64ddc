//! Reviews of connections.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision};
use tiller_guard::policy::{Context, Mode, People, Policy, Settings, Timestamp};

use super::{ask_both, in_mode, response};
use crate::policy::known::known;

/// What the API server sends before it connects somebody.
fn review(kind: &str, name: &str, user: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "7",
            "kind": { "group": "", "version": "v1", "kind": kind },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "subResource": "exec",
            "name": name,
            "namespace": "red",
            "operation": "CONNECT",
            "userInfo": user,
            "object": {
                "kind": kind,
                "apiVersion": "v1",
                "stdin": true,
                "stdout": true,
                "tty": true,
                "container": "c",
                "command": ["sh"],
            },
            "oldObject": null,
            "dryRun": false,
            "options": null,
        },
    })
}

fn ann() -> Value {
    json!({ "username": "ann", "groups": ["oidc:red", "system:authenticated"] })
}

fn ask_by(policy: &Policy, review: &Value) -> Answer {
    let pod = |name: &str| json!({ "kind": "TillerPod", "metadata": { "namespace": "red", "name": name } });
    let knowledge = known(&[
        pod("releases-7d9"),
        json!({
            "kind": "ConfigMap",
            "metadata": { "name": "red" },
            "data": { "tiller-namespace": "red", "service-account": "deployer", "groups": "oidc:red" },
        }),
    ]);
    let context = Context::new(Timestamp(0), &knowledge);
    ask_both(policy, review, &context)
}

fn ask(review: &Value) -> Answer {
    ask_by(&Policy::default(), review)
}

#[test]
fn a_command_in_a_tiller_is_refused_by_the_pods_name() {
    for kind in ["PodExecOptions", "PodAttachOptions"] {
        let answer = ask(&review(kind, "releases-7d9", &ann()));
        assert_eq!(
            (answer.decision, answer.operation, answer.kind),
            (Decision::Refused, "CONNECT", kind)
        );
        assert_eq!(answer.rules, ["tiller-exec"]);
        assert_eq!(answer.record.as_ref().unwrap().name, "releases-7d9");
        let message = response(&answer)["status"]["message"].to_string();
        assert!(
            message.contains("tiller-exec: exec or attach into Tiller's pod red/releases-7d9"),
            "{message}"
        );
    }
}

#[test]
fn a_command_in_another_pod_is_let_through_without_a_word() {
    let answer = ask(&review("PodExecOptions", "web", &ann()));
    assert_eq!(answer.decision, Decision::Unconcerned);
    assert_eq!(response(&answer), json!({ "uid": "7", "allowed": true }));
}

#[test]
fn the_team_reaches_its_tillers_ports_and_others_do_not() {
    for kind in [
        "PodPortForwardOptions",
        "PodProxyOptions",
        "ServiceProxyOptions",
    ] {
        let answer = ask(&review(kind, "tiller-deploy", &ann()));
        assert_eq!(answer.decision, Decision::Unconcerned, "{kind}");
        let answer = ask(&review(
            kind,
            "tiller-deploy",
            &json!({ "username": "bob" }),
        ));
        assert_eq!((answer.decision, answer.kind), (Decision::Refused, kind));
        assert_eq!(answer.rules, ["tiller-portforward"]);
    }
}

#[test]
fn whom_the_policy_lists_may_run_commands() {
    let policy = Policy {
        settings: Settings {
            exec: People {
                users: Vec::new(),
                groups: vec!["oidc:red".to_owned()],
            },
            ..Settings::default()
        },
        ..Policy::default()
    };
    let review = review("PodExecOptions", "releases-7d9", &ann());
    assert_eq!(ask_by(&policy, &review).decision, Decision::Unconcerned);
}

#[test]
fn a_command_goes_by_mode_and_broken_glass() {
    let review = review("PodExecOptions", "releases-7d9", &ann());
    let audit = in_mode(Mode::Audit);
    assert_eq!(ask_by(&audit, &review).decision, Decision::Audited);
    let broken = Policy {
        break_glass: People {
            users: vec!["ann".to_owned()],
            groups: Vec::new(),
        },
        ..Policy::default()
    };
    assert_eq!(ask_by(&broken, &review).decision, Decision::BreakGlass);
}

/// It may be an API server's that nobody knows yet, but it is a connection to somewhere.
#[test]
fn a_connection_without_options_is_refused() {
    let mut review = review("PodExecOptions", "web", &ann());
    review["request"]["object"] = Value::Null;
    let answer = ask(&review);
    assert_eq!(answer.decision, Decision::Refused);
    let message = response(&answer)["status"]["message"].to_string();
    assert!(message.contains("the request has no object"), "{message}");
}
