//! Records of releases, as Tiller wrote them before it was hardened.

use serde_json::{Value, json};

use super::{another_guard, asked, create, delete, eventually, tiller};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster};
use crate::cluster::{Folder, User, get};
use crate::policy::corpus::canonical;

fn storage(answer: &Value) -> String {
    answer["spec"]["template"]["spec"]["containers"][0]["args"].to_string()
}

/// A record in a ConfigMap from before the guard: hidden by the switch to Secrets.
#[tokio::test]
async fn a_storage_switch_that_would_hide_releases_is_refused() {
    cluster();
    let labels = json!({ crate::cluster::UNGUARDED: "" });
    let before = World::create_labelled("records", labels).await;
    let record = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "web.v1",
            "labels": { "OWNER": "TILLER", "NAME": "web", "STATUS": "DEPLOYED", "VERSION": "1" },
        },
        "data": { "release": "H4sIAAAAAAAC".repeat(1000) },
    });
    create(&before, &record).await.unwrap();
    let namespaces = super::api(&before, "Namespace");
    let guarded = json!({ "metadata": { "labels": { crate::cluster::UNGUARDED: null } } });
    let patch = kube::api::Patch::Merge(guarded);
    let _guarded = namespaces
        .patch("records", &kube::api::PatchParams::default(), &patch)
        .await
        .unwrap();
    // Until both the namespace's label and the record are known.
    let answer = eventually("refusal", || async {
        let answer = create(&before, &tiller(&before, "tiller")).await;
        if answer.is_ok() {
            delete(&before, "Deployment", "tiller-deploy").await;
        }
        answer.is_err().then_some(answer)
    })
    .await;
    assert_refused(answer, "storage-switch", "/spec/template/spec/containers/0");
    // As `harden` and `provision` write it.
    let mut hardened = tiller(&before, "tiller");
    let container = &mut hardened["spec"]["template"]["spec"]["containers"][0];
    container["args"] = json!(["--storage=secret"]);
    container["command"] = json!(["/tiller"]);
    let answer = create(&before, &hardened).await;
    let records = "records has 1 release record in ConfigMaps";
    assert_refused(answer, records, "/spec/template/spec/containers/0");
    delete(&before, "ConfigMap", "web.v1").await;
    let stored = eventually("Tiller without records", || async {
        create(&before, &tiller(&before, "tiller")).await.ok()
    })
    .await;
    assert!(storage(&stored).contains("--storage=secret"), "{stored:#}");
}

/// Records in Secrets, which nothing watches: they are counted when a Tiller comes that would not see them.
#[tokio::test]
async fn records_in_secrets_are_counted_for_a_tiller_that_may_keep_its_own_elsewhere() {
    let world = World::create("secret-records").await;
    let folder = Folder::create().unwrap();
    let policy = "apiVersion: tiller-guard.io/v1\nkind: Policy\nexceptions:\n- rule: release-storage\n  object: \
                  {kind: Deployment, namespace: secret-records, name: tiller-deploy}\n  reason: a test\n  expires: 2099-01-01\n";
    let policy = format!("--policy={}", folder.write("policy.yaml", policy).unwrap());
    let (guard, _folder) = another_guard(&["serve", &policy], User::Admin, None);
    eventually("guard that knows the cluster", || async {
        get(guard.health, "/readyz").ok()
    })
    .await;
    let mut tiller = canonical();
    tiller["metadata"]["namespace"] = json!("secret-records");
    let container = &mut tiller["spec"]["template"]["spec"]["containers"][0];
    container["args"][1] = json!("--storage=configmap");
    container["env"][0]["value"] = json!("secret-records");
    assert_eq!(asked(&guard, "secret-records", &tiller).await, "");
    for name in ["web.v1", "web.v2", "other"] {
        let owner = if name == "other" { "ANN" } else { "TILLER" };
        let secret = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": { "name": name, "labels": { "OWNER": owner } },
            "data": { "release": "SDRzSQ==" },
        });
        create(&world, &secret).await.unwrap();
    }
    let refusal = asked(&guard, "secret-records", &tiller).await;
    let told = "secret-records has 2 release records in Secrets; with --storage=configmap";
    assert!(refusal.contains(told), "{refusal}");
}

/// By their metadata alone, by a guard that may list Secrets too.
#[tokio::test]
async fn records_and_their_problems_are_counted_by_storage() {
    cluster();
    let unguarded = json!({ crate::cluster::UNGUARDED: "" });
    let world = World::create_labelled("records-counted", unguarded).await;
    for (kind, name, status) in [
        ("ConfigMap", "counted.v1", "DEPLOYED"),
        ("ConfigMap", "counted.v2", "DEPLOYED"),
        ("Secret", "counted.v3", "PENDING_UPGRADE"),
    ] {
        let labels =
            json!({ "OWNER": "TILLER", "NAME": "counted", "STATUS": status, "VERSION": "1" });
        let metadata = json!({ "name": name, "labels": labels });
        let record = json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata });
        create(&world, &record).await.unwrap();
    }
    let (guard, _folder) = another_guard(&["serve"], User::Admin, None);
    let counted = |line: &str| {
        let metrics = get(guard.health, "/metrics").ok()?;
        let line = format!("tiller_guard_{line} ");
        let count = metrics.lines().find_map(|it| it.strip_prefix(&line))?;
        count.parse::<u64>().ok()
    };
    // Other tests have records, too.
    for (storage, least) in [("secrets", 1), ("configmaps", 2)] {
        let line = format!("release_records{{storage=\"{storage}\"}}");
        let records = eventually("count", || async { counted(&line) }).await;
        assert!(records >= least, "{line} {records}");
    }
    for (storage, problem) in [
        ("configmaps", "two-deployed"),
        ("configmaps", "label-differs"),
        ("configmaps", "both-storages"),
        ("secrets", "both-storages"),
        ("secrets", "pending"),
    ] {
        let line = format!("release_problems{{storage=\"{storage}\",problem=\"{problem}\"}}");
        assert!(counted(&line).is_some_and(|it| it > 0), "{line}");
    }
    for (kind, name) in [
        ("ConfigMap", "counted.v1"),
        ("ConfigMap", "counted.v2"),
        ("Secret", "counted.v3"),
    ] {
        delete(&world, kind, name).await;
    }
}

/// The guard may list Secrets only where an administrator says so.
#[tokio::test]
async fn records_in_secrets_that_it_may_not_list_are_a_refusal() {
    let _world = World::create("secret-records-unread").await;
    let folder = Folder::create().unwrap();
    let policy = "apiVersion: tiller-guard.io/v1\nkind: Policy\nexceptions:\n- rule: release-storage\n  object: \
                  {kind: Deployment, namespace: secret-records-unread, name: tiller-deploy}\n  reason: a test\n  \
                  expires: 2099-01-01\n";
    let policy = format!("--policy={}", folder.write("policy.yaml", policy).unwrap());
    let (guard, _folder) = another_guard(&["serve", &policy], User::Stranger, None);
    eventually("guard that listens", || async {
        get(guard.health, "/metrics").ok()
    })
    .await;
    let mut tiller = canonical();
    tiller["metadata"]["namespace"] = json!("secret-records-unread");
    let container = &mut tiller["spec"]["template"]["spec"]["containers"][0];
    container["args"][1] = json!("--storage=configmap");
    container["env"][0]["value"] = json!("secret-records-unread");
    // Another test may give everybody a right for a moment.
    let refusal = eventually("refusal", || async {
        let refusal = asked(&guard, "secret-records-unread", &tiller).await;
        refusal.contains("may not list").then_some(refusal)
    })
    .await;
    for told in [
        "storage-switch: /spec/template/spec/containers/0/args: tiller-guard may not list the Secrets in secret-records-unread",
        "kubectl -n secret-records-unread create role tiller-guard-records --verb=list --resource=secrets",
    ] {
        assert!(refusal.contains(told), "{refusal}");
    }
}
