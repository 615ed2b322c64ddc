//! What the API server sends, and what it is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tiller_guard::k8s::review::{Decision, Webhook};

use super::{DEPLOYMENTS, OTHERS, ask, bare_pod, changed, response};

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
                "\nrelease-storage: /spec/template/spec/containers/0: Tiller keeps releases, with their values, in ConfigMaps; set --storage=secret\n"
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
            "protected-namespace: /metadata/namespace: Tiller may not run in the protected namespace kube-system; create a namespace for the team and pass --tiller-namespace NAMESPACE to helm init",
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
        &"tiller-guard hardened tls-disabled: Tiller serves without TLS to everyone who reaches port 44134"
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
        request["object"]["spec"]["replicas"] = json!(3);
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
fn what_may_not_be_changed_any_more_is_not_patched() {
    let pod = bare_pod();
    let job = changed(|review| {
        review["request"]["kind"] = json!({ "group": "batch", "version": "v1", "kind": "Job" });
    });
    for body in [&pod, &job] {
        let patch = |body: &str| {
            let answer = ask(Webhook::Mutate, body).unwrap();
            response(&answer).get("patch").cloned()
        };
        assert!(patch(body).is_some(), "{body}");
        let update = body.replace("\"CREATE\"", "\"UPDATE\"");
        assert_eq!(patch(&update), None, "{update}");
        let validated = ask(Webhook::Validate, &update).unwrap();
        assert_eq!(validated.decision, Decision::Refused);
    }
}

/// `kubectl apply` of the manifest that it came from undoes the hardening of what is stored.
#[test]
fn what_may_not_be_changed_any_more_is_hardened_again() {
    let pod: Value = serde_json::from_str(&bare_pod()).unwrap();
    let stored = {
        let answer = ask(Webhook::Mutate, &pod.to_string()).unwrap();
        hardened(&pod, &response(&answer))
    };
    let mut update = pod;
    update["request"]["operation"] = json!("UPDATE");
    update["request"]["oldObject"] = stored.clone();
    let answer = ask(Webhook::Mutate, &update.to_string()).unwrap();
    assert_eq!(answer.decision, Decision::Hardened);
    assert_eq!(hardened(&update, &response(&answer)), stored);
    // What the mutating webhook did not see is refused.
    let validated = ask(Webhook::Validate, &update.to_string()).unwrap();
    assert_eq!(validated.decision, Decision::Refused);
}

/// The object of a review with the patch of the response.
fn hardened(review: &Value, response: &Value) -> Value {
    let patch = BASE64.decode(response["patch"].as_str().unwrap()).unwrap();
    let patch: json_patch::Patch = serde_json::from_slice(&patch).unwrap();
    let mut object = review["request"]["object"].clone();
    json_patch::patch(&mut object, &patch).unwrap();
    object
}
