//! Another kind, another version of the API, or a controller nobody knows.

use serde_json::json;
use tiller_guard::policy::WorkloadKind;

use super::{assert_no_unhardened_tiller, carrier, create, create_pod, doors, tiller, unmutated};
use crate::api_server::World;
use crate::api_server::refuse::assert_refused;

#[tokio::test]
async fn row_01_bare_pod_and_every_kind() {
    let world = unmutated("row-01").await;
    let mut kinds: Vec<WorkloadKind> = Vec::new();
    for (api, version) in doors(&world).await {
        if kinds.contains(&api.kind) {
            continue;
        }
        kinds.push(api.kind);
        let object = carrier(api.kind, &tiller(&world));
        let answer = create(&world, api.group, version, api.kind.as_str(), &object).await;
        let container = format!("{}/containers/0", api.kind.pod_spec_pointer());
        for rule in ["release-storage", "tls-disabled", "client-not-verified"] {
            assert_refused(answer.clone(), rule, &container);
        }
    }
    kinds.sort();
    assert_eq!(kinds, WorkloadKind::ALL);
    assert_no_unhardened_tiller(&world).await;
}

/// What is left of a custom workload when its controller has done its work is a pod.
#[tokio::test]
async fn row_02_custom_workloads() {
    let world = World::create("row-02").await;
    let mut pod = tiller(&world);
    pod["metadata"]["generateName"] = json!("tiller-");
    pod["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps.kruise.io/v1alpha1",
        "kind": "CloneSet",
        "name": "tiller",
        "uid": "c9b7b3f4-5f0e-4b8e-9d7c-0a1b2c3d4e5f",
        "controller": true,
    }]);
    let answer = create_pod(&world, &pod).await;
    assert_refused(answer.clone(), "this Pod is made from CloneSet tiller", "");
    assert_refused(answer, "tls-disabled", "/spec/containers/0");
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_03_old_api_groups() {
    let world = World::create("row-03").await;
    let mut template = tiller(&world);
    template["spec"]["hostNetwork"] = json!(true);
    let doors = doors(&world).await;
    for (api, version) in &doors {
        let object = carrier(api.kind, &template);
        let answer = create(&world, api.group, version, api.kind.as_str(), &object).await;
        let path = format!("{}/hostNetwork", api.kind.pod_spec_pointer());
        assert_refused(answer, "host-access", &path);
    }
    assert!(
        doors.len() >= WorkloadKind::ALL.len(),
        "only {}",
        doors.len()
    );
    assert_no_unhardened_tiller(&world).await;
}
