//! What the API server would never send.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tiller_guard::k8s::review::{
    BEGINNING, BadReview, Decision, Unjudged, Webhook, answer, deny_unjudged, deny_unread,
};
use tiller_guard::policy::Policy;

use crate::policy::NOW;

use super::{DEPLOYMENTS, OTHERS, ask, changed, response};

#[test]
fn bodies_that_are_no_review_are_bad() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{",
        "\u{feff}{}",
        "\0",
        r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#,
        r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}}"#,
        r#"{"apiVersion":"admission.k8s.io/v2","kind":"AdmissionReview","request":{"uid":"1"}}"#,
        r#"{"apiVersion":"v1","kind":"Pod","request":{"uid":"1"}}"#,
    ] {
        assert!(ask(Webhook::Validate, body).is_err(), "{body:?}");
    }
    let error = answer(
        Webhook::Validate,
        b"{\"a\":\"\xff\"}",
        &Policy::default(),
        &NOW,
    )
    .unwrap_err();
    assert!(matches!(error, BadReview::Encoding(_)));
    for cut in (0..DEPLOYMENTS[0].2.len()).step_by(7) {
        assert!(
            ask(Webhook::Mutate, &DEPLOYMENTS[0].2[..cut]).is_err(),
            "cut at {cut}"
        );
    }
}

/// The objects of these are passed over, written as the API server writes them.
#[test]
fn a_review_without_a_tiller_that_breaks_off_is_bad() {
    for other in OTHERS {
        let other = serde_json::from_str::<Value>(other).unwrap().to_string();
        assert_eq!(
            ask(Webhook::Validate, &other).unwrap().decision,
            Decision::Unconcerned
        );
        for cut in (0..other.len()).step_by(7) {
            assert!(
                ask(Webhook::Validate, &other[..cut]).is_err(),
                "cut at {cut}"
            );
        }
    }
}

#[test]
fn what_could_not_be_judged_is_denied_under_its_own_uid() {
    let body = br#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1",
        "request":{"operation":"CREATE","uid":"7","kind":{"kind":"Pod"},"object":{"deep":[1,{}]}}}"#;
    let denied: Value = serde_json::from_slice(&deny_unjudged(body).unwrap()).unwrap();
    let message = "tiller-guard failed to judge this object; its log says where";
    assert_eq!(
        denied,
        json!({
            "apiVersion": "admission.k8s.io/v1beta1",
            "kind": "AdmissionReview",
            "response": {
                "uid": "7",
                "allowed": false,
                "status": {
                    "status": "Failure", "reason": "InternalError", "message": message, "code": 500,
                },
            },
        })
    );
    for no_review in [&b"{}"[..], b"[", b"\xff"] {
        assert_eq!(deny_unjudged(no_review), None);
    }
}

#[test]
fn the_beginning_of_a_review_is_enough_to_deny_it() {
    for (name, version, review) in DEPLOYMENTS {
        let expected = serde_json::from_str::<Value>(review).unwrap();
        let deny = |end: usize| deny_unread(&review.as_bytes()[..end], Unjudged::Late);
        let enough = (0..review.len()).find(|end| deny(*end).is_some()).unwrap();
        assert!(enough < 200, "{name}: {enough}");
        for end in [enough, enough + 1, BEGINNING, review.len()] {
            let denied: Value = serde_json::from_slice(&deny(end).unwrap()).unwrap();
            let response = &denied["response"];
            assert_eq!(denied["apiVersion"], version);
            assert_eq!(response["uid"], expected["request"]["uid"]);
            assert_eq!(response["allowed"], false);
            assert_eq!(response["status"]["code"], 503);
        }
    }
}

#[test]
fn a_beginning_without_version_and_uid_is_not_answered() {
    let version = r#"{"apiVersion":"admission.k8s.io/v1","#;
    for rest in [
        "",
        r#""request":{"uid":"#,
        r#""request":{"uid":"705ab4f5"#,
        r#""request":{"uid":"","#,
        r#""request":{"uid":7,"#,
        r#""request":{"object":{"uid":"7"},"#,
        r#""uid":"7","#,
    ] {
        let beginning = format!("{version}{rest}");
        assert_eq!(
            deny_unread(beginning.as_bytes(), Unjudged::Busy),
            None,
            "{rest}"
        );
    }
    let other = br#"{"apiVersion":"v1","request":{"uid":"7","#;
    assert_eq!(deny_unread(other, Unjudged::Busy), None);
    // It may end within a character.
    let cut = b"{\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"7\",\"name\":\"\xc3";
    assert!(deny_unread(cut, Unjudged::TooLarge).is_some());
}

#[test]
fn a_malformed_object_is_refused_under_its_own_uid() {
    for (fields, reason) in [
        (
            r#""containers":"none""#,
            "spec.containers: expected a list, found a string",
        ),
        (
            r#""containers":[{"env":{}}]"#,
            "spec.containers[0].env: expected a list, found an object",
        ),
        (
            r#""containers":[{"image":1}]"#,
            "spec.containers[0].image: expected a string, found a number",
        ),
        (
            r#""hostNetwork":"yes""#,
            "spec.hostNetwork: expected true or false, found a string",
        ),
        (
            r#""securityContext":{"runAsUser":0},"securityContext":{"runAsUser":1}"#,
            "spec.securityContext: appears twice",
        ),
        (
            r#""securityContext":{"runAsUser":1},"securityContext":{"runAsUser":0}"#,
            "spec.securityContext: appears twice",
        ),
    ] {
        let body = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u-1",
            "kind":{{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE","namespace":"n",
            "object":{{"metadata":{{"name":"tiller"}},"spec":{{{fields}}}}}}}}}"#
        );
        let refused = ask(Webhook::Validate, &body).unwrap();
        assert_eq!(refused.decision, Decision::Refused, "{fields}");
        let response = response(&refused);
        assert_eq!(response["uid"], "u-1");
        assert_eq!(response["status"]["code"], 403);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.starts_with("the Pod cannot be read: "), "{message}");
        assert!(message.contains(reason), "{message}");
    }
}

#[test]
fn a_request_that_lacks_its_object_or_kind_is_refused() {
    for (lack, message) in [
        (
            "object",
            "the Deployment cannot be read: the request has no object",
        ),
        (
            "kind",
            "the request cannot be read: the request names no kind",
        ),
    ] {
        let body = changed(|review| {
            review["request"].as_object_mut().unwrap().remove(lack);
        });
        let refused = ask(Webhook::Validate, &body).unwrap();
        let response = response(&refused);
        assert_eq!(response["allowed"], false, "{lack}");
        let said = response["status"]["message"].as_str().unwrap();
        assert!(said.starts_with(message), "{said}");
    }
    let body = changed(|review| {
        review["request"].as_object_mut().unwrap().remove("uid");
    });
    assert_eq!(ask(Webhook::Validate, &body), Err(BadReview::Uid));
}

/// Nothing in such a review tells of a Tiller. An API server writes `null` only where something is deleted.
#[test]
fn a_write_without_an_object_is_refused_and_a_deletion_is_not() {
    for (kind, operation, allowed) in [
        ("Pod", "CREATE", false),
        ("Pod", "UPDATE", false),
        ("Deployment", "CREATE", false),
        ("Service", "CREATE", false),
        ("Pod", "DELETE", true),
        ("Event", "CREATE", true),
    ] {
        let group = if kind == "Deployment" { "apps" } else { "" };
        let body = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
                "uid": "u-1", "kind": { "group": group, "version": "v1", "kind": kind },
                "operation": operation, "namespace": "n", "userInfo": { "username": "ann" }, "object": null,
            },
        });
        for webhook in [Webhook::Mutate, Webhook::Validate] {
            let answer = ask(webhook, &body.to_string()).unwrap();
            let response = response(&answer);
            assert_eq!(response["allowed"], allowed, "{kind} {operation}");
            if !allowed {
                let expected = format!("the {kind} cannot be read: the request has no object");
                let said = response["status"]["message"].as_str().unwrap();
                assert!(said.starts_with(&expected), "{said}");
            }
        }
    }
}

#[test]
fn an_object_given_twice_is_bad() {
    let twice = DEPLOYMENTS[0]
        .2
        .replacen("\"object\":", "\"object\": null, \"object\":", 1);
    assert!(ask(Webhook::Validate, &twice).is_err());
}

#[test]
fn nesting_is_bounded_wherever_it_stands() {
    let nested = |depth: usize| {
        let annotation = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        changed(|review| review["request"]["options"] = json!("DEPTH"))
            .replace("\"DEPTH\"", &annotation)
    };
    // The review and its request are two levels.
    assert!(ask(Webhook::Validate, &nested(126)).is_ok());
    assert_eq!(ask(Webhook::Validate, &nested(127)), Err(BadReview::Depth));
    let started = Instant::now();
    assert_eq!(
        ask(Webhook::Validate, &nested(500_000)),
        Err(BadReview::Depth)
    );
    assert!(ask(Webhook::Validate, &"[".repeat(1_000_000)).is_err());
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn a_million_containers_are_refused_in_bounded_time_and_memory() {
    let body = changed(|review| {
        review["request"]["object"]["spec"]["template"]["spec"]["containers"] = json!("MANY");
    });
    let many = format!("[{}{{}}]", "{},".repeat(1_000_000));
    let body = body.replace("\"MANY\"", &many);
    let started = Instant::now();
    let refused = ask(Webhook::Validate, &body).unwrap();
    assert_eq!(refused.decision, Decision::Refused);
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert!(refused.body.len() < 4096);
}

/// As many Tillers, volumes and mounts as are read, each mount of a volume that comes last or not at all.
#[test]
fn the_largest_pod_that_is_read_is_judged_in_bounded_time() {
    let volumes: Vec<_> = (0..256)
        .map(|number| json!({ "name": format!("v{number}"), "secret": { "secretName": "tiller-tls", "defaultMode": 0 } }))
        .collect();
    let mounts: Vec<_> = (0..128)
        .map(|number| json!({ "name": "v255", "mountPath": format!("/m{number}") }))
        .collect();
    let container =
        json!({ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0", "volumeMounts": mounts });
    let body = changed(|review| {
        let pod = &mut review["request"]["object"]["spec"]["template"]["spec"];
        pod["volumes"] = volumes.into();
        pod["containers"] = vec![container; 128].into();
    });
    let started = Instant::now();
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        assert_eq!(ask(webhook, &body).unwrap().decision, Decision::Refused);
    }
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn findings_of_one_rule_are_told_in_bounded_length() {
    let body = changed(|review| {
        let variable = json!({ "name": "BAD", "value": "x" });
        review["request"]["object"]["spec"]["template"]["spec"]["containers"][0]["env"] =
            vec![variable; 4000].into();
    });
    let refused = ask(Webhook::Mutate, &body).unwrap();
    assert_eq!(refused.decision, Decision::Refused);
    assert!(refused.body.len() < 8192, "{} bytes", refused.body.len());
}

#[test]
fn ten_thousand_mutated_bodies_never_panic() {
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    use rand_bytes::mutate;

    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let mut random = runner.new_rng();
    for round in 0..10_000 {
        let mut body = DEPLOYMENTS[round % 3].2.as_bytes().to_vec();
        mutate(&mut body, &mut random);
        for webhook in [Webhook::Mutate, Webhook::Validate] {
            if let Ok(answer) = answer(webhook, &body, &Policy::default(), &NOW) {
                assert!(serde_json::from_slice::<Value>(&answer.body).is_ok());
            }
        }
    }
}

/// Damage as a line or a bug does it: bytes changed, cut out, doubled.
mod rand_bytes {
    use proptest::test_runner::TestRng;

    pub(super) fn mutate(body: &mut Vec<u8>, random: &mut TestRng) {
        for _ in 0..=below(random, 4) {
            let at = below(random, body.len());
            match below(random, 4) {
                0 => body[at] = u8::try_from(below(random, 256)).unwrap(),
                1 => body.truncate(at.max(1)),
                2 => drop(body.remove(at)),
                _ => {
                    let end = (at + below(random, 64)).min(body.len());
                    let piece = body[at..end].to_vec();
                    body.splice(at..at, piece);
                }
            }
            if body.is_empty() {
                return;
            }
        }
    }

    fn below(random: &mut TestRng, bound: usize) -> usize {
        use proptest::prelude::Rng as _;
        usize::try_from(random.next_u64() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}
