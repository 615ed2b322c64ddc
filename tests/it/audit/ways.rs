//! Each "reached by" is what the API server's own authorizer says.

use std::collections::BTreeSet;

use kube::Client;
use kube::api::ListParams;
use serde_json::{Value, json};

use super::rights::{Who, may_one, run_pods, words};
use super::tillers::api;
use super::{audit, cluster};
use crate::cluster::User;

const RBAC: &str = "rbac.authorization.k8s.io";

/// A right, as verb, group and resource, with the name of an object or none.
type Right = ([&'static str; 3], String);
/// A way by which somebody reaches a Tiller, and the rights that open it.
type Way = (&'static str, Vec<Right>);

/// The names of the Secrets in a namespace that hold tokens of its account, and of those with records of releases.
async fn secrets(client: &Client, tiller: &Value) -> [Vec<String>; 2] {
    let namespace = tiller["namespace"].as_str().unwrap();
    let account = tiller["account"].as_str().unwrap().split_once('/').unwrap();
    let listed = api(client, "v1", "Secret", namespace)
        .list(&ListParams::default())
        .await
        .unwrap();
    let (mut tokens, mut records) = (Vec::new(), Vec::new());
    for secret in listed {
        let name = secret.metadata.name.unwrap();
        let of = secret.metadata.annotations.unwrap_or_default();
        if of.get("kubernetes.io/service-account.name") == Some(&account.1.to_owned()) {
            tokens.push(name.clone());
        }
        let labels = secret.metadata.labels.unwrap_or_default();
        if labels.get("OWNER").is_some_and(|it| it == "TILLER") {
            records.push(name);
        }
    }
    [tokens, records]
}

/// The groups and resources that serve a Tiller's object.
fn resources(tiller: &Value) -> Vec<[&'static str; 2]> {
    let (groups, resource): (&[&str], _) = match tiller["kind"].as_str().unwrap() {
        "Deployment" => (&["apps", "extensions"], "deployments"),
        "StatefulSet" => (&["apps"], "statefulsets"),
        "DaemonSet" => (&["apps", "extensions"], "daemonsets"),
        "Job" => (&["batch"], "jobs"),
        "CronJob" => (&["batch"], "cronjobs"),
        "Pod" => (&[""], "pods"),
        other => panic!("{other}"),
    };
    groups.iter().map(|group| [*group, resource]).collect()
}

/// The names of the Deployments in a namespace beside a Tiller, and of the pods that run as its account beside its own.
async fn beside(client: &Client, tiller: &Value) -> [Vec<String>; 2] {
    let namespace = tiller["namespace"].as_str().unwrap();
    let account = tiller["account"].as_str().unwrap().split_once('/').unwrap();
    let list = async |api_version, kind| {
        let listed = api(client, api_version, kind, namespace);
        listed.list(&ListParams::default()).await.unwrap().items
    };
    let own = tiller["pods"].as_array().unwrap().iter();
    let own: Vec<&str> = own.map(|it| it["name"].as_str().unwrap()).collect();
    let mut deployments = Vec::new();
    for deployment in list("apps/v1", "Deployment").await {
        let name = deployment.metadata.name.unwrap();
        if (tiller["kind"].as_str(), tiller["name"].as_str()) != (Some("Deployment"), Some(&name)) {
            deployments.push(name);
        }
    }
    let mut pods = Vec::new();
    for pod in list("v1", "Pod").await {
        let name = pod.metadata.name.unwrap();
        if pod.data["spec"]["serviceAccountName"] == account.1 && !own.contains(&&*name) {
            pods.push(name);
        }
    }
    [deployments, pods]
}

/// What each word of `reached_by` means: one of these rights, with the name of an object.
fn ways(
    tiller: &Value,
    [tokens, records]: [Vec<String>; 2],
    [deployments, with_token]: [Vec<String>; 2],
) -> Vec<Way> {
    let update = |group, resource| ["update", "patch"].map(|verb| [verb, group, resource]);
    let name = [tiller["name"].as_str().unwrap().to_owned()];
    let named = |rights: &[[&'static str; 3]], names: &[String]| {
        let rights = rights.iter();
        let each = rights.flat_map(|right| names.iter().map(|name| (*right, name.clone())));
        each.collect::<Vec<Right>>()
    };
    let any = |rights: &[[&'static str; 3]]| named(rights, &[String::new()]);
    let account = tiller["account"].as_str().unwrap();
    let account = [account.split_once('/').unwrap().1.to_owned()];
    let pods = tiller["pods"].as_array().unwrap().iter();
    let pods: Vec<String> = pods
        .map(|it| it["name"].as_str().unwrap().to_owned())
        .collect();
    let any_or_own = |rights: &[[&'static str; 3]]| [any(rights), named(rights, &pods)].concat();
    let both = |resource| [["create", "", resource], ["get", "", resource]];
    let read = ["get", "list", "watch"].map(|verb| [verb, "", "secrets"]);
    let mut change: Vec<Right> = resources(tiller)
        .into_iter()
        .flat_map(|[group, resource]| named(&update(group, resource), &name))
        .collect();
    change.extend(named(&update("", "pods"), &pods));
    // Those who have another way than as somebody else.
    let people = tiller["reached_by"].as_array().unwrap().iter();
    let people = people.filter(|it| it["ways"] != json!(["impersonate"]));
    let who: Vec<&str> = people.map(|it| it["who"].as_str().unwrap()).collect();
    let called = |kind: &str| -> Vec<String> {
        let own = who.iter().filter_map(|it| it.strip_prefix(kind));
        own.map(ToOwned::to_owned).chain([String::new()]).collect()
    };
    vec![
        ("port-forward", any_or_own(&both("pods/portforward"))),
        ("exec", any_or_own(&both("pods/exec"))),
        ("attach", any_or_own(&both("pods/attach"))),
        (
            "proxy",
            [
                any_or_own(&both("pods/proxy")),
                any(&both("services/proxy")),
            ]
            .concat(),
        ),
        (
            "ephemeral-containers",
            any_or_own(&update("", "pods/ephemeralcontainers")),
        ),
        ("nodes", any(&both("nodes/proxy"))),
        ("secrets", any(&read)),
        ("certificates", named(&read, &["tiller-tls".to_owned()])),
        ("releases", named(&read, &records)),
        (
            "token",
            [
                named(&[["create", "", "serviceaccounts/token"]], &account),
                named(&read, &tokens),
                named(&both("pods/exec"), &with_token),
                named(&both("pods/attach"), &with_token),
                named(&update("", "pods/ephemeralcontainers"), &with_token),
            ]
            .concat(),
        ),
        (
            "impersonate",
            [
                named(&[["impersonate", "", "serviceaccounts"]], &account),
                named(&[["impersonate", "", "users"]], &called("User ")),
                named(&[["impersonate", "", "groups"]], &called("Group ")),
            ]
            .concat(),
        ),
        (
            "run-pods",
            [
                any(&run_pods()),
                named(&update("apps", "deployments"), &deployments),
            ]
            .concat(),
        ),
        ("change", change),
        (
            "bind",
            [
                any(&[["bind", RBAC, "roles"], ["bind", RBAC, "clusterroles"]]),
                // Who has that role forwards ports.
                named(
                    &[["bind", RBAC, "clusterroles"]],
                    &["aud-operate".to_owned()],
                ),
            ]
            .concat(),
        ),
        (
            "escalate",
            any(&[
                ["escalate", RBAC, "roles"],
                ["escalate", RBAC, "clusterroles"],
            ]),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_reach_a_tiller_is_whom_the_api_server_lets() {
    let report = tokio::task::spawn_blocking(|| audit(&["-o", "json"]).json())
        .await
        .unwrap();
    let client = cluster().client(User::Admin).await.unwrap();
    let tillers = report["tillers"].as_array().unwrap();
    let everybody: BTreeSet<&str> = tillers
        .iter()
        .flat_map(|tiller| words(&tiller["reached_by"], "who"))
        .chain([
            "User aud-bob",
            "User aud-stranger",
            "User aud-bind-other",
            "User aud-near",
            "User aud-gone",
            "User aud-plain",
            "ServiceAccount aud-own/default",
            "Group system:authenticated",
        ])
        .collect();
    assert!(
        everybody.contains("Group system:masters") && everybody.len() > 7,
        "{everybody:?}"
    );
    let (mut given, mut asked) = (BTreeSet::new(), 0);
    for tiller in tillers {
        let namespace = tiller["namespace"].as_str().unwrap();
        let secrets = secrets(&client, tiller).await;
        let ways = ways(tiller, secrets, beside(&client, tiller).await);
        for name in &everybody {
            // Of its own account nothing is told.
            if *name == format!("ServiceAccount {}", tiller["account"].as_str().unwrap()) {
                continue;
            }
            let reacher = tiller["reached_by"]
                .as_array()
                .unwrap()
                .iter()
                .find(|it| it["who"] == *name);
            for (way, rights) in &ways {
                let told = reacher.is_some_and(|it| {
                    let ways = it["ways"].as_array().unwrap();
                    ways.contains(&json!(way))
                });
                let allowed = may_one(&client, &Who::named(name), namespace, rights).await;
                assert_eq!(told, allowed, "{name} {way} {namespace} {reacher:?}");
                if told {
                    given.insert((*name, *way, namespace));
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 1000 && given.len() > 100, "{given:?} of {asked}");
    for (name, way, namespace) in [
        ("User aud-token", "token", "aud-zero"),
        ("User aud-record", "releases", "aud-sql"),
        ("User aud-bind", "bind", "aud-own"),
        ("User aud-escalate", "escalate", "aud-own"),
        ("User aud-as-ann", "impersonate", "aud-own"),
        ("User aud-as-operators", "impersonate", "aud-cron"),
        ("User aud-kubelet", "nodes", "aud-pod"),
        ("User aud-patch", "change", "aud-own"),
        ("User aud-update", "run-pods", "aud-own"),
        ("User aud-web", "run-pods", "aud-own"),
        ("User aud-side", "token", "aud-pod"),
    ] {
        assert!(given.contains(&(name, way, namespace)), "{name} {way}");
    }
    let near = [
        "User aud-near",
        "User aud-bind-other",
        "User aud-gone",
        "User aud-plain",
    ];
    let near: Vec<_> = given.iter().filter(|it| near.contains(&it.0)).collect();
    assert!(near.is_empty(), "{near:?}");
}
