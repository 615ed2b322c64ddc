//! Records of releases, as Tiller wrote them before it was hardened.

use serde_json::{Value, json};

use super::{create, delete, eventually, tiller};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster};

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
    delete(&before, "ConfigMap", "web.v1").await;
    let stored = eventually("Tiller without records", || async {
        create(&before, &tiller(&before, "tiller")).await.ok()
    })
    .await;
    assert!(storage(&stored).contains("--storage=secret"), "{stored:#}");
}
