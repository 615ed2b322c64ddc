//! What is known of a cluster, from manifests.

use serde_json::Value;
use tiller_guard::k8s;
use tiller_guard::policy::custody::CustodyKind;
use tiller_guard::policy::rbac::{Account, RbacKind};
use tiller_guard::policy::team::Team;
use tiller_guard::policy::{
    Invitation, Knowledge, Object, ObjectKind, SecretRecords, TillerUse, WorkloadKind,
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
