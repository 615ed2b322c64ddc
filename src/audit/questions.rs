//! The questions about rights: what a Tiller's service account can reach, and who can reach a Tiller.

use super::access::Question;
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

/// What runs pods, with its group.
const RUNS_PODS: [[&str; 3]; 9] = [
    ["create", "", "pods"],
    ["create", "", "replicationcontrollers"],
    ["create", "apps", "deployments"],
    ["create", "apps", "replicasets"],
    ["create", "apps", "statefulsets"],
    ["create", "apps", "daemonsets"],
    ["create", "batch", "jobs"],
    ["create", "batch", "cronjobs"],
    ["create", "extensions", "deployments"],
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

/// The object names in the questions about one Tiller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'n> {
    /// The Secret with its key and certificates.
    pub(super) certificates: &'n str,
    /// Its service account.
    pub(super) account: &'n str,
    /// Its pods.
    pub(super) pods: &'n [&'n str],
    /// The Services that lead to them.
    pub(super) services: &'n [&'n str],
    /// The API group, the resource and the name of what a person changes to change it.
    pub(super) workload: [&'n str; 3],
}

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
        self.rights.iter().map(|right| question(*right, ""))
    }
}

/// The ways to a Tiller, each with the rights that open it; one suffices.
pub(super) fn ways<'n>(names: Names<'n>) -> Vec<(&'static str, Vec<Question<'n>>)> {
    let Names {
        certificates,
        account,
        pods,
        services,
        workload: [group, resource, workload],
    } = names;
    let any = |rights: &[[&'static str; 3]]| {
        rights
            .iter()
            .map(|right| question(*right, ""))
            .collect::<Vec<_>>()
    };
    // Of any of them, or of its own by their names.
    let of_own = |rights: &[[&'static str; 3]], own: &[&'n str]| {
        let names = || std::iter::once("").chain(own.iter().copied());
        let each = rights.iter();
        each.flat_map(|right| names().map(|name| question(*right, name)))
            .collect::<Vec<_>>()
    };
    let mut proxy = of_own(
        &[["create", "", "pods/proxy"], ["get", "", "pods/proxy"]],
        pods,
    );
    proxy.extend(of_own(
        &[
            ["create", "", "services/proxy"],
            ["get", "", "services/proxy"],
        ],
        services,
    ));
    let change = ["update", "patch"].map(|verb| question([verb, group, resource], workload));
    vec![
        (
            "port-forward",
            of_own(
                &[
                    ["create", "", "pods/portforward"],
                    ["get", "", "pods/portforward"],
                ],
                pods,
            ),
        ),
        (
            "exec",
            of_own(
                &[["create", "", "pods/exec"], ["get", "", "pods/exec"]],
                pods,
            ),
        ),
        (
            "attach",
            of_own(
                &[["create", "", "pods/attach"], ["get", "", "pods/attach"]],
                pods,
            ),
        ),
        ("proxy", proxy),
        (
            "ephemeral-containers",
            of_own(
                &[
                    ["update", "", "pods/ephemeralcontainers"],
                    ["patch", "", "pods/ephemeralcontainers"],
                ],
                pods,
            ),
        ),
        (
            "secrets",
            any(&[
                ["get", "", "secrets"],
                ["list", "", "secrets"],
                ["watch", "", "secrets"],
            ]),
        ),
        (
            "certificates",
            // A list of one name is one of a right to that name.
            ["get", "list", "watch"]
                .map(|verb| question([verb, "", "secrets"], certificates))
                .into(),
        ),
        (
            "token",
            vec![question(["create", "", "serviceaccounts/token"], account)],
        ),
        (
            "impersonate",
            vec![question(["impersonate", "", "serviceaccounts"], account)],
        ),
        ("run-pods", any(&RUNS_PODS)),
        ("change", change.into()),
    ]
}

fn question<'q>([verb, group, resource]: [&'q str; 3], name: &'q str) -> Question<'q> {
    Question {
        verb,
        group,
        resource,
        name,
    }
}

/// The rights to change webhook configurations, any of them or the guard's own, as questions.
pub(super) fn webhook_changes() -> impl Iterator<Item = Question<'static>> {
    let rights = CHANGES_WEBHOOKS.iter();
    rights.flat_map(|right| ["", NAME].map(|name| question(*right, name)))
}
