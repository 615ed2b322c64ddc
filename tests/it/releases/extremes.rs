//! Records and names of the largest sizes, dry runs, and what is not there or not allowed.

use std::fmt::Write as _;
use std::time::Duration;

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tiller_guard::releases::{MAX_SIZE, decode, encode};

use super::migrated::{migrated, names};
use super::moved::{create, found, kubeconfig, moved, records_of, world};
use crate::api_server::{World, cluster, value};
use crate::cluster::UNGUARDED;
use crate::knowledge::tiller;
use crate::offline::Run;
use crate::provision::proxy::run_at;
use crate::suite::Feature;

/// As long as Kubernetes lets a namespace be, and Tiller a release.
const NAMESPACE: &str = "move-extreme-namespace-with-a-name-that-is-63-characters-long-x";
const RELEASE: &str = "a-release-whose-name-is-of-the-53-characters-allowed-";

/// A record of a release of this name, of this many bytes at most and hardly less.
fn record(release: &str, namespace: &str, size: usize) -> Value {
    let mut record = records_of("plain").remove(0);
    let text = record["data"]["release"].as_str().unwrap();
    let mut inside = decode(text.as_bytes()).unwrap();
    release.clone_into(&mut inside.name);
    namespace.clone_into(&mut inside.namespace);
    let mut state = 1_u64;
    let mut noise = String::from("noise: ");
    let mut text = encode(&inside).unwrap();
    let mut step = size;
    while step >= 64 {
        let before = noise.len();
        while noise.len() < before + step {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            write!(noise, "{state:016x}").unwrap();
        }
        inside.config.get_or_insert_default().raw = noise.clone().into_bytes();
        let larger = encode(&inside).unwrap();
        if larger.len() <= size {
            text = larger;
        } else {
            noise.truncate(before);
            step /= 2;
        }
    }
    record["metadata"]["name"] = json!(format!("{release}.v1"));
    record["metadata"]["labels"]["NAME"] = json!(release);
    record["data"]["release"] = json!(text);
    record
}

#[tokio::test]
async fn the_largest_records_with_the_longest_names_are_moved_and_come_back() {
    assert_eq!((NAMESPACE.len(), RELEASE.len()), (63, 53));
    let release = format!("{}x", &RELEASE[..52]);
    let world = World::create_labelled(NAMESPACE, json!({ UNGUARDED: "" })).await;
    let largest = record(&release, NAMESPACE, MAX_SIZE);
    let size = largest["data"]["release"].as_str().unwrap().len();
    assert!((MAX_SIZE - 64..=MAX_SIZE).contains(&size), "{size}");
    create(&world, largest).await;
    let before = found(&world).await;
    for to in ["secrets", "configmaps"] {
        let run = moved(&kubeconfig(), NAMESPACE, &[&format!("--to={to}")]).await;
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    }
    assert_eq!(found(&world).await, before);
    // What Helm 3 makes of it is larger, and fits into no Secret.
    let run = migrated(&kubeconfig(), NAMESPACE, &[]).await;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stdout.contains("not ready: revision 1: "),
        "{}",
        run.stdout
    );
    assert_eq!(found(&world).await, before);
}

#[tokio::test]
async fn long_names_and_large_records_are_migrated() {
    let namespace = "migrate-extreme";
    let release = format!("{}y", &RELEASE[..52]);
    let world = World::create_labelled(namespace, json!({ UNGUARDED: "" })).await;
    create(&world, record(&release, namespace, MAX_SIZE / 10 * 7)).await;
    let run = migrated(&kubeconfig(), namespace, &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let secrets = names(&world, "Secret", "owner=helm").await;
    assert_eq!(secrets, [format!("sh.helm.release.v1.{release}.v1")]);
}

/// The API server checks what would be written, and stores none of it.
#[tokio::test]
async fn a_dry_run_by_the_server_stores_nothing() {
    let world = world("move-tried", "plain").await;
    let before = found(&world).await;
    let runs = [
        moved(
            &kubeconfig(),
            "move-tried",
            &["--to=secrets", "--dry-run=server"],
        )
        .await,
        migrated(&kubeconfig(), "move-tried", &["--dry-run=server"]).await,
    ];
    for run in runs {
        if Feature::DryRun.is_in(cluster().version()) {
            let failed = matches!(run.code, Some(2 | 4));
            assert!(!failed, "{}{}", run.stdout, run.stderr);
        } else {
            assert_eq!(run.code, Some(2), "{}{}", run.stdout, run.stderr);
            assert!(run.stderr.contains("--dry-run=server"), "{}", run.stderr);
        }
    }
    assert_eq!(found(&world).await, before);
    assert!(names(&world, "Secret", "owner=helm").await.is_empty());
}

/// What a dry run finds is what the API server would say: here that there is no room.
#[tokio::test]
async fn a_dry_run_by_the_server_tells_what_it_refuses() {
    if Feature::DryRun.is_missing(cluster().version()) {
        return;
    }
    let world = world("move-full", "plain").await;
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": "full" },
        "spec": { "hard": { "secrets": "0" } },
    });
    let quotas = world.objects("", "v1", "ResourceQuota");
    let quota = serde_json::from_value(quota).unwrap();
    quotas.create(&PostParams::default(), &quota).await.unwrap();
    let none = json!({ "secrets": "0" });
    let none = Patch::Merge(json!({ "status": { "hard": none, "used": none } }));
    let parameters = PatchParams::default();
    quotas
        .patch_status("full", &parameters, &none)
        .await
        .unwrap();
    until_full(&world).await;
    let before = found(&world).await;
    for words in [&["--to=secrets", "--dry-run=server"][..], &["--to=secrets"]] {
        let run = moved(&kubeconfig(), "move-full", words).await;
        assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
        assert!(
            run.stderr
                .contains("cannot create Secret move-full/plain.v")
                && run.stderr.contains("full"),
            "{}",
            run.stderr
        );
        assert_eq!(found(&world).await, before);
    }
}

/// Waits until the API server knows the quota.
async fn until_full(world: &World) {
    let secrets = world.objects("", "v1", "Secret");
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "probe" } });
    let secret = serde_json::from_value(secret).unwrap();
    let tried = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    for _ in 0..200 {
        if secrets.create(&tried, &secret).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("there is room");
}

fn commands(namespace: &str) -> [Vec<&str>; 4] {
    [
        vec!["list", "-n", namespace],
        vec!["show", "web", "values", "-n", namespace],
        vec!["move", "--to=secrets", "-n", namespace],
        vec!["migrate", "--to=helm3", "-n", namespace],
    ]
}

async fn releases(kubeconfig: &str, words: &[&str]) -> Run {
    run_at(kubeconfig, &[&["releases"], words].concat()).await
}

#[tokio::test]
async fn a_namespace_that_is_not_there_is_named() {
    cluster();
    for words in commands("nowhere") {
        let run = releases(&kubeconfig(), &words).await;
        assert_eq!(run.code, Some(4), "{words:?} {}{}", run.stdout, run.stderr);
        let told = "error: there is no namespace nowhere";
        assert!(run.stderr.contains(told), "{words:?} {}", run.stderr);
    }
}

/// One right after the other is missing, and each is named with what it is for.
#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let world = world("move-rights", "plain").await;
    let before = found(&world).await;
    let user = "releases-mover";
    let kubeconfig = cluster().kubeconfig_as(user).unwrap();
    let kubeconfig = kubeconfig.display().to_string();
    for words in commands("move-rights") {
        let run = releases(&kubeconfig, &words).await;
        assert_eq!(run.code, Some(4), "{words:?} {}{}", run.stdout, run.stderr);
        let told = format!("User \"{user}\" cannot ");
        assert!(run.stderr.contains(&told), "{words:?} {}", run.stderr);
    }
    let mut missing = Vec::new();
    for _ in 0..12 {
        let run = moved(&kubeconfig, "move-rights", &["--to=secrets"]).await;
        if run.code == Some(0) {
            break;
        }
        assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
        let told = format!("User \"{user}\" cannot ");
        let rights = if let Some((_, right)) = run.stderr.split_once(&told) {
            vec![right]
        } else {
            // What is needed only after Tiller is stopped is asked for before, all at once.
            let (_, rights) = run.stderr.split_once("you may not ").unwrap();
            rights.split(", ").collect()
        };
        for right in rights {
            // `get resource "deployments" in`; Kubernetes 1.10 says `get deployments.apps in`.
            let mut words = right
                .split(['"', ' '])
                .filter(|it| !it.is_empty() && *it != "resource");
            let (verb, resource) = (words.next().unwrap(), words.next().unwrap());
            let resource = resource.split('.').next().unwrap();
            missing.push(format!("{verb} {resource}"));
            give(&world, user, verb, resource).await;
        }
    }
    missing.sort();
    let expected = [
        "create configmaps",
        "create secrets",
        "delete configmaps",
        "get configmaps",
        "get deployments",
        "list configmaps",
        "list pods",
        "list secrets",
        "patch configmaps",
    ];
    assert_eq!(missing, expected);
    let after = found(&world).await;
    assert_eq!(after.len(), before.len());
    assert!(
        after.keys().all(|it| it.starts_with("Secret ")),
        "{after:?}"
    );
}

/// Gives a user a right, and waits until the API server knows.
async fn give(world: &World, user: &str, verb: &str, resource: &str) {
    let group = "rbac.authorization.k8s.io";
    let name = format!("{verb}-{resource}");
    let role = json!({
        "metadata": { "name": name },
        "rules": [{ "apiGroups": ["", "apps"], "resources": [resource], "verbs": [verb] }],
    });
    let binding = json!({
        "metadata": { "name": name },
        "roleRef": { "apiGroup": group, "kind": "Role", "name": name },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": user }],
    });
    for (kind, object) in [("Role", role), ("RoleBinding", binding)] {
        let object = serde_json::from_value(object).unwrap();
        let api = world.objects(group, "v1", kind);
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
}

/// As in a namespace that was named by mistake.
#[tokio::test]
async fn without_records_nothing_is_stopped_or_switched() {
    let world = World::create_labelled("move-none", json!({ UNGUARDED: "" })).await;
    let deployments = world.objects("apps", "v1", "Deployment");
    let object = serde_json::from_value(tiller(&world, "default")).unwrap();
    let made = deployments.create(&PostParams::default(), &object).await;
    let made = value(&made.unwrap());
    for words in [&["--to=secrets", "--dry-run"][..], &["--to=secrets"]] {
        let done = moved(&kubeconfig(), "move-none", words).await;
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        assert!(!done.stdout.contains("done"), "{}", done.stdout);
        let now = value(&deployments.get("tiller-deploy").await.unwrap());
        assert_eq!(
            now["metadata"]["generation"],
            made["metadata"]["generation"]
        );
        if words.len() == 1 {
            let told = "no release is recorded in move-none: nothing was changed\n";
            assert!(done.stdout.ends_with(told), "{}", done.stdout);
        }
    }
    for words in [&["--check"][..], &[], &["--print-roles", "--user=ada"]] {
        let words = [
            &["releases", "migrate", "--to=helm3", "-n", "move-none"],
            words,
        ]
        .concat();
        let done = run_at(&kubeconfig(), &words).await;
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (Some(0), ""),
            "{}",
            done.stderr
        );
        assert!(
            done.stderr
                .starts_with("no release is recorded in move-none;"),
            "{}",
            done.stderr
        );
    }
}
