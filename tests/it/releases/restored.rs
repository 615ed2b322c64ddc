//! What `migrate` does beside other Tillers, and what `restore` gives back.

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::list_of;
use super::migrated::{at, helm, into, migrated, names, world};
use super::moved::{create, found, kubeconfig};
use crate::api_server::{World, value};
use crate::cluster::UNGUARDED;
use crate::provision::proxy::{Asked, Fate, Proxy};

/// The records of Helm 2 come back as they were, and migrating is possible again.
#[tokio::test]
async fn records_come_back_to_the_byte() {
    let world = world("restore-bytes", &["plain"]).await;
    let before = found(&world).await;
    for _ in 0..2 {
        let run = migrated(&kubeconfig(), "restore-bytes", &[]).await;
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        let aside = names(&world, "ConfigMap", "OWNER=MIGRATED,NAME=plain").await;
        assert_eq!(
            aside,
            [
                "plain.v1.migrated",
                "plain.v2.migrated",
                "plain.v3.migrated",
                "plain.v4.migrated"
            ]
        );
        let dry = at("restore-bytes", &["restore", "plain", "--dry-run"]).await;
        assert_eq!(dry.stdout, "plain: ready: 4 records\n", "{}", dry.stderr);
        let back = at("restore-bytes", &["restore", "plain"]).await;
        assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
        assert_eq!(found(&world).await, before);
        assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    }
    let nothing = at("restore-bytes", &["restore", "plain"]).await;
    assert_eq!(nothing.code, Some(1));
    assert_eq!(
        nothing.stdout,
        "plain: not ready: nothing of it is set aside in restore-bytes\n"
    );
}

/// Earlier versions set records aside by their label alone.
#[tokio::test]
async fn what_was_hidden_by_its_label_comes_back() {
    let world = world("restore-label", &["plain"]).await;
    let before = found(&world).await;
    let maps = world.objects("", "v1", "ConfigMap");
    for name in names(&world, "ConfigMap", "OWNER=TILLER").await {
        let hidden = Patch::Merge(json!({ "metadata": { "labels": { "OWNER": "MIGRATED" } } }));
        let parameters = PatchParams::default();
        let _hidden = maps.patch(&name, &parameters, &hidden).await.unwrap();
    }
    let listed = at("restore-label", &["list"]).await;
    assert!(
        listed
            .stdout
            .contains("set aside: 4 records of plain in configmaps"),
        "{}",
        listed.stdout
    );
    let again = migrated(&kubeconfig(), "restore-label", &["plain"]).await;
    assert_eq!(again.code, Some(1), "{}", again.stdout);
    let told = "plain: not ready: it was migrated, and Helm 3 has no record of it in restore-label any more; to migrate it \
                anew, first give it back: tiller-guard releases restore plain -n restore-label\n";
    assert_eq!(again.stdout, told);
    let all = at("restore-label", &["restore", "--all"]).await;
    assert_eq!(all.code, Some(1), "{}{}", all.stdout, all.stderr);
    let told = "plain: not ready: Helm 3 has no record of it, so it was probably uninstalled; to give it back all the same, \
                name it: tiller-guard releases restore plain -n restore-label\n";
    assert_eq!(all.stdout, told);
    let bulk = migrated(&kubeconfig(), "restore-label", &[]).await;
    assert_eq!(bulk.code, Some(0), "{}{}", bulk.stdout, bulk.stderr);
    let told = "plain: migrated before, and probably uninstalled since: Helm 3 has no record of it in restore-label\n";
    assert_eq!(bulk.stdout, told);
    let back = at("restore-label", &["restore", "plain"]).await;
    assert!(
        back.stdout
            .contains("; warning: Helm 3 has no record of it"),
        "{}",
        back.stdout
    );
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    assert_eq!(found(&world).await, before);
}

/// Tiller's next install of the name writes to its own objects, and what is set aside stays.
#[tokio::test]
async fn a_release_that_tiller_installs_anew_is_another() {
    let world = world("restore-anew", &["plain"]).await;
    let run = migrated(&kubeconfig(), "restore-anew", &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let before = found(&world).await;
    let other = list_of("2.17.0-configmap-k8s1.20");
    let other = other["items"].as_array().unwrap().iter();
    let other = other.clone().find(|it| it["metadata"]["name"] == "desc.v1");
    let mut anew = into(other.unwrap(), "restore-anew");
    anew["metadata"]["name"] = json!("plain.v1");
    anew["metadata"]["labels"]["NAME"] = json!("plain");
    create(&world, anew).await;
    let back = at("restore-anew", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(1), "{}", back.stdout);
    assert_eq!(
        back.stdout,
        "plain: not ready: Tiller has recorded it anew: another record is in the way: ConfigMap plain.v1\n"
    );
    let after = found(&world).await;
    for (name, text) in before {
        assert_eq!(after.get(&name), Some(&text), "{name}");
    }
}

/// Two Tillers may have a release of one name in one namespace.
#[tokio::test(flavor = "multi_thread")]
async fn what_another_tiller_has_migrated_is_not_written_over() {
    let first = world("restore-one", &["plain"]).await;
    let second = World::create_labelled("restore-two", json!({ UNGUARDED: "" })).await;
    for record in list_of("2.17.0-configmap-k8s1.20")["items"]
        .as_array()
        .unwrap()
    {
        if record["metadata"]["labels"]["NAME"] == "plain" {
            create(&second, into(record, "restore-one")).await;
        }
    }
    // Its own revisions were deployed at other moments.
    let maps = second.objects("", "v1", "ConfigMap");
    for name in names(&second, "ConfigMap", "OWNER=TILLER").await {
        let record = value(&maps.get(&name).await.unwrap());
        let text = record["data"]["release"].as_str().unwrap();
        let mut release = tiller_guard::releases::decode(text.as_bytes()).unwrap();
        release
            .info
            .get_or_insert_default()
            .last_deployed
            .get_or_insert_default()
            .nanos = 1;
        let text = tiller_guard::releases::encode(&release).unwrap();
        let text = Patch::Merge(json!({ "data": { "release": text } }));
        let _patched = maps
            .patch(&name, &PatchParams::default(), &text)
            .await
            .unwrap();
    }
    let run = migrated(&kubeconfig(), "restore-one", &[]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let before = texts(&first).await;
    for words in [&["--check"][..], &[]] {
        let other = migrated(&kubeconfig(), "restore-two", words).await;
        assert_eq!(other.code, Some(1), "{}{}", other.stdout, other.stderr);
        let told = "plain: not ready: Helm 3 has a release of this name in restore-one, made of ConfigMap \
                    restore-one/plain.v1, a record of another Tiller: Secret sh.helm.release.v1.plain.v1";
        assert!(other.stdout.contains(told), "{}", other.stdout);
        assert_eq!(texts(&first).await, before);
        assert_eq!(names(&second, "ConfigMap", "OWNER=TILLER").await.len(), 4);
    }
    // Helm 3 has changed it since.
    helm(
        "helm-3.17",
        "restore-one",
        &["uninstall", "plain", "--no-hooks", "--keep-history"],
    );
    let back = at("restore-one", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(1), "{}{}", back.stdout, back.stderr);
    assert!(
        back.stdout
            .contains("plain: not ready: Helm 3 has changed it since: Secret restore-one/"),
        "{}",
        back.stdout
    );
    let other = migrated(&kubeconfig(), "restore-two", &[]).await;
    assert_eq!(other.code, Some(1), "{}{}", other.stdout, other.stderr);
}

async fn texts(world: &World) -> Vec<Value> {
    let helms = ListParams::default().labels("owner=helm");
    let secrets = world.objects("", "v1", "Secret");
    let secrets = secrets.list(&helms).await.unwrap();
    secrets.iter().map(|it| value(it)["data"].clone()).collect()
}

/// A Secret with the name of a record, which Helm 3 does not find.
#[tokio::test]
async fn a_secret_in_the_way_is_named_before_anything_is_written() {
    let world = world("restore-stray", &["plain"]).await;
    let stray = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "sh.helm.release.v1.plain.v2" },
        "data": { "release": "eHg=" },
    });
    create(&world, stray).await;
    for words in [&["--check"][..], &[]] {
        let run = migrated(&kubeconfig(), "restore-stray", words).await;
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        assert!(
            run.stdout.contains(
                "plain: not ready: Secret restore-stray/sh.helm.release.v1.plain.v2 is in the way"
            ),
            "{}",
            run.stdout
        );
        assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    }
}

fn deployment(replicas: u32) -> Value {
    let labels = json!({ "app": "helm", "name": "tiller" });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "tiller-deploy", "labels": labels },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }] },
            },
        },
    })
}

/// Nothing is taken from a Tiller that runs; one that has a release left is started again.
#[tokio::test]
async fn tiller_is_stopped_first() {
    let world = world("restore-tiller", &["plain", "desc"]).await;
    let deployments = world.objects("apps", "v1", "Deployment");
    let object = serde_json::from_value(deployment(2)).unwrap();
    deployments
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
    let replicas = async || {
        let found = value(&deployments.get("tiller-deploy").await.unwrap());
        found["spec"]["replicas"].as_u64().unwrap()
    };
    let run = migrated(&kubeconfig(), "restore-tiller", &["plain"]).await;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr
            .starts_with("error: Tiller runs in Deployment restore-tiller/tiller-deploy"),
        "{}",
        run.stderr
    );
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    let checked = migrated(&kubeconfig(), "restore-tiller", &["--check"]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert!(
        checked.stdout.contains(": migrate with --stop-tiller\n"),
        "{}",
        checked.stdout
    );
    let kept = migrated(&kubeconfig(), "restore-tiller", &["--keep", "plain"]).await;
    assert_eq!(kept.code, Some(0), "{}{}", kept.stdout, kept.stderr);
    assert_eq!(replicas().await, 2);
    // What no stop of the Deployment ends is seen before it.
    let mut second = deployment(1)["spec"]["template"].clone();
    second["apiVersion"] = json!("v1");
    second["kind"] = json!("Pod");
    second["spec"]["automountServiceAccountToken"] = json!(false);
    second["metadata"] = json!({ "name": "tiller-two-abc", "labels": { "app": "second" } });
    create(&world, second).await;
    let run = migrated(&kubeconfig(), "restore-tiller", &["--stop-tiller"]).await;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let told = "error: Tiller runs in Pod restore-tiller/tiller-two-abc; --stop-tiller stops Deployment tiller-deploy only, \
                which is left as it was";
    assert!(run.stderr.starts_with(told), "{}", run.stderr);
    assert_eq!(replicas().await, 2);
    let at_once = DeleteParams::default().grace_period(0);
    let _gone = world
        .objects("", "v1", "Pod")
        .delete("tiller-two-abc", &at_once)
        .await
        .unwrap();
    let one = migrated(&kubeconfig(), "restore-tiller", &["--stop-tiller", "plain"]).await;
    assert_eq!(one.code, Some(0), "{}{}", one.stdout, one.stderr);
    assert!(one.stdout.contains("is started again"), "{}", one.stdout);
    assert_eq!(replicas().await, 2);
    let all = migrated(&kubeconfig(), "restore-tiller", &["--stop-tiller"]).await;
    assert_eq!(all.code, Some(0), "{}{}", all.stdout, all.stderr);
    assert!(
        all.stdout.contains("is stopped, and stays so"),
        "{}",
        all.stdout
    );
    assert!(
        all.stdout.contains("plain: migrated already"),
        "{}",
        all.stdout
    );
    assert_eq!(replicas().await, 0);
}

/// A revision that a Tiller outside the cluster begins while records are set aside.
#[tokio::test(flavor = "multi_thread")]
async fn a_revision_begun_meanwhile_is_seen() {
    let world = world("restore-race", &["desc"]).await;
    let maps = world.objects("", "v1", "ConfigMap");
    let newest = value(&maps.get("desc.v2").await.unwrap());
    let mut next = newest.clone();
    next["metadata"] = json!({ "name": "desc.v3", "labels": newest["metadata"]["labels"] });
    let next = serde_json::from_value(next).unwrap();
    let begins = move |asked: &[Asked]| {
        let deletes = |it: &Asked| it.method == "DELETE" && it.path.contains("/configmaps/");
        let number = asked.iter().filter(|it| deletes(it)).count();
        if number == 1 && deletes(asked.last().unwrap()) {
            let (maps, next) = (maps.clone(), &next);
            tokio::task::block_in_place(|| {
                let create = async { maps.create(&PostParams::default(), next).await };
                tokio::runtime::Handle::current().block_on(create).unwrap();
            });
        }
        Fate::Passes
    };
    let proxy = Proxy::start(world.client.clone(), begins).await;
    let run = migrated(&proxy.kubeconfig(), "restore-race", &[]).await;
    assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
    assert!(
        run.stderr.contains(
            "error: desc: Tiller has begun another revision meanwhile; it was given back: stop Tiller in restore-race"
        ),
        "{}",
        run.stderr
    );
    assert_eq!(
        names(&world, "ConfigMap", "OWNER=TILLER").await,
        ["desc.v1", "desc.v2", "desc.v3"]
    );
    assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await, [""; 0]);
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
}

/// A Tiller whose records were moved since looks for them in the other storage.
#[tokio::test]
async fn records_go_where_tiller_looks_for_them() {
    let world = world("restore-moved", &["plain", "desc"]).await;
    let before = found(&world).await;
    let run = migrated(&kubeconfig(), "restore-moved", &["plain"]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let mut object = deployment(0);
    object["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["--storage=secret"]);
    object["spec"]["template"]["spec"]["containers"][0]["command"] = json!(["/tiller"]);
    let deployments = world.objects("apps", "v1", "Deployment");
    let object = serde_json::from_value(object).unwrap();
    deployments
        .create(&PostParams::default(), &object)
        .await
        .unwrap();
    let back = at("restore-moved", &["restore", "plain"]).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    let start = "kubectl -n restore-moved scale deployment tiller-deploy --replicas=1\n";
    assert!(back.stdout.ends_with(start), "{}", back.stdout);
    let after = found(&world).await;
    for (name, text) in before.iter().filter(|(name, _)| name.contains(" plain.v")) {
        let moved = name.replace("ConfigMap", "Secret");
        assert_eq!(after.get(&moved), Some(text), "{name}: {:?}", after.keys());
        assert_eq!(after.get(name), None);
    }
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await, [""; 0]);
    assert_eq!(
        names(&world, "Secret", "OWNER=TILLER,NAME=plain")
            .await
            .len(),
        4
    );
}
