//! The questions about rights: what a Tiller's service account can reach, and who can reach a Tiller.

use super::access::{Question, Way};
use super::workloads;
use crate::k8s::webhook_configuration::NAME;

/// Something that a service account can do. More than one right may allow it.
#[derive(Debug)]
pub(super) struct Power {
    pub(super) name: &'static str,
    /// Whether only a cluster-wide right allows it.
    pub(super) only_in_cluster: bool,
    /// Each of these rights allows it: verb, API group and resource.
    rights: &'static [[&'static str; 3]],
}

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// What runs pods, with its group: what is created, and what is changed to run as another account.
const RUNS_PODS: [[&str; 3]; 29] = [
    ["create", "", "pods"],
    ["create", "", "replicationcontrollers"],
    ["create", "apps", "deployments"],
    ["create", "apps", "replicasets"],
    ["create", "apps", "statefulsets"],
    ["create", "apps", "daemonsets"],
    ["create", "batch", "jobs"],
    ["create", "batch", "cronjobs"],
    ["create", "extensions", "deployments"],
    ["create", "extensions", "replicasets"],
    ["create", "extensions", "daemonsets"],
    ["update", "", "replicationcontrollers"],
    ["update", "apps", "deployments"],
    ["update", "apps", "replicasets"],
    ["update", "apps", "statefulsets"],
    ["update", "apps", "daemonsets"],
    ["update", "batch", "cronjobs"],
    ["update", "extensions", "deployments"],
    ["update", "extensions", "replicasets"],
    ["update", "extensions", "daemonsets"],
    ["patch", "", "replicationcontrollers"],
    ["patch", "apps", "deployments"],
    ["patch", "apps", "replicasets"],
    ["patch", "apps", "statefulsets"],
    ["patch", "apps", "daemonsets"],
    ["patch", "batch", "cronjobs"],
    ["patch", "extensions", "deployments"],
    ["patch", "extensions", "replicasets"],
    ["patch", "extensions", "daemonsets"],
];

/// What a Tiller's account can do, the worst first.
pub(super) static POWERS: [Power; 13] = [
    Power::new("everything", &[["*", "*", "*"]]),
    Power::new(
        "read-secrets",
        &[
            ["get", "", "secrets"],
            ["list", "", "secrets"],
            ["watch", "", "secrets"],
        ],
    ),
    Power::new(
        "write-secrets",
        &[
            ["create", "", "secrets"],
            ["update", "", "secrets"],
            ["patch", "", "secrets"],
        ],
    ),
    Power::new("run-pods", &RUNS_PODS),
    Power::new(
        "exec",
        &[
            ["create", "", "pods/exec"],
            ["create", "", "pods/attach"],
            ["get", "", "pods/exec"],
        ],
    ),
    Power::new("tokens", &[["create", "", "serviceaccounts/token"]]),
    Power::new(
        "impersonate",
        &[
            ["impersonate", "", "serviceaccounts"],
            ["impersonate", "", "users"],
            ["impersonate", "", "groups"],
        ],
    ),
    Power::new(
        "escalate",
        &[
            ["escalate", RBAC, "roles"],
            ["escalate", RBAC, "clusterroles"],
        ],
    ),
    Power::new(
        "bind",
        &[["bind", RBAC, "roles"], ["bind", RBAC, "clusterroles"]],
    ),
    Power::new(
        "write-bindings",
        &[
            ["create", RBAC, "rolebindings"],
            ["create", RBAC, "clusterrolebindings"],
        ],
    ),
    Power::of_cluster(
        "namespaces",
        &[
            ["create", "", "namespaces"],
            ["delete", "", "namespaces"],
            ["patch", "", "namespaces"],
        ],
    ),
    Power::of_cluster(
        "nodes",
        &[
            ["patch", "", "nodes"],
            ["update", "", "nodes"],
            ["get", "", "nodes/proxy"],
            ["create", "", "nodes/proxy"],
        ],
    ),
    Power::of_cluster("admission", &CHANGES_WEBHOOKS),
];

/// What changes webhook configurations.
pub(super) const CHANGES_WEBHOOKS: [[&str; 3]; 8] = [
    ["update", ADMISSION, "mutatingwebhookconfigurations"],
    ["patch", ADMISSION, "mutatingwebhookconfigurations"],
    ["delete", ADMISSION, "mutatingwebhookconfigurations"],
    ["update", ADMISSION, "validatingwebhookconfigurations"],
    ["patch", ADMISSION, "validatingwebhookconfigurations"],
    ["delete", ADMISSION, "validatingwebhookconfigurations"],
    [
        "deletecollection",
        ADMISSION,
        "mutatingwebhookconfigurations",
    ],
    [
        "deletecollection",
        ADMISSION,
        "validatingwebhookconfigurations",
    ],
];

/// The object names in the questions about one Tiller, each list in order.
#[derive(Debug, Default)]
pub(super) struct Names<'n> {
    /// The Secret with its key and certificates.
    pub(super) certificates: Vec<&'n str>,
    /// The Secrets with tokens of its accounts.
    pub(super) tokens: Vec<&'n str>,
    /// The Secrets with records of its releases.
    pub(super) records: Vec<&'n str>,
    /// Its service account, and those of its pods.
    pub(super) accounts: Vec<&'n str>,
    /// Its pods.
    pub(super) pods: Vec<&'n str>,
    /// The nodes on which they run.
    pub(super) nodes: Vec<&'n str>,
    /// Other pods that run as one of its accounts.
    pub(super) with_token: Vec<&'n str>,
    /// The Services that lead to them.
    pub(super) services: Vec<&'n str>,
    /// What a person changes to change it: the API group and the resource, with the names.
    pub(super) workloads: Vec<workloads::Names<'n>>,
    /// What else in its namespace makes pods.
    pub(super) makers: Vec<workloads::Names<'n>>,
}

/// The order in which ways are listed.
pub(super) const WAYS: [&str; 16] = [
    "port-forward",
    "exec",
    "attach",
    "proxy",
    "ephemeral-containers",
    "nodes",
    "secrets",
    "certificates",
    "releases",
    "token",
    IMPERSONATE,
    "run-pods",
    "change",
    BIND,
    "escalate",
    "change-webhooks",
];

const IMPERSONATE: &str = "impersonate";
const BIND: &str = "bind";

const READ: [&str; 3] = ["get", "list", "watch"];
const CHANGE: [&str; 2] = ["update", "patch"];
/// A connection is created; over a WebSocket it is got.
const CONNECT: [&str; 2] = ["create", "get"];

// === impl Power ===

impl Power {
    const fn new(name: &'static str, rights: &'static [[&'static str; 3]]) -> Self {
        Self {
            name,
            only_in_cluster: false,
            rights,
        }
    }

    const fn of_cluster(name: &'static str, rights: &'static [[&'static str; 3]]) -> Self {
        Self {
            name,
            only_in_cluster: true,
            rights,
        }
    }

    pub(super) fn questions(&self) -> impl Iterator<Item = Question<'static>> {
        self.rights.iter().map(|right| question(*right, &[]))
    }
}

/// The ways to a Tiller, each with the rights that open it; one suffices.
pub(super) fn ways<'n>(names: &'n Names<'n>) -> Vec<Way<'n>> {
    let Names {
        certificates,
        tokens,
        records,
        accounts,
        pods,
        nodes,
        with_token,
        services,
        workloads,
        makers,
    } = names;
    let mut proxy = each(&CONNECT, "", "pods/proxy", pods);
    proxy.extend(each(&CONNECT, "", "services/proxy", services));
    // Without names it would be the right to read all Secrets, which is a way of its own.
    let read = |names| named(&READ, "secrets", names);
    let mut token = each(&["create"], "", "serviceaccounts/token", accounts);
    token.extend(read(tokens));
    token.extend(named(&CONNECT, "pods/exec", with_token));
    token.extend(named(&CONNECT, "pods/attach", with_token));
    token.extend(named(&CHANGE, "pods/ephemeralcontainers", with_token));
    let change = |all: &'n [workloads::Names<'n>]| {
        let all = all.iter();
        all.flat_map(|(group, resource, names)| each(&CHANGE, group, resource, names))
    };
    let run_pods = RUNS_PODS.iter().map(|it| question(*it, &[]));
    vec![
        ("port-forward", each(&CONNECT, "", "pods/portforward", pods)),
        ("exec", each(&CONNECT, "", "pods/exec", pods)),
        ("attach", each(&CONNECT, "", "pods/attach", pods)),
        ("proxy", proxy),
        (
            "ephemeral-containers",
            each(&CHANGE, "", "pods/ephemeralcontainers", pods),
        ),
        ("nodes", each(&CONNECT, "", "nodes/proxy", nodes)),
        ("secrets", each(&READ, "", "secrets", &[])),
        // A list of one name is one of a right to that name.
        ("certificates", read(certificates)),
        ("releases", read(records)),
        ("token", token),
        (
            IMPERSONATE,
            each(&["impersonate"], "", "serviceaccounts", accounts),
        ),
        ("run-pods", run_pods.chain(change(makers)).collect()),
        ("change", change(workloads).collect()),
        (
            "escalate",
            ["roles", "clusterroles"]
                .map(|roles| question(["escalate", RBAC, roles], &[]))
                .into(),
        ),
    ]
}

/// The ways by the rights of others: to bind a role that opens a way, any or one of these, and to act as somebody who has one.
pub(super) fn ways_by_others<'n>(
    [roles, cluster_roles, users, groups]: [&'n [&'n str]; 4],
) -> Vec<Way<'n>> {
    let binds = [("roles", roles), ("clusterroles", cluster_roles)];
    let people = [("users", users), ("groups", groups)];
    vec![
        (
            BIND,
            binds
                .map(|(resource, names)| question(["bind", RBAC, resource], names))
                .into(),
        ),
        (
            IMPERSONATE,
            people
                .map(|(resource, names)| question(["impersonate", "", resource], names))
                .into(),
        ),
    ]
}

/// A question for each verb.
fn each<'q>(
    verbs: &[&'q str],
    group: &'q str,
    resource: &'q str,
    names: &'q [&'q str],
) -> Vec<Question<'q>> {
    let verbs = verbs.iter();
    verbs
        .map(|verb| question([verb, group, resource], names))
        .collect()
}

/// The same in the core group for these names only; nothing without a name.
fn named<'q>(verbs: &[&'q str], resource: &'q str, names: &'q [&'q str]) -> Vec<Question<'q>> {
    match names {
        [] => Vec::new(),
        names => each(verbs, "", resource, names),
    }
}

fn question<'q>([verb, group, resource]: [&'q str; 3], names: &'q [&'q str]) -> Question<'q> {
    Question {
        verb,
        group,
        resource,
        names,
    }
}

/// The rights to change webhook configurations, any of them or the guard's own.
pub(super) fn webhook_changes() -> Way<'static> {
    let rights = CHANGES_WEBHOOKS.iter();
    let questions = rights.map(|right| question(*right, &[NAME]));
    ("change-webhooks", questions.collect())
}
