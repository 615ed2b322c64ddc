//! The same pod gets the same verdict: whatever carries it, in whatever version of the API, in whatever list
//! its Tiller stands, whether it is created or updated.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Answer, Decision, Webhook, answer};
use tiller_guard::policy::{APIS, Context, Policy, Timestamp, WorkloadKind};

use super::{ask, response};
use crate::policy::corpus::{Case, canonical, cases, expanded};
use crate::policy::generate::object;

const OPERATIONS: [&str; 2] = ["CREATE", "UPDATE"];
static HARDENED: LazyLock<Value> = LazyLock::new(canonical);

/// What is found: the rule and the pointer to the place.
type RulePlaces = BTreeSet<(String, String)>;

/// Where a kind comes that carries a whole pod.
#[derive(Clone, Copy)]
struct Door {
    kind: WorkloadKind,
    group: &'static str,
    resource: &'static str,
}

/// Every group and version of every kind that carries a whole pod.
fn doors() -> impl Iterator<Item = (Door, &'static str)> {
    let workloads = APIS
        .iter()
        .filter_map(|api| Some((api, api.kind.workload()?)));
    let whole = workloads.filter(|(_, kind)| WorkloadKind::ALL.contains(kind));
    whole.flat_map(|(api, kind)| {
        let door = move || Door {
            kind,
            group: api.group,
            resource: api.resources[0],
        };
        api.versions.iter().map(move |version| (door(), *version))
    })
}

fn review(api: Door, version: &str, operation: &str, object: &Value) -> String {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("");
    let mut request = json!({
        "uid": "1",
        "kind": { "group": api.group, "version": version, "kind": api.kind.as_str() },
        "resource": { "group": api.group, "version": version, "resource": api.resource },
        "namespace": namespace,
        "operation": operation,
        "object": object,
        "oldObject": null,
    });
    if operation == "UPDATE" {
        // An update that leaves the pod as it is would pass.
        let mut old = HARDENED.clone();
        old["spec"]["template"]["spec"]["containers"][0]["image"] =
            json!("ghcr.io/helm/tiller:v2.16.1");
        request["oldObject"] = carried(api.kind, &old);
    }
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": request,
    })
    .to_string()
}

/// The pod of a Deployment in an object of a kind.
fn carried(kind: WorkloadKind, deployment: &Value) -> Value {
    let template = deployment["spec"]["template"].clone();
    object(kind, &deployment["metadata"], template)
}

/// What the case says is found in a Deployment, by the pointers of another kind.
fn said(case: &Case, kind: WorkloadKind) -> RulePlaces {
    found_in(case.finds.iter(), kind)
}

/// The same without what is reported alone, which no refusal tells.
fn refused(case: &Case, kind: WorkloadKind) -> RulePlaces {
    let lines = case.finds.iter();
    found_in(lines.filter(|line| !line.contains(" report ")), kind)
}

fn found_in<'c>(lines: impl Iterator<Item = &'c String>, kind: WorkloadKind) -> RulePlaces {
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let rule = words.next().unwrap();
            let path = expanded(words.nth(1).unwrap().trim_end_matches(':'));
            let path = match path.strip_prefix(WorkloadKind::Deployment.pod_pointer()) {
                Some(rest) => format!("{}{rest}", kind.pod_pointer()),
                None => path,
            };
            (rule.to_owned(), path)
        })
        .collect()
}

/// What a refusal tells: a line a rule, in it the findings with their paths.
fn told(answer: &Answer) -> RulePlaces {
    let response = response(answer);
    let Some(message) = response["status"]["message"].as_str() else {
        return RulePlaces::new();
    };
    let mut found = RulePlaces::new();
    for line in message.lines() {
        let (rule, findings) = line.split_once(": ").unwrap();
        for finding in findings.split(" | ") {
            let (path, _) = finding.split_once(": ").unwrap();
            found.insert((rule.to_owned(), path.to_owned()));
        }
    }
    found
}

fn rules(found: &RulePlaces) -> BTreeSet<&str> {
    found.iter().map(|(rule, _)| rule.as_str()).collect()
}

/// The answer with what the case says of the policy and the cluster.
fn ask_in(case: &Case, webhook: Webhook, review: &str) -> Answer {
    let policy = Policy {
        settings: case.settings(),
        ..Policy::default()
    };
    let knowledge = case.knowledge();
    let context = Context::new(Timestamp(0), &knowledge);
    answer(webhook, review.as_bytes(), &policy, &context).unwrap()
}

/// Whether a case is one of templates alone. A team's account comes too late into a bare Pod: the API server has
/// given it the token of another by then. And in a Pod the labels of the object are those of the pod.
fn is_of_templates(rule: &str, case: &Case) -> bool {
    let is = |line: &String| {
        line.starts_with("service-account harden") || line.contains(" template/metadata/labels/")
    };
    rule == "borrowed-account" || case.finds.iter().any(is)
}

/// Whether what may not be changed has something left to harden as it is stored: it is refused then.
fn is_final(case: &Case, (api, version): (Door, &str), operation: &str) -> bool {
    let stored = review(api, version, "CREATE", &carried(api.kind, &HARDENED));
    operation == "UPDATE"
        && matches!(api.kind, WorkloadKind::Pod | WorkloadKind::Job)
        && ask_in(case, Webhook::Mutate, &stored).decision == Decision::Hardened
}

fn agrees(
    case: &Case,
    deployment: &Value,
    (api, version): (Door, &str),
    operation: &str,
) -> Result<(), String> {
    let (said, refused_for) = (said(case, api.kind), refused(case, api.kind));
    let review = review(api, version, operation, &carried(api.kind, deployment));
    let refused = case.finds.iter().any(|line| line.contains(" refuse "));
    let is_tiller = deployment.to_string().contains("/tiller");
    let expected = |webhook| match webhook {
        _ if said.is_empty() && !is_tiller => Decision::Unconcerned,
        _ if said.is_empty() => Decision::Allowed,
        _ if refused_for.is_empty() => Decision::Warned,
        Webhook::Mutate if !refused && !is_final(case, (api, version), operation) => {
            Decision::Hardened
        }
        Webhook::Mutate | Webhook::Validate => Decision::Refused,
    };
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        let answer = ask_in(case, webhook, &review);
        let decided: BTreeSet<&str> = answer.rules.iter().copied().collect();
        if answer.decision != expected(webhook) || decided != rules(&said) {
            return Err(format!("{webhook:?}: {:?} {decided:?}", answer.decision));
        }
        if webhook == Webhook::Validate && told(&answer) != refused_for {
            return Err(format!("{:#?} is not {refused_for:#?}", told(&answer)));
        }
    }
    Ok(())
}

#[test]
fn each_case_is_judged_alike_in_every_kind_and_version() {
    let mut wrong = Vec::new();
    let mut judged = 0;
    for (rule, cases) in cases() {
        for case in cases {
            let deployment = case.manifest();
            for (api, version) in doors() {
                if api.kind == WorkloadKind::Pod && is_of_templates(rule, &case) {
                    continue;
                }
                for operation in OPERATIONS {
                    judged += 1;
                    let door = (api, version);
                    if let Err(error) = agrees(&case, &deployment, door, operation) {
                        let Door { kind, group, .. } = &api;
                        let name = &case.name;
                        wrong.push(format!(
                            "{rule}: {name}: {operation} {group}/{version} {kind:?}: {error}"
                        ));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(judged > 100 * 19 * 2, "only {judged}");
}

/// A pod whose Tiller was moved to another list, beside a container that is none.
fn moved(deployment: &Value, list: &str) -> Value {
    let mut deployment = deployment.clone();
    let pod = &mut deployment["spec"]["template"]["spec"];
    let tillers = pod["containers"].take();
    pod["containers"] = json!([{ "name": "web", "image": "web:1" }]);
    pod[list] = tillers;
    deployment
}

/// What is wrong with a Tiller is found in each list, and that it is not alone on top.
#[test]
fn each_case_is_judged_alike_in_every_list() {
    let container = "/spec/template/spec/containers/";
    let mut wrong = Vec::new();
    for (rule, cases) in cases() {
        // What other lists there are is what the first are about, and pods without a Tiller the second.
        let alike = !matches!(rule, "extra-containers" | "borrowed-account");
        for case in cases.iter().filter(|_| alike) {
            for list in ["initContainers", "ephemeralContainers"] {
                let extra = format!("/spec/template/spec/{list}");
                let mut expected: RulePlaces = refused(case, WorkloadKind::Deployment)
                    .into_iter()
                    .map(|(rule, path)| (rule, path.replace(container, &format!("{extra}/"))))
                    .collect();
                expected.insert(("extra-containers".to_owned(), extra));
                let object = moved(&case.manifest(), list);
                for operation in OPERATIONS {
                    let (api, version) = doors()
                        .find(|(api, _)| api.kind == WorkloadKind::Deployment)
                        .unwrap();
                    let review = review(api, version, operation, &object);
                    let validated = ask_in(case, Webhook::Validate, &review);
                    if told(&validated) != expected {
                        let (name, told) = (&case.name, told(&validated));
                        wrong.push(format!("{rule}: {name}: {list}: {told:#?} {expected:#?}"));
                    }
                    let mutated = ask_in(case, Webhook::Mutate, &review);
                    assert_eq!(mutated.decision, Decision::Refused, "{rule}: {}", case.name);
                    assert_eq!(mutated.rules, validated.rules);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A version that no Kubernetes has yet is judged as those that are known.
#[test]
fn a_version_still_to_come_is_judged() {
    for (api, _) in doors() {
        let mut object = carried(api.kind, &HARDENED);
        let host_network = format!("{}/hostNetwork", api.kind.pod_spec_pointer());
        let pod = object.pointer_mut(api.kind.pod_spec_pointer()).unwrap();
        pod["hostNetwork"] = json!(true);
        let refused = ask(Webhook::Mutate, &review(api, "v7", "CREATE", &object)).unwrap();
        let expected = [("host-access".to_owned(), host_network)].into();
        assert_eq!(told(&refused), expected);
    }
}

/// A Scale is a number: no pod, and no error.
#[test]
fn a_scale_passes() {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": { "group": "autoscaling", "version": "v1", "kind": "Scale" },
            "resource": { "group": "apps", "version": "v1", "resource": "deployments" },
            "subResource": "scale",
            "name": "tiller-deploy",
            "namespace": "team",
            "operation": "UPDATE",
            "object": {
                "kind": "Scale",
                "apiVersion": "autoscaling/v1",
                "metadata": { "name": "tiller-deploy", "namespace": "team" },
                "spec": { "replicas": 1 },
                "status": { "replicas": 0, "selector": "app=helm,name=tiller" },
            },
            "oldObject": { "kind": "Scale", "apiVersion": "autoscaling/v1" },
        },
    });
    for webhook in [Webhook::Mutate, Webhook::Validate] {
        for group in ["autoscaling", "extensions", "apps"] {
            let mut review = review.clone();
            review["request"]["kind"]["group"] = json!(group);
            let passed = ask(webhook, &review.to_string()).unwrap();
            assert_eq!(passed.decision, Decision::Unconcerned);
            assert_eq!(response(&passed), json!({ "uid": "1", "allowed": true }));
        }
    }
}
