//! Roles, bindings, teams and Tillers arrive in every order; each is admitted by what is known when it comes. After
//! each of them no Tiller has rights that its team does not allow.

use proptest::collection::vec;
use proptest::prelude::{
    Just, ProptestConfig, Strategy, TestCaseError, prop_assert, prop_oneof, proptest,
};
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use tiller_guard::k8s;
use tiller_guard::policy::{Context, Knowledge, Settings, Timestamp, WorkloadKind, decide};

use super::cluster::{Cluster, Request};
use crate::policy::corpus::canonical;
use crate::policy::known::{read, with};

const NAMESPACES: [&str; 3] = ["red", "blue", "kube-system"];
/// Names that a pattern takes for a Tiller's, and one that only what is known makes so.
const ACCOUNTS: [&str; 3] = ["tiller", "tiller-2", "deployer"];
const ROLES: [&str; 2] = ["one", "two"];

/// What no Tiller may do: verb, group, resource, and whether only in its own namespace.
const FORBIDDEN: [(&str, &str, &str, bool); 9] = [
    ("get", "made.up", "things", false),
    ("escalate", "rbac.authorization.k8s.io", "roles", false),
    ("bind", "rbac.authorization.k8s.io", "clusterroles", false),
    ("impersonate", "", "serviceaccounts", false),
    ("create", "", "serviceaccounts/token", false),
    (
        "get",
        "admissionregistration.k8s.io",
        "validatingwebhookconfigurations",
        false,
    ),
    ("create", "", "pods/exec", true),
    ("get", "", "pods/attach", true),
    ("patch", "", "pods/ephemeralcontainers", true),
];

/// What a Tiller may do where its team is at home, and nowhere else.
const ORDINARY: [(&str, &str, &str); 3] = [
    ("create", "apps", "deployments"),
    ("get", "", "secrets"),
    ("create", "", "pods/exec"),
];

fn rule() -> impl Strategy<Value = Value> {
    let groups = subsequence(
        vec![
            "",
            "apps",
            "rbac.authorization.k8s.io",
            "admissionregistration.k8s.io",
            "*",
        ],
        1..=2,
    );
    let resources = subsequence(
        vec![
            "deployments",
            "secrets",
            "pods/exec",
            "*/attach",
            "pods/ephemeralcontainers",
            "serviceaccounts",
            "serviceaccounts/token",
            "*/token",
            "roles",
            "clusterroles",
            "validatingwebhookconfigurations",
            "*",
        ],
        1..=3,
    );
    let verbs = subsequence(
        vec![
            "get",
            "create",
            "patch",
            "escalate",
            "bind",
            "impersonate",
            "*",
        ],
        1..=2,
    );
    let harmless =
        Just(json!({ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"] }));
    let discovery = Just(json!({ "nonResourceURLs": ["/api", "/api/*"], "verbs": ["get"] }));
    let any = (groups, resources, verbs).prop_map(|(groups, resources, verbs)| {
        json!({ "apiGroups": groups, "resources": resources, "verbs": verbs })
    });
    prop_oneof![3 => harmless, 1 => discovery, 2 => any]
}

fn role() -> impl Strategy<Value = Value> {
    let kind = select(&["Role", "ClusterRole"]);
    (
        kind,
        select(&NAMESPACES),
        select(&ROLES),
        vec(rule(), 0..=2),
    )
        .prop_map(|(kind, namespace, name, rules)| {
            let mut role = json!({ "kind": kind, "metadata": { "name": name }, "rules": rules });
            if kind == "Role" {
                role["metadata"]["namespace"] = namespace.into();
            }
            role
        })
}

fn holder() -> impl Strategy<Value = Value> {
    let account = (select(&NAMESPACES), select(&ACCOUNTS));
    prop_oneof![
        account.clone().prop_map(|(namespace, name)| {
            json!({ "kind": "ServiceAccount", "name": name, "namespace": namespace })
        }),
        select(&ACCOUNTS).prop_map(|name| json!({ "kind": "ServiceAccount", "name": name })),
        account.prop_map(|(namespace, name)| {
            json!({ "kind": "User", "name": format!("system:serviceaccount:{namespace}:{name}") })
        }),
        select(&NAMESPACES).prop_map(|namespace| {
            json!({ "kind": "Group", "name": format!("system:serviceaccounts:{namespace}") })
        }),
        select(&["system:serviceaccounts", "system:authenticated", "people"])
            .prop_map(|name| json!({ "kind": "Group", "name": name })),
    ]
}

fn binding() -> impl Strategy<Value = Value> {
    let kinds = select(&[
        ("RoleBinding", "Role"),
        ("RoleBinding", "ClusterRole"),
        ("ClusterRoleBinding", "ClusterRole"),
    ]);
    let names = (select(&NAMESPACES), select(&["a", "b"]), select(&ROLES));
    (kinds, names, vec(holder(), 1..=2)).prop_map(
        |((kind, role), (namespace, name, to), subjects)| {
            let mut binding = json!({
                "kind": kind,
                "metadata": { "name": name },
                "roleRef": { "kind": role, "name": to },
                "subjects": subjects,
            });
            if kind == "RoleBinding" {
                binding["metadata"]["namespace"] = namespace.into();
            }
            binding
        },
    )
}

fn team() -> impl Strategy<Value = Value> {
    let targets = subsequence(NAMESPACES.to_vec(), 0..=2);
    (select(&NAMESPACES), select(&ACCOUNTS), targets).prop_map(|(namespace, account, targets)| {
        json!({
            "kind": "ConfigMap",
            "metadata": { "name": format!("team-{namespace}") },
            "data": {
                "tiller-namespace": namespace,
                "service-account": account,
                "target-namespaces": targets.join("\n"),
            },
        })
    })
}

fn tiller() -> impl Strategy<Value = Value> {
    (select(&NAMESPACES), select(&ACCOUNTS)).prop_map(|(namespace, account)| {
        json!({ "kind": "Tiller", "metadata": { "name": account, "namespace": namespace },
            "account": format!("{namespace}/{account}") })
    })
}

/// Whether the decision on what comes lets it in.
fn is_admitted(
    event: &Value,
    cluster: &Cluster,
    settings: &Settings,
    knowledge: &Knowledge,
) -> bool {
    match event["kind"].as_str().unwrap() {
        // Administrators alone write these; whoever tells them to a running Tiller's disadvantage is not asked here.
        "ConfigMap" => {
            let mut cluster = cluster.clone();
            cluster.put(event);
            first_excess(&cluster).is_none()
        }
        "Tiller" => {
            let mut manifest = canonical();
            let (namespace, account) = event["account"].as_str().unwrap().split_once('/').unwrap();
            manifest["metadata"]["namespace"] = namespace.into();
            let pod = &mut manifest["spec"]["template"]["spec"];
            pod["serviceAccountName"] = account.into();
            pod["serviceAccount"] = account.into();
            pod["containers"][0]["env"][0]["value"] = namespace.into();
            let workload = k8s::read(WorkloadKind::Deployment, &manifest).unwrap();
            let context = Context::new(Timestamp(0), knowledge);
            decide(&workload, settings, &context).findings.is_empty()
        }
        _ => {
            let context = Context::new(Timestamp(0), knowledge);
            decide(&read(event), settings, &context).findings.is_empty()
        }
    }
}

/// A right of a Tiller that its team does not allow.
fn first_excess(cluster: &Cluster) -> Option<String> {
    for tiller in cluster.of_kind("Tiller") {
        let (home, account) = tiller["account"].as_str().unwrap().split_once('/').unwrap();
        let team = cluster.of_kind("ConfigMap").find(|team| {
            team["data"]["tiller-namespace"] == home && team["data"]["service-account"] == account
        });
        let targets = team.map_or("", |team| {
            team["data"]["target-namespaces"].as_str().unwrap()
        });
        let inside = |namespace: &str| {
            namespace != "kube-system"
                && (namespace == home || targets.lines().any(|target| target == namespace))
        };
        let may = |verb, group, resource, namespace| {
            let request = Request {
                verb,
                group,
                resource,
                namespace,
            };
            cluster.allows(home, account, request).then(|| {
                format!("{home}/{account} may {verb} {group}/{resource} in \"{namespace}\"")
            })
        };
        for namespace in NAMESPACES.into_iter().chain(["", "elsewhere"]) {
            let ordinary = ORDINARY.into_iter().filter(|_| !inside(namespace));
            let forbidden = FORBIDDEN
                .into_iter()
                .filter(|(.., own)| !own || namespace == home)
                .map(|(verb, group, resource, _)| (verb, group, resource));
            for (verb, group, resource) in ordinary.chain(forbidden) {
                if let Some(excess) = may(verb, group, resource, namespace) {
                    return Some(excess);
                }
            }
        }
    }
    None
}

fn tell(events: &[Value]) -> Result<usize, TestCaseError> {
    let settings = Settings::default();
    let (mut cluster, mut knowledge) = (Cluster::default(), Knowledge::default());
    let mut admitted = 0;
    for event in events {
        if is_admitted(event, &cluster, &settings, &knowledge) {
            cluster.put(event);
            knowledge = with(&knowledge, event);
            admitted += 1;
        }
        let excess = first_excess(&cluster);
        prop_assert!(excess.is_none(), "{:?} after {}", excess, event);
    }
    Ok(admitted)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_leads_to_a_tiller_with_too_many_rights(
        events in vec(prop_oneof![3 => role(), 3 => binding(), 1 => team(), 2 => tiller()], 1..16),
    ) {
        tell(&events)?;
    }
}

/// Role, binding and Tiller in each of their orders: two are admitted, and the one that would complete it is not.
#[test]
fn one_of_three_objects_is_refused_in_every_order() {
    let wide = json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] });
    let story = [
        json!({ "kind": "ClusterRole", "metadata": { "name": "wide" }, "rules": [wide] }),
        json!({
            "kind": "RoleBinding",
            "metadata": { "name": "b", "namespace": "red" },
            "roleRef": { "kind": "ClusterRole", "name": "wide" },
            "subjects": [{ "kind": "ServiceAccount", "name": "deployer" }],
        }),
        json!({ "kind": "Tiller", "metadata": { "name": "t" }, "account": "red/deployer" }),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let events: Vec<_> = order
            .into_iter()
            .map(|index| story[index].clone())
            .collect();
        // A binding to a role that is not there is refused too where its account is a Tiller's already.
        let admitted = tell(&events).unwrap();
        assert_eq!(admitted, 2, "{order:?}");
    }
}

/// An account whose own namespace became a team's after it was bound there does not hide what a group gets.
#[test]
fn a_role_is_not_widened_for_a_group_beside_an_account() {
    let role = |rules: Value| json!({ "kind": "ClusterRole", "metadata": { "name": "two" }, "rules": rules });
    let bound = |name: &str, subject: Value| {
        json!({
            "kind": "RoleBinding",
            "metadata": { "name": name, "namespace": "blue" },
            "roleRef": { "kind": "ClusterRole", "name": "two" },
            "subjects": [subject],
        })
    };
    let tiller = |account: &str| json!({ "kind": "Tiller", "metadata": { "name": account }, "account": account });
    let team = json!({
        "kind": "ConfigMap",
        "metadata": { "name": "green" },
        "data": { "tiller-namespace": "green", "service-account": "x", "target-namespaces": "blue" },
    });
    let events = [
        role(json!([])),
        bound("a", json!({ "kind": "ServiceAccount", "name": "deployer" })),
        bound(
            "b",
            json!({ "kind": "Group", "name": "system:serviceaccounts:red" }),
        ),
        tiller("blue/deployer"),
        tiller("red/deployer"),
        team,
        role(json!([{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"] }])),
    ];
    assert_eq!(tell(&events).unwrap(), events.len() - 1);
}

/// A binding of an account outside its team is harmless as long as its role is, and no longer.
#[test]
fn a_role_is_not_widened_for_an_account_whose_team_lost_a_namespace() {
    let role = |rules: Value| json!({ "kind": "ClusterRole", "metadata": { "name": "one" }, "rules": rules });
    let team = |targets: &str| {
        json!({
            "kind": "ConfigMap",
            "metadata": { "name": "team-red" },
            "data": { "tiller-namespace": "red", "service-account": "tiller", "target-namespaces": targets },
        })
    };
    let events = [
        role(json!([])),
        team("blue"),
        json!({ "kind": "Tiller", "metadata": { "name": "tiller" }, "account": "red/tiller" }),
        json!({
            "kind": "RoleBinding",
            "metadata": { "name": "a", "namespace": "blue" },
            "roleRef": { "kind": "ClusterRole", "name": "one" },
            "subjects": [{ "kind": "ServiceAccount", "name": "tiller", "namespace": "red" }],
        }),
        team(""),
        role(json!([{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"] }])),
    ];
    assert_eq!(tell(&events).unwrap(), events.len() - 1);
}
