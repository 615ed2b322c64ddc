//! `notTillers`: what an administrator says is no Tiller, and what that changes for others.

use std::sync::Arc;

use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::k8s::review::{Answer, Decision, Webhook, answer};
use tiller_guard::policy::rbac::Account;
use tiller_guard::policy::{
    Context, Evidence, Innocent, Knowledge, NotTiller, Policy, Settings, Timestamp, WorkloadKind,
    decide,
};

use super::corpus::canonical;
use super::generate::object;

fn settings(what: Innocent) -> Settings {
    let reason = "a machine".to_owned();
    Settings {
        not_tillers: vec![NotTiller { what, reason }],
        ..Settings::default()
    }
}

fn image(reference: &str) -> Settings {
    settings(Innocent::Image(reference.to_owned()))
}

fn named(kind: WorkloadKind, name: &str) -> Settings {
    let (namespace, name) = ("farm".to_owned(), name.to_owned());
    settings(Innocent::Workload {
        kind,
        namespace,
        name,
    })
}

/// A workload in the namespace `farm` with a container of this image.
fn machine(kind: WorkloadKind, name: &str, image: &str) -> Value {
    let pod = json!({
        "serviceAccountName": "farmer",
        "containers": [{ "name": "tiller", "image": image, "command": ["tiller", "-v"] }],
    });
    let metadata = json!({ "name": name, "namespace": "farm" });
    object(kind, &metadata, json!({ "metadata": {}, "spec": pod }))
}

fn is_tiller(object: &Value, kind: WorkloadKind, settings: &Settings) -> bool {
    let object = read(kind, object).unwrap();
    settings.takes_for_tiller(object.workload().unwrap())
}

#[test]
fn an_image_is_named_by_repository_tag_or_digest() {
    let deployment = machine(
        WorkloadKind::Deployment,
        "tiller",
        "registry.example.com/tools/tiller:v1",
    );
    for (reference, spared) in [
        ("registry.example.com/tools/tiller", true),
        ("registry.example.com/tools/tiller:v1", true),
        ("registry.example.com/tools/tiller:v2", false),
        ("registry.example.com/tools", false),
        ("example.com/tools/tiller", false),
    ] {
        let settings = image(reference);
        assert_eq!(
            is_tiller(&deployment, WorkloadKind::Deployment, &settings),
            !spared,
            "{reference}"
        );
    }
}

#[test]
fn the_labels_that_helms_client_looks_for_count_all_the_same() {
    let mut deployment = machine(WorkloadKind::Deployment, "tiller", "x/tiller:v1");
    deployment["spec"]["template"]["metadata"]["labels"] =
        json!({ "app": "helm", "name": "tiller" });
    assert!(is_tiller(
        &deployment,
        WorkloadKind::Deployment,
        &image("x/tiller")
    ));
}

#[test]
fn another_image_beside_it_is_judged() {
    let mut deployment = machine(WorkloadKind::Deployment, "tiller", "x/tiller:v1");
    let containers = deployment
        .pointer_mut("/spec/template/spec/containers")
        .unwrap();
    let tiller = json!({ "name": "b", "image": "ghcr.io/helm/tiller:v2.17.0" });
    containers.as_array_mut().unwrap().push(tiller);
    assert!(is_tiller(
        &deployment,
        WorkloadKind::Deployment,
        &image("x/tiller")
    ));
}

#[test]
fn a_workload_is_named_by_kind_namespace_and_name() {
    let deployment = machine(WorkloadKind::Deployment, "tiller", "x/tiller:v1");
    for (kind, name, spared) in [
        (WorkloadKind::Deployment, "tiller", true),
        (WorkloadKind::StatefulSet, "tiller", false),
        (WorkloadKind::Deployment, "tiller-2", false),
    ] {
        let settings = named(kind, name);
        assert_eq!(
            is_tiller(&deployment, WorkloadKind::Deployment, &settings),
            !spared,
            "{name}"
        );
    }
    let mut elsewhere = deployment;
    elsewhere["metadata"]["namespace"] = json!("team");
    assert!(is_tiller(
        &elsewhere,
        WorkloadKind::Deployment,
        &named(WorkloadKind::Deployment, "tiller")
    ));
}

/// What both webhooks decide when this user creates an object.
fn decided(user: &str, kind: WorkloadKind, object: &Value, settings: &Settings) -> [Decision; 2] {
    answers(user, kind, object, settings).map(|answer| answer.decision)
}

fn answers(user: &str, kind: WorkloadKind, object: &Value, settings: &Settings) -> [Answer; 2] {
    let group = if kind == WorkloadKind::Pod {
        ""
    } else {
        "apps"
    };
    let body = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "7",
            "kind": { "group": group, "version": "v1", "kind": kind.as_str() },
            "namespace": "farm",
            "operation": "CREATE",
            "userInfo": { "username": user },
            "object": object,
        },
    })
    .to_string();
    let policy = Policy {
        settings: settings.clone(),
        ..Policy::default()
    };
    let context = Context::at(Timestamp(0));
    [Webhook::Mutate, Webhook::Validate]
        .map(|webhook| answer(webhook, body.as_bytes(), &policy, &context).unwrap())
}

/// Who reads the API server's audit log sees why nothing was done.
#[test]
fn the_reason_is_in_the_answers_audit_annotations() {
    let machine = machine(WorkloadKind::Deployment, "tiller", "x/tiller:v1");
    let told = |settings: &Settings| {
        answers("ann", WorkloadKind::Deployment, &machine, settings).map(|answer| {
            let review: Value = serde_json::from_slice(&answer.body).unwrap();
            let annotations = &review["response"]["auditAnnotations"];
            assert_eq!(answer.record.is_some(), !annotations.is_null());
            (
                annotations["decision"].clone(),
                annotations["not-tiller"].clone(),
            )
        })
    };
    let expected = (json!("unconcerned"), json!("a machine"));
    for settings in [image("x/tiller"), named(WorkloadKind::Deployment, "tiller")] {
        assert_eq!(told(&settings), [expected.clone(), expected.clone()]);
    }
    let mut several = image("x/other");
    several.not_tillers.extend(image("x/tiller").not_tillers);
    assert_eq!(told(&several), [expected.clone(), expected]);
    let refused = (json!("refused"), Value::Null);
    assert_eq!(told(&image("x/other")), [refused.clone(), refused]);
}

/// A tenant may write any owner; a controller of Kubernetes' own makes what it owns.
#[test]
fn an_owner_counts_where_its_controller_makes_the_object() {
    let settings = named(WorkloadKind::Deployment, "tiller");
    let owned = |kind, name, owner: (&str, &str)| {
        let mut object = machine(kind, name, "x/tiller:v1");
        object["metadata"]["ownerReferences"] = json!([
            { "apiVersion": "apps/v1", "kind": owner.0, "name": owner.1, "controller": true }
        ]);
        object
    };
    let controller = "system:serviceaccount:kube-system:replicaset-controller";
    for (kind, object) in [
        (
            WorkloadKind::ReplicaSet,
            owned(
                WorkloadKind::ReplicaSet,
                "tiller-6f8",
                ("Deployment", "tiller"),
            ),
        ),
        (
            WorkloadKind::Pod,
            owned(
                WorkloadKind::Pod,
                "tiller-6f8-x2",
                ("ReplicaSet", "tiller-6f8"),
            ),
        ),
    ] {
        let by = |user| decided(user, kind, &object, &settings);
        assert_eq!(by(controller), [Decision::Unconcerned; 2]);
        assert_eq!(by("ann"), [Decision::Refused; 2]);
        assert_eq!(
            by("system:serviceaccount:farm:robot"),
            [Decision::Refused; 2]
        );
    }
}

/// The machine is known from the cluster, with its account; a team's Tiller comes.
#[test]
fn a_false_tiller_makes_no_second_one_and_no_account_a_tillers() {
    let machine = machine(WorkloadKind::Deployment, "machine", "x/tiller:v1");
    let machine = read(WorkloadKind::Deployment, &machine).unwrap();
    let evidence = Some(Arc::new(Evidence::of(machine.workload().unwrap())));
    let knowledge = Knowledge::default()
        .with_suspect(
            machine.workload().unwrap().tiller_use().unwrap(),
            evidence.clone(),
        )
        .with_suspect_pod("farm", "machine-6f8-x2", evidence);
    let mut tiller = canonical();
    tiller["metadata"]["namespace"] = json!("farm");
    let tiller = read(WorkloadKind::Deployment, &tiller).unwrap();
    let farmer = Account {
        namespace: "farm",
        name: "farmer",
    };
    let pod = "machine-6f8-x2";
    let judged = |settings: &Settings| {
        let context = Context::new(Timestamp(0), &knowledge);
        let verdict = decide(&tiller, settings, &context);
        let mut findings = verdict.findings.iter();
        let second = findings.any(|it| it.rule.id == "second-tiller");
        (second, knowledge.is_tiller_account(farmer, settings))
    };
    assert_eq!(judged(&Settings::default()), (true, true));
    assert_eq!(judged(&image("x/tiller")), (false, false));
    // Of the workload the Pod is another one, which its owner would tell.
    let by_name = named(WorkloadKind::Deployment, "machine");
    assert_eq!(judged(&by_name), (true, false), "{pod}");
}

/// Who wrote a pod that only looks like a Tiller has not run `helm init`.
#[test]
fn remedies_name_helm_init_to_those_who_know_it() {
    let remedies = |object: &Value| {
        let workload = read(WorkloadKind::Deployment, object).unwrap();
        let settings = Settings::default();
        let context = Context::at(Timestamp(0));
        let verdict = decide(&workload, &settings, &context);
        let remedies = verdict.findings.iter().map(|it| it.remedy.to_string());
        remedies.collect::<Vec<_>>().join("\n")
    };
    let mut other = machine(WorkloadKind::Deployment, "web", "x/tiller:v2.5.0");
    other["metadata"]["namespace"] = json!("default");
    other["spec"]["template"]["spec"]["serviceAccountName"] = Value::Null;
    let told = remedies(&other);
    assert!(
        !told.contains("helm init") && told.contains("notTillers"),
        "{told}"
    );
    let image = other.pointer_mut("/spec/template/spec/containers/0/image");
    *image.unwrap() = json!("ghcr.io/helm/tiller:v2.5.0");
    let told = remedies(&other);
    assert!(
        told.contains("to helm init") && !told.contains("notTillers"),
        "{told}"
    );
}
