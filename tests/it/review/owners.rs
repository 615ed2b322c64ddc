//! Who makes a pod, and what that is worth.

use serde_json::{Value, json};
use tiller_guard::k8s::review::{Decision, Mode, Webhook, answer};
use tiller_guard::policy::rbac::Account;
use tiller_guard::policy::{
    Context, Exception, Knowledge, Policy, Settings, TillerUse, Timestamp, WorkloadKind, rules,
};

use super::in_mode;
use crate::policy::corpus::canonical;

const STATEFUL_SETS: &str = "system:serviceaccount:kube-system:statefulset-controller";
const REPLICA_SETS: &str = "system:serviceaccount:kube-system:replicaset-controller";

const OPENSHIFT: &str = include_str!("../../data/reviews/1.36-pod-create.json");

/// A hardened Tiller's pod that this user writes, owned by a workload.
fn pod(user: &str, owner: WorkloadKind, name: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut deployment = canonical();
    let mut object = deployment["spec"]["template"].take();
    object["metadata"]["name"] = json!(format!("{name}-0"));
    object["metadata"]["namespace"] = json!("tiller-world");
    object["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": owner.as_str(), "name": name, "uid": "1", "controller": true,
    }]);
    change(&mut object);
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "namespace": "tiller-world",
            "operation": "CREATE",
            "userInfo": { "username": user },
            "object": object,
        },
    })
    .to_string()
}

fn decided(body: &str, policy: &Policy, knowledge: &Knowledge) -> Decision {
    let context = Context::new(Timestamp(0), knowledge);
    let answer = answer(Webhook::Validate, body.as_bytes(), policy, &context);
    answer.unwrap().decision
}

/// Its controller makes pods of ControllerRevisions, which a tenant may write.
#[test]
fn in_a_freeze_a_stateful_set_restarts_only_where_it_is_known_for_a_tiller() {
    let policy = in_mode(Mode::Freeze);
    let known = Knowledge::default().with_tiller(TillerUse {
        account: Account {
            namespace: "tiller-world",
            name: "tiller",
        },
        kind: WorkloadKind::StatefulSet,
        workload: "tiller",
    });
    for (name, expected) in [("tiller", Decision::Allowed), ("web", Decision::Refused)] {
        let body = pod(STATEFUL_SETS, WorkloadKind::StatefulSet, name, |_| {});
        assert_eq!(decided(&body, &policy, &known), expected, "{name}");
    }
    let body = pod(STATEFUL_SETS, WorkloadKind::StatefulSet, "tiller", |_| {});
    let nothing = Knowledge::default();
    assert_eq!(decided(&body, &policy, &nothing), Decision::Refused);
    let body = pod(REPLICA_SETS, WorkloadKind::ReplicaSet, "tiller-1", |_| {});
    assert_eq!(decided(&body, &policy, &nothing), Decision::Allowed);
}

#[test]
fn a_forged_owner_lends_no_exception() {
    let policy = Policy {
        settings: Settings {
            exceptions: vec![Exception {
                rule: rules().find(|it| it.id == "host-access").unwrap(),
                kind: WorkloadKind::Deployment.into(),
                namespace: "tiller-world".to_owned(),
                name: "tiller-deploy".to_owned(),
                reason: "until the move".to_owned(),
                expires: Timestamp(1),
            }],
            ..Settings::default()
        },
        ..Policy::default()
    };
    for (user, expected) in [
        (REPLICA_SETS, Decision::Allowed),
        ("system:kube-controller-manager", Decision::Allowed),
        ("ann", Decision::Refused),
        (
            "system:serviceaccount:kube-system:evil-controller",
            Decision::Refused,
        ),
        (
            "system:serviceaccount:tiller-world:replicaset-controller",
            Decision::Refused,
        ),
    ] {
        let body = pod(user, WorkloadKind::ReplicaSet, "tiller-deploy-7d4", |pod| {
            pod["spec"]["hostNetwork"] = json!(true);
        });
        let decision = decided(&body, &policy, &Knowledge::default());
        assert_eq!(decision, expected, "{user}");
    }
}

/// Before Kubernetes 1.24: what a controller makes has it from the API server; what somebody else writes is looked up.
#[test]
fn a_token_secret_is_one_that_the_account_lists() {
    let mount = |pod: &mut Value| {
        let spec = &mut pod["spec"];
        spec["volumes"]
            .as_array_mut()
            .unwrap()
            .push(json!({ "name": "token", "secret": { "secretName": "tiller-token-x7k2p" } }));
        spec["containers"][0]["volumeMounts"].as_array_mut().unwrap().push(json!({
            "name": "token", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true,
        }));
    };
    let account = Account {
        namespace: "tiller-world",
        name: "tiller",
    };
    let cluster = Knowledge::default().of_cluster();
    let theirs = cluster.with_token_secrets(account, &["tiller-token-x7k2p"]);
    let others = cluster.with_token_secrets(account, &["tiller-token-aaaaa"]);
    let made = pod(REPLICA_SETS, WorkloadKind::ReplicaSet, "tiller-1", mount);
    let written = pod("ann", WorkloadKind::ReplicaSet, "tiller-1", mount);
    let policy = Policy::default();
    for (body, knowledge, expected) in [
        (&made, &cluster, Decision::Allowed),
        (&written, &cluster, Decision::Refused),
        (&written, &theirs, Decision::Allowed),
        (&written, &others, Decision::Refused),
    ] {
        assert_eq!(decided(body, &policy, knowledge), expected);
    }
}

/// The recording is of an API server with OpenShift's changes, which mounts the CA of OpenShift's Services beside the token.
#[test]
fn a_token_directory_may_hold_the_ca_of_openshifts_services_under_its_own_name() {
    let recorded: Value = serde_json::from_str(OPENSHIFT).unwrap();
    let volumes = &recorded["request"]["object"]["spec"]["volumes"];
    let mut volumes = volumes.as_array().unwrap().iter();
    let token = volumes.find(|it| it.get("projected").is_some()).unwrap();
    assert!(
        token.to_string().contains("openshift-service-ca.crt"),
        "{token}"
    );
    let with = |change: &dyn Fn(&mut Value)| {
        let mut token = token.clone();
        let sources = token["projected"]["sources"].as_array_mut().unwrap();
        let map = sources.iter_mut().map(|it| &mut it["configMap"]);
        change(map.filter(|it| !it.is_null()).last().unwrap());
        let body = pod(REPLICA_SETS, WorkloadKind::ReplicaSet, "tiller-1", |pod| {
            let name = token["name"].clone();
            let spec = &mut pod["spec"];
            spec["volumes"].as_array_mut().unwrap().push(token.clone());
            spec["containers"][0]["volumeMounts"].as_array_mut().unwrap().push(json!({
                "name": name, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": true,
            }));
        });
        decided(&body, &Policy::default(), &Knowledge::default())
    };
    assert_eq!(with(&|_| {}), Decision::Allowed);
    for change in [
        &|map: &mut Value| map["name"] = json!("openshift-service-ca"),
        &|map: &mut Value| map["items"][0]["path"] = json!("ca.crt"),
        &|map: &mut Value| map["items"] = json!([]),
    ] as [&dyn Fn(&mut Value); 3]
    {
        assert_eq!(with(change), Decision::Refused);
    }
}
