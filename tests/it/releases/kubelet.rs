//! Stands in for a kubelet: no node runs pods in the tests' cluster.

use std::time::Duration;

use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::api_server::World;

/// Makes the pods of a namespace ready, as a kubelet does, until it is aborted. Those that failed stay so.
pub(crate) fn play_kubelet(world: &World) -> JoinHandle<()> {
    let pods = world.objects("", "v1", "Pod");
    tokio::spawn(async move {
        let ready = json!({ "status": { "phase": "Running", "conditions": [
            { "type": "Ready", "status": "True" },
        ] } });
        loop {
            for pod in pods.list(&ListParams::default()).await.unwrap() {
                if pod.data["status"]["phase"] == "Failed" {
                    continue;
                }
                let name = pod.metadata.name.unwrap();
                let patch = Patch::Merge(&ready);
                pods.patch_status(&name, &PatchParams::default(), &patch)
                    .await
                    .ok();
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    })
}
