//! What is known of a cluster, from manifests.

use serde_json::{Value, json};
use tiller_guard::k8s;
use tiller_guard::policy::custody::CustodyKind;
use tiller_guard::policy::rbac::{Account, RbacKind};
use tiller_guard::policy::team::Team;
use tiller_guard::policy::{
    Innocent, Invitation, Knowledge, NotTiller, Object, ObjectKind, SecretRecords, Settings,
    TillerUse, WorkloadKind,
};

/// What these objects tell: roles, bindings, what Namespaces and service accounts ask of injectors, teams as ConfigMaps, Secrets with certificates, `{kind: Tiller, account: NAMESPACE/NAME}` with a
/// `workload: KIND/NAME` other than Deployment/tiller-deploy, and by
/// their names `TillerPod`, `TillerService` and `ReleaseRecord`, `{kind: SecretRecords, records: COUNT}` of a namespace,
/// and `{kind: AccountUser, account: NAMESPACE/NAME, pod: NAME}`.
pub(crate) fn known(objects: &[Value]) -> Knowledge {
    known_beside(Knowledge::default(), objects)
}

/// What is known beside this.
pub(crate) fn known_beside(knowledge: Knowledge, objects: &[Value]) -> Knowledge {
    let learn = |knowledge, object| with(&knowledge, object);
    objects.iter().fold(knowledge, learn)
}

/// What is known after this object came.
pub(crate) fn with(knowledge: &Knowledge, object: &Value) -> Knowledge {
    let named = |field: &str| object["metadata"][field].as_str().unwrap();
    match object["kind"].as_str().unwrap() {
        "TillerPod" => knowledge.with_tiller_pod(named("namespace"), named("name")),
        "ReleaseRecord" => knowledge.with_release_record(named("namespace"), named("name")),
        "SecretRecords" => {
            let records = object["records"].as_u64();
            let records = records.map_or(SecretRecords::Unreadable, |records| {
                SecretRecords::Counted(records.try_into().unwrap())
            });
            knowledge.with_secret_records(named("namespace"), records)
        }
        "AccountUser" => {
            let user = account(object["account"].as_str().unwrap());
            knowledge.with_account_user(user, object["pod"].as_str())
        }
        "Namespace" => {
            let invitations = Invitation::all_of("Namespace", object);
            knowledge.with_invitations_in(named("name"), invitations)
        }
        "ServiceAccount" => {
            let invitations = Invitation::all_of("ServiceAccount", object);
            let (namespace, name) = (named("namespace"), named("name"));
            knowledge.with_invitations_of(Account { namespace, name }, invitations)
        }
        "TillerService" => knowledge.with_tiller_service(named("namespace"), named("name")),
        "Secret" => {
            let mut secret = k8s::read(CustodyKind::Secret, object).unwrap();
            secret.place_in(named("namespace").into());
            knowledge.with(&secret)
        }
        "ConfigMap" => knowledge.with_team(team(object)),
        "Tiller" => {
            let workload = object["workload"].as_str();
            let (kind, workload) = workload
                .unwrap_or("Deployment/tiller-deploy")
                .split_once('/')
                .unwrap();
            let kind = WorkloadKind::ALL.into_iter().find(|it| it.as_str() == kind);
            knowledge.with_tiller(TillerUse {
                account: account(object["account"].as_str().unwrap()),
                kind: kind.unwrap(),
                workload,
            })
        }
        _ => knowledge.with(&read(object)),
    }
}

/// The account of a text `NAMESPACE/NAME`.
pub(crate) fn account(text: &str) -> Account<'_> {
    let (namespace, name) = text.split_once('/').unwrap();
    Account { namespace, name }
}

/// A role or binding.
pub(crate) fn read(object: &Value) -> Object<'_> {
    let name = object["kind"].as_str().unwrap();
    let kind = ObjectKind::find(RbacKind::GROUP, name).unwrap();
    k8s::read(kind, object).unwrap()
}

fn team(object: &Value) -> Team {
    let data = object["data"].as_object().unwrap();
    let data = data
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str().unwrap()));
    Team::read(object["metadata"]["name"].as_str().unwrap(), data).unwrap()
}

/// What carries a Tiller, made by this owner.
fn carrier(kind: &str, name: &str, owner: Option<[&str; 2]>) -> Value {
    let pod =
        json!({ "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] });
    let owners =
        owner.map(|[kind, name]| json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "controller": true }]));
    let spec = if kind == "Pod" {
        pod
    } else {
        json!({ "template": { "spec": pod } })
    };
    json!({
        "kind": kind,
        "metadata": { "name": name, "namespace": "veterans", "ownerReferences": owners },
        "spec": spec,
    })
}

/// With the account `default` too.
#[test]
fn a_tiller_is_one_however_many_objects_carry_it() {
    let carriers = [
        (WorkloadKind::Deployment, "tiller-deploy", None),
        (
            WorkloadKind::ReplicaSet,
            "tiller-deploy-5c",
            Some(["Deployment", "tiller-deploy"]),
        ),
        (
            WorkloadKind::Pod,
            "tiller-deploy-5c-x",
            Some(["ReplicaSet", "tiller-deploy-5c"]),
        ),
        (WorkloadKind::Pod, "alone", None),
    ];
    let settings = Settings::default();
    let (mut knowledge, mut learned) = (Knowledge::default(), Vec::new());
    for (kind, name, owner) in carriers {
        let object = carrier(kind.as_str(), name, owner);
        let object = k8s::read(kind, &object).unwrap();
        let (known, kept) = knowledge.learn(&object);
        knowledge = known;
        learned.push(kept.unwrap());
    }
    assert_eq!(knowledge.tiller_count(&settings), 2);
    // A Pod whose Deployment is gone still runs.
    let orphaned = knowledge.without(&learned[0]).without(&learned[1]);
    assert_eq!(orphaned.tiller_count(&settings), 2);
    let spared = Settings {
        not_tillers: vec![NotTiller {
            what: Innocent::Workload {
                kind: WorkloadKind::Pod,
                namespace: "veterans".to_owned(),
                name: "alone".to_owned(),
            },
            reason: "a tool".to_owned(),
        }],
        ..Settings::default()
    };
    assert_eq!(knowledge.tiller_count(&spared), 1);
    let nobody = learned
        .iter()
        .fold(knowledge, |knowledge, it| knowledge.without(it));
    assert_eq!(nobody, Knowledge::default());
}
