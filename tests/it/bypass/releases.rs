//! Releases that are recorded elsewhere, and a Tiller beside another.

use kube::api::PostParams;
use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, create, eventually, list, tiller, tillers};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster, kubernetes_from, status};
use crate::cluster::get;
use crate::knowledge::{self, refusal, teams};

fn record(name: &str) -> Value {
    json!({
        "metadata": {
            "name": name,
            "labels": { "NAME": "web", "OWNER": "TILLER", "STATUS": "DEPLOYED", "VERSION": "1" },
        },
    })
}

/// How often a rule found something.
fn found(rule: &str) -> u64 {
    let metrics = get(cluster().guard().unwrap().health, "/metrics").unwrap();
    let start = format!(
        "tiller_guard_admission_findings_total{{webhook=\"validate\",rule=\"{rule}\",mode=\"enforce\"}} "
    );
    let line = metrics.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0, |count| count.parse().unwrap())
}

/// It is let in, since Tiller installs what it cannot record all the same, and told.
#[tokio::test]
async fn row_56_records_of_a_hidden_tiller() {
    let world = World::create("row-56").await;
    let before = found("release-record");
    let mut secret = record("web.v1");
    secret["data"] = json!({ "release": "SDRzSQ==" });
    create(&world, "", "v1", "Secret", &secret).await.unwrap();
    let mut expected = before + 1;
    // Before 1.15 labels do not choose what is asked about.
    if kubernetes_from(15) {
        let mut map = record("web.v1");
        map["data"] = json!({ "release": "H4sI" });
        create(&world, "", "v1", "ConfigMap", &map).await.unwrap();
        expected += 1;
    }
    assert!(found("release-record") >= expected, "{before} {expected}");
    let log = eventually("line in the log", || async {
        let log = cluster().guard().unwrap().server.log();
        let told = log.lines().any(|line| {
            line.contains("release-record") && line.contains("row-56") && line.contains("admin")
        });
        told.then_some(log)
    })
    .await;
    assert!(!log.contains("SDRzSQ") && !log.contains("H4sI"));
}

#[tokio::test]
async fn row_59_second_tillers() {
    let world = World::create("row-59").await;
    world.install(world.helm_init("2.17.0-sa-ns")).await;
    let mut second = knowledge::tiller(&world, "tiller");
    second["metadata"]["name"] = json!("releases");
    let answer = refusal(&world, &second).await;
    assert_refused(answer, "second-tiller", "/metadata/namespace");
    let mut pod = tiller(&world);
    pod["metadata"]["name"] = json!("releases");
    let answer = create(&world, "", "v1", "Pod", &pod).await;
    assert_refused(answer, "second-tiller", "/metadata/namespace");
    if cluster().has_controllers() {
        eventually("pod of the first", || async { tillers(&world).await.pop() }).await;
    }
    assert_no_unhardened_tiller(&world).await;
    assert_eq!(list(&world, "apps", "v1", "Deployment").await.len(), 1);
}

#[tokio::test]
async fn row_59_second_tillers_of_a_target_namespace() {
    let world = World::create("row-59-target").await;
    let guard = teams::guards_namespace().await;
    let data = json!({
        "tiller-namespace": "row-59-home", "service-account": "tiller", "target-namespaces": "row-59-target",
    });
    knowledge::create(&guard, &teams::team("row-59", &data))
        .await
        .unwrap();
    let answer = refusal(&world, &knowledge::tiller(&world, "tiller")).await;
    assert_refused(
        answer,
        "second-tiller",
        "the Tiller of team row-59 in row-59-home",
    );
    assert_no_unhardened_tiller(&world).await;
    knowledge::delete(&guard, "ConfigMap", "row-59").await;
}

/// As `harden` and `provision` write it: the manifest says Secrets already.
#[tokio::test]
async fn row_70_a_hardened_tiller_that_would_not_see_releases() {
    let unguarded = super::unguarded("row-70").await;
    let mut map = record("web.v1");
    map["data"] = json!({ "release": "H4sI" });
    create(&unguarded, "", "v1", "ConfigMap", &map)
        .await
        .unwrap();
    super::guard(&unguarded).await;
    let mut tiller = knowledge::tiller(&unguarded, "tiller");
    tiller["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["--storage=secret"]);
    let answer = refusal(&unguarded, &tiller).await;
    assert_refused(
        answer,
        "storage-switch",
        "row-70 has 1 release record in ConfigMaps",
    );
    assert_no_unhardened_tiller(&unguarded).await;
}

/// What is in a database is hidden by the switch to Secrets, whatever the new manifest says.
#[tokio::test]
async fn row_70_an_update_that_leaves_a_database() {
    let world = super::unguarded("row-70-database").await;
    let mut tiller = knowledge::tiller(&world, "tiller");
    let args = "/spec/template/spec/containers/0/args";
    let container = &mut tiller["spec"]["template"]["spec"]["containers"][0];
    container["args"] = json!(["--storage=sql", "--sql-dialect=postgres"]);
    let mut stored = world.install(tiller).await;
    super::guard(&world).await;
    for storage in ["--storage=secret", "--storage=configmap"] {
        *stored.pointer_mut(args).unwrap() = json!([storage]);
        let object = serde_json::from_value(stored.clone()).unwrap();
        let deployments = world.deployments();
        let name = "tiller-deploy";
        let answer = deployments
            .replace(name, &PostParams::default(), &object)
            .await;
        assert_refused(
            status(answer),
            "storage-switch",
            "Tiller would no longer see the releases in its database",
        );
    }
}
