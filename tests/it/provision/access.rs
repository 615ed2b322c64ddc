//! Who may do what once teams are made, by the API server's own answers.

use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::cluster::{World, provision};
use crate::cluster::resource;

/// A question: verb, resource with group after a dot and subresource after a slash, namespace, name.
type Question<'q> = (&'q str, &'q str, &'q str, &'q str);

const TILLER: &str = "system:serviceaccount:p-red-t:tiller";

/// What Tiller needs.
const TILLER_MAY: [Question<'static>; 30] = [
    ("get", "secrets", "p-red-t", ""),
    ("list", "secrets", "p-red-t", ""),
    ("create", "secrets", "p-red-t", ""),
    ("update", "secrets", "p-red-t", ""),
    ("delete", "secrets", "p-red-t", ""),
    ("get", "namespaces", "p-red", "p-red"),
    ("create", "pods", "p-red", ""),
    ("list", "pods", "p-red", ""),
    ("watch", "pods", "p-red", ""),
    ("delete", "pods", "p-red", ""),
    ("get", "pods/log", "p-red", ""),
    ("create", "services", "p-red", ""),
    ("patch", "services", "p-red", ""),
    ("create", "configmaps", "p-red", ""),
    ("create", "secrets", "p-red", ""),
    ("get", "persistentvolumeclaims", "p-red", ""),
    ("create", "serviceaccounts", "p-red", ""),
    ("create", "deployments.apps", "p-red", ""),
    ("update", "deployments.extensions", "p-red", ""),
    ("list", "replicasets.apps", "p-red", ""),
    ("create", "statefulsets.apps", "p-red", ""),
    ("create", "daemonsets.apps", "p-red", ""),
    ("watch", "jobs.batch", "p-red", ""),
    ("create", "cronjobs.batch", "p-red", ""),
    (
        "create",
        "horizontalpodautoscalers.autoscaling",
        "p-red",
        "",
    ),
    ("create", "poddisruptionbudgets.policy", "p-red", ""),
    ("create", "ingresses.networking.k8s.io", "p-red", ""),
    ("create", "ingresses.extensions", "p-red", ""),
    ("get", "certificates.cert-manager.io", "p-red", ""),
    ("list", "events", "p-red", ""),
];

/// What would make more of it.
const TILLER_MAY_NOT: [Question<'static>; 38] = [
    ("watch", "secrets", "p-red-t", ""),
    ("patch", "secrets", "p-red-t", ""),
    ("get", "configmaps", "p-red-t", ""),
    ("create", "pods", "p-red-t", ""),
    ("list", "pods", "p-red-t", ""),
    ("create", "pods/exec", "p-red-t", ""),
    ("create", "pods/portforward", "p-red-t", ""),
    ("update", "deployments.apps", "p-red-t", "tiller-deploy"),
    ("delete", "networkpolicies.networking.k8s.io", "p-red-t", ""),
    ("create", "serviceaccounts/token", "p-red-t", "tiller"),
    (
        "create",
        "rolebindings.rbac.authorization.k8s.io",
        "p-red-t",
        "",
    ),
    ("create", "roles.rbac.authorization.k8s.io", "p-red", ""),
    (
        "create",
        "rolebindings.rbac.authorization.k8s.io",
        "p-red",
        "",
    ),
    ("escalate", "roles.rbac.authorization.k8s.io", "p-red", ""),
    (
        "bind",
        "clusterroles.rbac.authorization.k8s.io",
        "p-red",
        "",
    ),
    ("impersonate", "serviceaccounts", "p-red", ""),
    ("create", "serviceaccounts/token", "p-red", ""),
    ("create", "pods/exec", "p-red", ""),
    ("create", "pods/attach", "p-red", ""),
    ("update", "pods/ephemeralcontainers", "p-red", ""),
    ("patch", "namespaces", "p-red", "p-red"),
    ("delete", "namespaces", "p-red", "p-red"),
    ("update", "resourcequotas", "p-red", ""),
    ("create", "events", "p-red", ""),
    ("list", "namespaces", "", ""),
    ("create", "namespaces", "", ""),
    ("get", "nodes", "", ""),
    ("list", "secrets", "", ""),
    ("list", "pods", "", ""),
    (
        "get",
        "validatingwebhookconfigurations.admissionregistration.k8s.io",
        "",
        "",
    ),
    (
        "update",
        "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        "",
        "",
    ),
    (
        "create",
        "clusterrolebindings.rbac.authorization.k8s.io",
        "",
        "",
    ),
    ("impersonate", "users", "", ""),
    ("get", "secrets", "kube-system", ""),
    ("get", "secrets", "tiller-guard", ""),
    ("get", "secrets", "p-pink-t", ""),
    ("create", "deployments.apps", "p-pink", ""),
    ("get", "namespaces", "p-pink", "p-pink"),
];

/// What a person needs: the bundle's name is added.
const PERSON_MAY: [Question<'static>; 2] = [
    ("list", "pods", "p-red-t", ""),
    ("create", "pods/portforward", "p-red-t", "tiller-deploy-0"),
];

const PERSON_MAY_NOT: [Question<'static>; 18] = [
    ("get", "secrets", "p-red-t", "tiller-tls"),
    ("list", "secrets", "p-red-t", ""),
    ("create", "pods/exec", "p-red-t", ""),
    ("delete", "pods", "p-red-t", ""),
    ("watch", "pods", "p-red-t", ""),
    ("create", "pods", "p-red-t", ""),
    ("update", "deployments.apps", "p-red-t", ""),
    ("impersonate", "serviceaccounts", "p-red-t", "tiller"),
    ("create", "serviceaccounts/token", "p-red-t", "tiller"),
    ("list", "pods", "p-red", ""),
    ("get", "secrets", "p-red", ""),
    ("list", "secrets", "tiller-guard", ""),
    ("get", "secrets", "tiller-guard", "team-p-red-ca"),
    ("get", "secrets", "tiller-guard", "team-p-pink-ca"),
    ("update", "configmaps", "tiller-guard", "p-red"),
    ("list", "pods", "p-pink-t", ""),
    ("create", "pods/portforward", "p-pink-t", ""),
    ("get", "nodes", "", ""),
];

pub(super) async fn may(
    world: &World,
    user: &str,
    groups: &[&str],
    question: Question<'_>,
) -> bool {
    let (verb, resource_name, namespace, name) = question;
    let (kind, subresource) = resource_name.split_once('/').unwrap_or((resource_name, ""));
    let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {
            "user": user,
            "groups": groups,
            "resourceAttributes": {
                "verb": verb, "group": group, "resource": kind, "subresource": subresource,
                "namespace": namespace, "name": name,
            },
        },
    });
    let api: Api<DynamicObject> = Api::all_with(
        world.client.clone(),
        &resource("authorization.k8s.io", "v1", "SubjectAccessReview"),
    );
    let review = serde_json::from_value(review).unwrap();
    let answer = api.create(&PostParams::default(), &review).await.unwrap();
    answer.data["status"]["allowed"] == Value::Bool(true)
}

#[tokio::test]
async fn everybody_may_do_what_is_needed_and_nothing_else() {
    let world = World::create().await;
    for (team, rule) in [
        ("p-red", "get:certificates.cert-manager.io"),
        ("p-pink", "get:pods"),
    ] {
        let made = provision(&[
            team,
            &format!("--tiller-namespace={team}-t"),
            &format!("--target-namespace={team}"),
            &format!("--user=ada-of-{team}"),
            &format!("--group=oncall-of-{team}"),
            &format!("--allow-rule={rule}"),
            "--no-wait",
        ]);
        assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
    }
    let accounts = [
        "system:serviceaccounts",
        "system:serviceaccounts:p-red-t",
        "system:authenticated",
    ];
    for question in TILLER_MAY {
        assert!(
            may(&world, TILLER, &accounts, question).await,
            "{question:?}"
        );
    }
    for question in TILLER_MAY_NOT {
        assert!(
            !may(&world, TILLER, &accounts, question).await,
            "{question:?}"
        );
    }
    let everybody = ["system:authenticated"];
    let members = ["oncall-of-p-red", "system:authenticated"];
    for (user, groups) in [("ada-of-p-red", &everybody[..]), ("eve", &members[..])] {
        for question in PERSON_MAY {
            assert!(
                may(&world, user, groups, question).await,
                "{user}: {question:?}"
            );
            assert!(
                !may(&world, "mallory", &everybody, question).await,
                "{question:?}"
            );
        }
        for question in PERSON_MAY_NOT {
            assert!(
                !may(&world, user, groups, question).await,
                "{user}: {question:?}"
            );
        }
    }
    // Each reads the own bundle alone.
    let own: Vec<_> = world
        .labelled("p-red")
        .await
        .into_iter()
        .filter(|name| name.starts_with("team-p-red-user") || name.starts_with("team-p-red-group"))
        .collect();
    let user: &'static str = own
        .iter()
        .find(|it| it.contains("-user-"))
        .unwrap()
        .clone()
        .leak();
    let group: &'static str = own
        .iter()
        .find(|it| it.contains("-group-"))
        .unwrap()
        .clone()
        .leak();
    for (bundle, user, groups, expected) in [
        (user, "ada-of-p-red", &everybody[..], true),
        (group, "ada-of-p-red", &everybody[..], false),
        (user, "eve", &members[..], false),
        (group, "eve", &members[..], true),
        (user, "ada-of-p-pink", &everybody[..], false),
        (user, TILLER, &accounts[..], false),
    ] {
        let question = ("get", "secrets", "tiller-guard", bundle);
        assert_eq!(
            may(&world, user, groups, question).await,
            expected,
            "{user}: {bundle}"
        );
    }
}
