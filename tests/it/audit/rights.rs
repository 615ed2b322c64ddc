//! Each "can reach" is what the API server's own authorizer says.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use kube::Client;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::{audit, cluster};
use crate::cluster::User;

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// What each word of `can_reach` means: one of these rights, as verb, group and resource.
fn powers() -> Vec<(&'static str, Vec<[&'static str; 3]>)> {
    vec![
        ("everything", vec![["*", "*", "*"]]),
        (
            "read-secrets",
            vec![
                ["get", "", "secrets"],
                ["list", "", "secrets"],
                ["watch", "", "secrets"],
            ],
        ),
        (
            "write-secrets",
            vec![
                ["create", "", "secrets"],
                ["update", "", "secrets"],
                ["patch", "", "secrets"],
            ],
        ),
        ("run-pods", run_pods()),
        (
            "exec",
            vec![
                ["create", "", "pods/exec"],
                ["create", "", "pods/attach"],
                ["get", "", "pods/exec"],
            ],
        ),
        ("tokens", vec![["create", "", "serviceaccounts/token"]]),
        (
            "impersonate",
            vec![
                ["impersonate", "", "serviceaccounts"],
                ["impersonate", "", "users"],
                ["impersonate", "", "groups"],
            ],
        ),
        (
            "escalate",
            vec![
                ["escalate", RBAC, "roles"],
                ["escalate", RBAC, "clusterroles"],
            ],
        ),
        (
            "bind",
            vec![["bind", RBAC, "roles"], ["bind", RBAC, "clusterroles"]],
        ),
        (
            "write-bindings",
            vec![
                ["create", RBAC, "rolebindings"],
                ["create", RBAC, "clusterrolebindings"],
            ],
        ),
        (
            "namespaces",
            vec![
                ["create", "", "namespaces"],
                ["delete", "", "namespaces"],
                ["patch", "", "namespaces"],
            ],
        ),
        (
            "nodes",
            vec![
                ["patch", "", "nodes"],
                ["update", "", "nodes"],
                ["get", "", "nodes/proxy"],
                ["create", "", "nodes/proxy"],
            ],
        ),
        ("admission", webhooks()),
    ]
}

pub(super) fn run_pods() -> Vec<[&'static str; 3]> {
    let resources = [
        ["", "pods"],
        ["", "replicationcontrollers"],
        ["apps", "deployments"],
        ["apps", "replicasets"],
        ["apps", "statefulsets"],
        ["apps", "daemonsets"],
        ["batch", "jobs"],
        ["batch", "cronjobs"],
        ["extensions", "deployments"],
        ["extensions", "replicasets"],
        ["extensions", "daemonsets"],
    ];
    let verbs = ["create", "update", "patch"].into_iter();
    let rights = verbs.flat_map(|verb| resources.map(|[group, resource]| [verb, group, resource]));
    // The account of these never changes.
    rights
        .filter(|[verb, _, resource]| *verb == "create" || !matches!(*resource, "pods" | "jobs"))
        .collect()
}

fn webhooks() -> Vec<[&'static str; 3]> {
    let kinds = [
        "mutatingwebhookconfigurations",
        "validatingwebhookconfigurations",
    ];
    let verbs = ["update", "patch", "delete", "deletecollection"].into_iter();
    verbs
        .flat_map(|verb| kinds.map(|kind| [verb, ADMISSION, kind]))
        .collect()
}

/// Who asks: a user, and groups.
#[derive(Clone)]
pub(super) struct Who(String, Vec<String>);

impl Who {
    /// Somebody as `reached_by` names him.
    pub(super) fn named(text: &str) -> Self {
        match text.split_once(' ').unwrap() {
            ("User", name) => Self(name.to_owned(), Vec::new()),
            ("Group", name) => Self("aud-somebody".to_owned(), vec![name.to_owned()]),
            ("ServiceAccount", place) => {
                let place = place.replace('/', ":");
                Self(format!("system:serviceaccount:{place}"), Vec::new())
            }
            other => panic!("{other:?}"),
        }
    }

    /// A service account, with the groups that it is in.
    fn account(place: &str) -> Self {
        let (namespace, name) = place.split_once('/').unwrap();
        let groups = [
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ];
        Self(
            format!("system:serviceaccount:{namespace}:{name}"),
            groups.into(),
        )
    }
}

/// What the API server says of a right; an empty namespace is all of them.
async fn may(client: &Client, who: &Who, namespace: &str, right: [&str; 3], name: &str) -> bool {
    let [verb, group, resource] = right;
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    // What is of no namespace is asked for without one.
    let namespace = match resource {
        "nodes" | "users" | "groups" => "",
        _ => namespace,
    };
    let mut groups = who.1.clone();
    // Of others OpenShift's API server asks for the subresource `unsafeproxy`.
    if (resource, subresource) == ("nodes", "proxy") {
        groups.push("system:authenticated".to_owned());
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {
            "user": who.0,
            "groups": groups,
            "resourceAttributes": {
                "namespace": namespace, "verb": verb, "group": group, "resource": resource,
                "subresource": subresource, "name": name,
            },
        },
    });
    let api = super::tillers::api(client, "authorization.k8s.io/v1", "SubjectAccessReview", "");
    let review = serde_json::from_value(review).unwrap();
    let answered = api.create(&PostParams::default(), &review).await.unwrap();
    answered.data["status"]["allowed"].as_bool().unwrap()
}

/// Whether one of these rights is given.
pub(super) async fn may_one(
    client: &Client,
    who: &Who,
    namespace: &str,
    rights: &[([&str; 3], String)],
) -> bool {
    let asked = rights
        .iter()
        .map(|(right, name)| may(client, who, namespace, *right, name));
    join_all(asked).await.into_iter().any(|it| it)
}

pub(super) fn words<'v>(grants: &'v Value, field: &str) -> BTreeSet<&'v str> {
    let grants = grants.as_array().unwrap().iter();
    grants.map(|it| it[field].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_account_can_reach_is_what_the_api_server_lets_it() {
    let report = tokio::task::spawn_blocking(|| audit(&["-o", "json"]).json())
        .await
        .unwrap();
    let client = cluster().client(User::Admin).await.unwrap();
    let namespaces = [
        "aud-own",
        "aud-other",
        "aud-old",
        "aud-zero",
        "aud-team",
        "aud-team-t",
        "kube-system",
        "default",
    ];
    let (mut given, mut asked) = (0, 0);
    for tiller in report["tillers"].as_array().unwrap() {
        let account = tiller["account"].as_str().unwrap();
        let who = Who::account(account);
        let reach = &tiller["can_reach"];
        let in_cluster = words(&reach["cluster"], "can");
        let mut places: BTreeSet<&str> = namespaces.into();
        places.extend(
            reach["namespaces"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str),
        );
        places.insert("");
        for place in places {
            let own = match reach["namespaces"].get(place) {
                Some(grants) => words(grants, "can"),
                None => BTreeSet::new(),
            };
            for (power, rights) in powers() {
                let of_cluster = matches!(power, "namespaces" | "nodes" | "admission");
                if of_cluster && !place.is_empty() {
                    continue;
                }
                let told = in_cluster.contains(power) || own.contains(power);
                let rights: Vec<_> = rights.into_iter().map(|it| (it, String::new())).collect();
                let allowed = may_one(&client, &who, place, &rights).await;
                assert_eq!(told, allowed, "{account} {power} in {place:?}");
                given += usize::from(told);
                asked += 1;
            }
        }
    }
    assert!(asked > 1000 && given > 100, "{given} of {asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_change_the_webhooks_is_whom_the_api_server_lets() {
    let report = tokio::task::spawn_blocking(|| audit(&["-o", "json"]).json())
        .await
        .unwrap();
    let client = cluster().client(User::Admin).await.unwrap();
    let told = words(&report["guard"]["changed_by"], "who");
    for name in [
        "User aud-ann",
        "User aud-bob",
        "User aud-named",
        "User aud-other",
        "User aud-all",
        "Group system:masters",
        "Group aud-operators",
        "ServiceAccount kube-system/tiller",
    ] {
        let rights: Vec<_> = webhooks()
            .into_iter()
            .flat_map(|it| ["", "tiller-guard"].map(|name| (it, name.to_owned())))
            .collect();
        let allowed = may_one(&client, &Who::named(name), "", &rights).await;
        assert_eq!(told.contains(name), allowed, "{name}");
    }
    for name in ["User aud-ann", "User aud-named", "User aud-all"] {
        assert!(told.contains(name), "{name}: {told:?}");
    }
}
