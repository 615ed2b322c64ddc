//! The review codec without a socket: what the API server sends, and what it never would.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, BadReview, Decision, Webhook, answer};
use tiller_guard::policy::Settings;

const DEPLOYMENTS: [(&str, &str, &str); 3] = [
    (
        "1.10",
        "admission.k8s.io/v1beta1",
        include_str!("../data/reviews/1.10-deployment-create.json"),
    ),
    (
        "1.20",
        "admission.k8s.io/v1",
        include_str!("../data/reviews/1.20-deployment-create.json"),
    ),
    (
        "1.36",
        "admission.k8s.io/v1",
        include_str!("../data/reviews/1.36-deployment-create.json"),
    ),
];
const OTHERS: [&str; 2] = [
    include_str!("../data/reviews/1.10-other-pod-create.json"),
    include_str!("../data/reviews/1.20-other-pod-create.json"),
];

fn ask(webhook: Webhook, body: &str) -> Result<Answer, BadReview> {
    answer(webhook, body.as_bytes(), &Settings::default())
}

fn response(answer: &Answer) -> Value {
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(review["kind"], "AdmissionReview");
    review["response"].clone()
}

/// The 1.20 recording, changed.
fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut review: Value = serde_json::from_str(DEPLOYMENTS[1].2).unwrap();
    change(&mut review);
    review.to_string()
}

#[test]
fn each_recorded_helm_init_is_hardened_and_then_admitted() {
    for (server, version, body) in DEPLOYMENTS {
        let hardened = ask(Webhook::Mutate, body).unwrap();
        assert_eq!(hardened.decision, Decision::Hardened, "{server}");
        let review: Value = serde_json::from_slice(&hardened.body).unwrap();
        assert_eq!(review["apiVersion"], version);
        let response = response(&hardened);
        let mut request: Value = serde_json::from_str(body).unwrap();
        assert_eq!(response["uid"], request["request"]["uid"], "{server}");
        assert_eq!(response["allowed"], true);
        assert_eq!(response["patchType"], "JSONPatch");
        let patch = BASE64.decode(response["patch"].as_str().unwrap()).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
        json_patch::patch(&mut request["request"]["object"], &patch).unwrap();

        let admitted = ask(Webhook::Validate, &request.to_string()).unwrap();
        assert_eq!(admitted.decision, Decision::Allowed, "{server}");
        let again = ask(Webhook::Mutate, &request.to_string()).unwrap();
        assert_eq!(again.decision, Decision::Allowed, "{server}");
    }
}

#[test]
fn the_validator_refuses_what_was_not_hardened_and_sends_no_patch() {
    for (server, _, body) in DEPLOYMENTS {
        let refused = ask(Webhook::Validate, body).unwrap();
        assert_eq!(refused.decision, Decision::Refused, "{server}");
        let response = response(&refused);
        assert_eq!(response["allowed"], false);
        assert_eq!(response["status"]["status"], "Failure");
        assert_eq!(response["status"]["reason"], "Forbidden");
        assert_eq!(response["status"]["code"], 403);
        assert_eq!(response.get("patch"), None);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(
            message.contains(
                "\nrelease-storage: /spec/template/spec/containers/0: releases, with \
                the values they were made with, are kept in ConfigMaps; set --storage=secret\n"
            ),
            "{message}"
        );
    }
}

#[test]
fn other_pods_are_let_through_without_a_word() {
    for body in OTHERS {
        for webhook in [Webhook::Mutate, Webhook::Validate] {
            let allowed = ask(webhook, body).unwrap();
            assert_eq!(allowed.decision, Decision::Unconcerned);
            assert_eq!(allowed.record, None);
            let request: Value = serde_json::from_str(body).unwrap();
            let uid = &request["request"]["uid"];
            assert_eq!(response(&allowed), json!({ "uid": uid, "allowed": true }));
        }
    }
}

#[test]
fn a_refusal_has_one_line_a_rule_with_path_and_remedy() {
    let body = changed(|review| {
        review["request"]["namespace"] = json!("kube-system");
        let pod = &mut review["request"]["object"]["spec"]["template"]["spec"];
        pod["hostNetwork"] = json!(true);
        pod["hostPID"] = json!(true);
        pod["containers"][0]["env"][0]["value"] = json!("kube-system");
    });
    let refused = ask(Webhook::Mutate, &body).unwrap();
    assert_eq!(
        response(&refused)["status"]["message"]
            .as_str()
            .unwrap()
            .lines()
            .collect::<Vec<_>>(),
        [
            "protected-namespace: /metadata/namespace: no Tiller may run in the namespace \
             kube-system; make a namespace for the team and pass --tiller-namespace NAMESPACE to \
             helm init",
            "host-access: /spec/template/spec/hostNetwork: the pod's containers see the node's \
             network; remove hostNetwork | /spec/template/spec/hostPID: the pod's containers see \
             the node's processes; remove hostPID",
        ]
    );
    assert_eq!(
        response(&refused)["auditAnnotations"]["decision"],
        "refused"
    );
}

#[test]
fn what_a_manifest_says_cannot_forge_a_line() {
    let body = changed(|review| {
        let container =
            &mut review["request"]["object"]["spec"]["template"]["spec"]["containers"][0];
        container["image"] = json!("a\nfine: /x: all is well; nothing\u{7}:v2.17.0");
    });
    let refused = ask(Webhook::Mutate, &body).unwrap();
    let response = response(&refused);
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.lines().all(|line| !line.starts_with("fine")),
        "{message}"
    );
    assert!(!message.contains('\u{7}'));
}

#[test]
fn warnings_stay_within_the_api_servers_limits() {
    let hardened = ask(Webhook::Mutate, DEPLOYMENTS[1].2).unwrap();
    let response = response(&hardened);
    let warnings: Vec<_> = response["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    assert!(warnings.contains(
        &"tiller-guard hardened tls-disabled: Tiller serves plaintext to whoever reaches port 44134"
    ));
    assert!(
        warnings
            .iter()
            .all(|warning| warning.chars().count() <= 256)
    );
    assert!(
        warnings
            .iter()
            .map(|warning| warning.chars().count())
            .sum::<usize>()
            <= 4096
    );
}

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
    let error = answer(Webhook::Validate, b"{\"a\":\"\xff\"}", &Settings::default()).unwrap_err();
    assert!(matches!(error, BadReview::Encoding(_)));
    for cut in (0..DEPLOYMENTS[0].2.len()).step_by(7) {
        assert!(
            ask(Webhook::Mutate, &DEPLOYMENTS[0].2[..cut]).is_err(),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_malformed_object_is_refused_under_its_own_uid() {
    for (fields, reason) in [
        (r#""containers":"none""#, "a list of at most 512 elements"),
        (
            r#""containers":[{"env":{}}]"#,
            "a list of at most 4096 elements",
        ),
        (r#""containers":[{"image":1}]"#, "expected a string"),
        (r#""hostNetwork":"yes""#, "expected a boolean"),
        (
            r#""securityContext":{"runAsUser":0},"securityContext":{"runAsUser":1}"#,
            "duplicate field",
        ),
        (
            r#""securityContext":{"runAsUser":1},"securityContext":{"runAsUser":0}"#,
            "duplicate field",
        ),
    ] {
        let body = format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"u-1",
            "kind":{{"group":"","version":"v1","kind":"Pod"}},"operation":"CREATE","namespace":"n",
            "object":{{"metadata":{{"name":"p"}},"spec":{{{fields}}}}}}}}}"#
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

#[test]
fn the_order_of_fields_does_not_matter() {
    // serde_json's map keeps the order given: the object first, its kind last.
    let original: Value = serde_json::from_str(DEPLOYMENTS[1].2).unwrap();
    let mut fields: Vec<_> = original["request"]
        .as_object()
        .unwrap()
        .clone()
        .into_iter()
        .collect();
    fields.reverse();
    let mut reversed = original.clone();
    reversed["request"] = fields.into_iter().collect();
    let said = |body: &Value| ask(Webhook::Mutate, &body.to_string()).unwrap();
    assert_eq!(said(&reversed), said(&original));
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
        started.elapsed() < Duration::from_secs(2),
        "{:?}",
        started.elapsed()
    );
    assert!(refused.body.len() < 4096);
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
fn an_object_on_its_way_out_may_lose_its_finalizers() {
    let update = |change: &dyn Fn(&mut Value)| {
        changed(|review| {
            let request = &mut review["request"];
            request["operation"] = json!("UPDATE");
            request["oldObject"] = request["object"].clone();
            request["oldObject"]["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
            change(request);
        })
    };
    let leaving = |request: &mut Value| {
        request["oldObject"]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    };
    let decided = |body: &str| ask(Webhook::Validate, body).unwrap().decision;
    assert_eq!(decided(&update(&leaving)), Decision::Unconcerned);
    // A deletion time that the user writes does not count, nor one with another pod beside it.
    let claimed = update(&|request: &mut Value| {
        request["object"]["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    });
    assert_eq!(decided(&claimed), Decision::Refused);
    let changed = update(&|request: &mut Value| {
        leaving(request);
        request["object"]["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    });
    assert_eq!(decided(&changed), Decision::Refused);
}

#[test]
fn an_update_is_judged_as_a_creation_is() {
    let body = changed(|review| {
        review["request"]["operation"] = json!("UPDATE");
        review["request"]["oldObject"] = review["request"]["object"].clone();
    });
    assert_eq!(
        ask(Webhook::Mutate, &body).unwrap().decision,
        Decision::Hardened
    );
    assert_eq!(
        ask(Webhook::Validate, &body).unwrap().decision,
        Decision::Refused
    );
}

#[test]
fn a_stored_pod_is_not_patched() {
    let body =
        include_str!("../data/reviews/1.20-pod-create.json").replace("\"CREATE\"", "\"UPDATE\"");
    let answer = ask(Webhook::Mutate, &body).unwrap();
    assert_eq!(response(&answer).get("patch"), None);
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
            if let Ok(answer) = answer(webhook, &body, &Settings::default()) {
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
