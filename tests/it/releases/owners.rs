//! A release has one owner, Tiller or Helm 3: what `migrate` and `restore` do so that it does not get two, and what they say if it has.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tiller_guard::releases::helm3::read_object;

use super::migrated::{at, migrated, names, world};
use super::moved::{create, found, kubeconfig};
use crate::api_server::{World, cluster, value};
use crate::offline::Run;
use crate::provision::proxy::{Asked, Fate, Proxy, killed_after, run_at};

/// Refuses the copy of this number, and all after it.
fn fails_from(asked: &[Asked], number: usize) -> Fate {
    let creates = |it: &&Asked| it.method == "POST" && it.path.ends_with("/configmaps");
    let before = asked.iter().filter(creates).count();
    if before >= number && creates(&asked.last().unwrap()) {
        Fate::Fails(422)
    } else {
        Fate::Passes
    }
}

/// Runs this in the middle of a request.
fn meanwhile<T>(work: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(work))
}

/// With one copy made, which is deleted again too.
#[tokio::test]
async fn helm_3_does_not_keep_what_cannot_be_set_aside() {
    let world = world("owners-aside", &["plain"]).await;
    let before = found(&world).await;
    let fails = |asked: &[Asked]| fails_from(asked, 2);
    let proxy = Proxy::start(world.client.clone(), fails).await;
    let run = migrated(&proxy.kubeconfig(), "owners-aside", &[]).await;
    assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
    let told = "; Helm 3's records of it were deleted again; run this again to go on\n";
    assert!(run.stderr.ends_with(told), "{}", run.stderr);
    assert_eq!(found(&world).await, before);
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
}

/// Nothing of Helm 3's is deleted that was there before.
#[tokio::test]
async fn what_was_there_before_stays_and_is_named() {
    let world = world("owners-kept", &["plain"]).await;
    let kept = migrated(&kubeconfig(), "owners-kept", &["--keep", "--max=1"]).await;
    assert_eq!(kept.code, Some(0), "{}{}", kept.stdout, kept.stderr);
    let fails = |asked: &[Asked]| fails_from(asked, 1);
    let proxy = Proxy::start(world.client.clone(), fails).await;
    let run = migrated(&proxy.kubeconfig(), "owners-kept", &[]).await;
    assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
    let told = "; Helm 3 has records of it too: finish its migration, or delete them with: tiller-guard releases restore plain -n \
                owners-kept; run this again to go on\n";
    assert!(run.stderr.ends_with(told), "{}", run.stderr);
    let left = names(&world, "Secret", "owner=helm").await;
    assert_eq!(left, ["sh.helm.release.v1.plain.v4"]);
}

#[tokio::test]
async fn an_object_with_the_name_of_a_copy_is_named_first() {
    let world = world("owners-way", &["plain"]).await;
    let stray = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "plain.v1.migrated" }, "data": { "a": "b" },
    });
    create(&world, stray).await;
    for words in [&["--check"][..], &[]] {
        let run = migrated(&kubeconfig(), "owners-way", words).await;
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        let told = "plain: not ready: another record is in the way: ConfigMap plain.v1.migrated; rename or delete it\n";
        assert!(run.stdout.starts_with(told), "{}", run.stdout);
        assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    }
    let kept = migrated(&kubeconfig(), "owners-way", &["--keep"]).await;
    assert_eq!(kept.code, Some(0), "{}{}", kept.stdout, kept.stderr);
}

/// Gives a user all rights to a namespace's records but one, and runs `migrate` once the API server knows.
async fn migrated_without(world: &World, namespace: &str, (verb, resource): (&str, &str)) -> Run {
    let rbac = "rbac.authorization.k8s.io";
    let user = format!("without-{verb}-{resource}-{namespace}");
    let rule = |name: &str| {
        let verbs = ["create", "delete", "get", "list", "patch"].into_iter();
        let verbs: Vec<_> = verbs.filter(|it| (*it, name) != (verb, resource)).collect();
        json!({ "apiGroups": [""], "resources": [name], "verbs": verbs })
    };
    let rules = ["configmaps", "secrets", "pods"].map(rule);
    let apps = json!({ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get"] });
    let rules = [&rules[..], &[apps]].concat();
    let granted = json!({ "metadata": { "name": user }, "rules": rules });
    let binding = json!({
        "metadata": { "name": user },
        "roleRef": { "apiGroup": rbac, "kind": "Role", "name": user },
        "subjects": [{ "apiGroup": rbac, "kind": "User", "name": user }],
    });
    for (kind, object) in [("Role", granted), ("RoleBinding", binding)] {
        let object = serde_json::from_value(object).unwrap();
        let api = world.objects(rbac, "v1", kind);
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    let user = cluster()
        .kubeconfig_as(&user)
        .unwrap()
        .display()
        .to_string();
    let mut run = migrated(&user, namespace, &["--check"]).await;
    // The authorizer needs a moment to see a new binding.
    for _ in 0..50 {
        if run.stdout.contains("ready: ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        run = migrated(&user, namespace, &["--check"]).await;
    }
    let told = format!("plain: not ready: you may not {verb} {resource} in {namespace}\n");
    assert_eq!((run.code, run.stdout), (Some(1), told), "{}", run.stderr);
    migrated(&user, namespace, &[]).await
}

#[tokio::test]
async fn a_missing_right_is_found_before_the_first_write() {
    let world = world("owners-rights", &["plain"]).await;
    for verb in ["create", "delete"] {
        let run = migrated_without(&world, "owners-rights", (verb, "configmaps")).await;
        let told = format!(
            "error: you may not {verb} configmaps in owners-rights; ask an administrator for that right in owners-rights\n"
        );
        assert_eq!((run.code, run.stderr), (Some(4), told));
    }
    for verb in ["create", "get"] {
        let run = migrated_without(&world, "owners-rights", (verb, "secrets")).await;
        let told = format!("plain: not ready: you may not {verb} secrets in owners-rights\n");
        assert_eq!((run.code, run.stdout), (Some(1), told));
    }
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await.len(), 4);
}

/// After a kill between the records of Helm 3, both have the release. That is said, and can be undone.
#[tokio::test]
async fn what_a_killed_run_has_left_is_named_and_deleted() {
    let world = world("owners-killed", &["plain"]).await;
    let before = found(&world).await;
    let words = ["releases", "migrate", "-n", "owners-killed", "--to=helm3"];
    let _killed = killed_after(2, world.client.clone(), &words).await;
    assert_ne!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    let checked = migrated(&kubeconfig(), "owners-killed", &["--check"]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let told = "plain: ready: 4 revisions for owners-killed\n  note: Helm 3 has records of it too: finish its migration, or delete \
                them with: tiller-guard releases restore plain -n owners-killed\n";
    assert_eq!(checked.stdout, told);
    let dry = at("owners-killed", &["restore", "plain", "--dry-run"]).await;
    assert!(
        dry.stdout.ends_with(" of Helm 3 to be deleted\n"),
        "{}",
        dry.stdout
    );
    assert_ne!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    let back = at("owners-killed", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    assert!(
        back.stdout.starts_with("plain: Tiller has it still: "),
        "{}",
        back.stdout
    );
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    assert_eq!(found(&world).await, before);
}

/// A release that Tiller has installed anew is none that Helm 3 has.
#[tokio::test]
async fn what_helm_3_has_of_another_install_is_not_deleted() {
    let world = world("owners-anew", &["plain"]).await;
    let run = migrated(&kubeconfig(), "owners-anew", &["--keep", "--max=1"]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let maps = world.objects("", "v1", "ConfigMap");
    for name in names(&world, "ConfigMap", "OWNER=TILLER").await {
        let record = value(&maps.get(&name).await.unwrap());
        let text = record["data"]["release"].as_str().unwrap();
        let mut release = tiller_guard::releases::decode(text.as_bytes()).unwrap();
        let info = release.info.get_or_insert_default();
        info.first_deployed.get_or_insert_default().seconds += 1;
        let text = tiller_guard::releases::encode(&release).unwrap();
        let text = Patch::Merge(json!({ "data": { "release": text } }));
        let parameters = PatchParams::default();
        let _patched = maps.patch(&name, &parameters, &text).await.unwrap();
    }
    let back = at("owners-anew", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(1), "{}{}", back.stdout, back.stderr);
    let left = names(&world, "Secret", "owner=helm").await;
    assert_eq!(left, ["sh.helm.release.v1.plain.v4"]);
}

/// A Tiller that is not seen deletes the release once it is copied.
#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn a_purge_meanwhile_is_no_success() {
    let world = world("owners-purged", &["plain"]).await;
    let maps = world.objects("", "v1", "ConfigMap");
    let purges = move |asked: &[Asked]| {
        let deletes = |it: &&Asked| it.method == "DELETE" && it.path.contains("/configmaps/");
        let number = asked.iter().filter(deletes).count();
        if number == 1 && deletes(&asked.last().unwrap()) {
            for revision in 1..5 {
                let name = format!("plain.v{revision}");
                let _gone = meanwhile(maps.delete(&name, &DeleteParams::default())).unwrap();
            }
        }
        Fate::Passes
    };
    let proxy = Proxy::start(world.client.clone(), purges).await;
    let run = migrated(&proxy.kubeconfig(), "owners-purged", &[]).await;
    assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
    let told =
        "error: plain: Helm 3 has it now, but somebody else deleted Tiller's records meanwhile.";
    assert!(run.stderr.starts_with(told), "{}", run.stderr);
    assert_eq!(names(&world, "Secret", "owner=helm").await.len(), 4);
    assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await.len(), 4);
}

/// A revision that Helm 3 makes after `restore` has looked.
async fn upgraded_at(namespace: &'static str, deletion: usize, revision: usize) -> (World, Run) {
    let world = world(namespace, &["plain"]).await;
    let run = migrated(&kubeconfig(), namespace, &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let secrets = world.objects("", "v1", "Secret");
    let newest = value(&secrets.get("sh.helm.release.v1.plain.v4").await.unwrap());
    let mut next = newest.clone();
    let name = format!("sh.helm.release.v1.plain.v{revision}");
    next["metadata"] = json!({ "name": name, "labels": newest["metadata"]["labels"] });
    next["metadata"]["labels"]["version"] = json!(revision.to_string());
    let mut release = read_object(&next).unwrap();
    release["info"]["last_deployed"] = json!("2031-01-01T00:00:00Z");
    release["version"] = json!(revision);
    let text = tiller_guard::releases::compress(release.to_string().as_bytes()).unwrap();
    next["data"]["release"] = json!(STANDARD.encode(text));
    let next = serde_json::from_value(next).unwrap();
    let upgrades = move |asked: &[Asked]| {
        let deletes = |it: &&Asked| it.method == "DELETE" && it.path.contains("/secrets/");
        let number = asked.iter().filter(deletes).count();
        if number == deletion && deletes(&asked.last().unwrap()) {
            meanwhile(secrets.create(&PostParams::default(), &next)).unwrap();
        }
        Fate::Passes
    };
    let proxy = Proxy::start(world.client.clone(), upgrades).await;
    let words = ["releases", "restore", "plain", "-n", namespace];
    let back = run_at(&proxy.kubeconfig(), &words).await;
    (world, back)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 16)]
async fn an_upgrade_by_helm_3_meanwhile_is_named() {
    // Once the newest is deleted, Helm 3 makes another of its number.
    for (namespace, deletion, revision) in [
        ("owners-upgrade-a", 1, 5),
        ("owners-upgrade-b", 4, 5),
        ("owners-upgrade-c", 2, 4),
    ] {
        let (world, back) = upgraded_at(namespace, deletion, revision).await;
        assert_eq!(back.code, Some(4), "{}{}", back.stdout, back.stderr);
        let told = format!(
            "error: plain: Helm 3 has changed Secret {namespace}/sh.helm.release.v1.plain.v{revision} at the same time: Tiller and Helm 3 both \
             have the release now; to leave it to Helm 3, run: tiller-guard releases migrate --to helm3 -n {namespace} plain\n"
        );
        assert_eq!(back.stderr, told);
        let left = migrated(&kubeconfig(), namespace, &["plain"]).await;
        assert_eq!(left.code, Some(0), "{}{}", left.stdout, left.stderr);
        assert_eq!(names(&world, "Secret", "owner=helm").await.len(), revision);
        let name = format!("sh.helm.release.v1.plain.v{revision}");
        let there = world.objects("", "v1", "Secret").get(&name).await.unwrap();
        let release = read_object(&value(&there)).unwrap();
        assert_eq!(release["info"]["last_deployed"], "2031-01-01T00:00:00Z");
        assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await, [""; 0]);
        assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await.len(), 4);
    }
}

#[tokio::test]
async fn a_newest_revision_that_helm_3_lost_is_named() {
    let world = world("owners-lost", &["plain"]).await;
    let run = migrated(&kubeconfig(), "owners-lost", &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let secrets = world.objects("", "v1", "Secret");
    let newest = "sh.helm.release.v1.plain.v4";
    let _gone = secrets.delete(newest, &DeleteParams::default()).await;
    let again = migrated(&kubeconfig(), "owners-lost", &[]).await;
    let told = "plain: migrated already: Tiller has no record of it since\n  note: revision 4 was migrated, but the newest that Helm 3 \
                has is 3; to migrate it anew, first give it back: tiller-guard releases restore plain -n owners-lost\n";
    assert_eq!(again.stdout, told, "{}", again.stderr);
    let back = at("owners-lost", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    let anew = migrated(&kubeconfig(), "owners-lost", &[]).await;
    assert_eq!(anew.code, Some(0), "{}{}", anew.stdout, anew.stderr);
    let there: Value = value(&secrets.get(newest).await.unwrap());
    assert_eq!(there["metadata"]["labels"]["status"], "deployed");
}

/// As somebody does who knows how `migrate` sets records aside, but not that it renames them.
#[tokio::test]
async fn records_that_were_relabelled_by_hand_can_be_given_back() {
    let world = world("owners-label", &["plain"]).await;
    let before = found(&world).await;
    let run = migrated(&kubeconfig(), "owners-label", &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let maps = world.objects("", "v1", "ConfigMap");
    let label = async |owner: &str| {
        for revision in 1..5 {
            let patch = Patch::Merge(json!({ "metadata": { "labels": { "OWNER": owner } } }));
            let name = format!("plain.v{revision}.migrated");
            let parameters = PatchParams::default();
            let _labelled = maps.patch(&name, &parameters, &patch).await.unwrap();
        }
    };
    label("TILLER").await;
    let listed = at("owners-label", &["list", "-o", "json"]).await;
    let problems = listed.json()["problems"].clone();
    let mut problems: Vec<_> = problems.as_array().unwrap().iter().collect();
    problems.sort_by_key(|it| it["problem"].as_str());
    let kinds: Vec<_> = problems.iter().map(|it| it["problem"].as_str()).collect();
    let expected = [vec![Some("label-differs"); 4], vec![Some("two-owners")]].concat();
    assert_eq!(kinds, expected, "{}", listed.stdout);
    assert_eq!(
        problems[0]["message"],
        "ConfigMap owners-label/plain.v1.migrated was set aside by a migration, and its label was changed by hand: Tiller finds it, \
         but looks for plain.v1"
    );
    assert_eq!(
        problems[0]["remedy"],
        "kubectl -n owners-label label configmap plain.v1.migrated OWNER=MIGRATED --overwrite; then give it back: tiller-guard \
         releases restore plain -n owners-label"
    );
    label("MIGRATED").await;
    let back = at("owners-label", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    assert_eq!(found(&world).await, before);
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
}
