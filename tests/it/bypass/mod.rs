//! The ways around the guard, each tried against a real API server with its controllers: what is tried, the
//! reason of the refusal, and that no unhardened Tiller's pod is there afterwards.
//!
//! Each test is named by its row of the catalogue of bypasses.

mod callers;
mod carriers;
mod containers;
mod disguises;
mod drained;
mod environments;
mod exemptions;
mod frozen;
mod identities;
mod images;
mod launches;
mod mounts;
mod releases;
mod rights;
mod rows;
mod services;
mod starters;
mod starts;
mod surroundings;
mod updates;
mod veterans;

use std::time::Duration;

use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tiller_guard::policy::{APIS, WorkloadKind};

use crate::api_server::{World, cluster, status, value};
use crate::cluster::{UNGUARDED, UNMUTATED, resource};
use crate::policy::generate::object;
use crate::suite::trial;

/// A namespace in which only the validating webhook is asked, as everywhere when the mutating one is down:
/// what would come out hardened is refused there.
async fn unmutated(namespace: &str) -> World {
    World::create_labelled(namespace, json!({ UNMUTATED: "" })).await
}

/// A namespace as it was before the webhooks were registered, until [`guard`].
async fn unguarded(namespace: &str) -> World {
    World::create_labelled(namespace, json!({ UNGUARDED: "" })).await
}

/// Has the webhooks asked about the namespace from now on.
pub(crate) async fn guard(world: &World) {
    let namespaces: Api<DynamicObject> =
        Api::all_with(world.client.clone(), &resource("", "v1", "Namespace"));
    let patch = Patch::Merge(json!({ "metadata": { "labels": { UNGUARDED: null } } }));
    let _labelled = namespaces
        .patch(&world.namespace, &PatchParams::default(), &patch)
        .await
        .unwrap();
    let mut probe = object(WorkloadKind::PodTemplate, &json!({}), tiller(world));
    probe["metadata"] = json!({ "generateName": "guarded-" });
    probe["template"]["spec"]["hostNetwork"] = json!(true);
    for _attempt in 0..400 {
        if let Err(status) = create(world, "", "v1", "PodTemplate", &probe).await {
            let reasons = ["host-access", "tiller-frozen"];
            let mut told = reasons.iter();
            assert!(told.any(|it| status.message.contains(it)), "{status:?}");
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the webhooks are not asked about {}", world.namespace);
}

/// The pod template of `helm init`. Its account's token is left out, since whether there is one yet is the
/// controllers' matter.
fn tiller(world: &World) -> Value {
    let mut template = world.helm_init("2.17.0-sa-ns")["spec"]["template"].clone();
    template["spec"]["automountServiceAccountToken"] = json!(false);
    template
}

/// The pod template of a pod that is none of our business.
fn web() -> Value {
    json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [{ "name": "web", "image": "web:1" }],
        },
    })
}

/// An object of a kind around a pod template, with what its kind demands beside it.
fn carrier(kind: WorkloadKind, template: &Value) -> Value {
    let mut template = template.clone();
    let labels = template["metadata"]["labels"].clone();
    if matches!(kind, WorkloadKind::Job | WorkloadKind::CronJob) {
        template["spec"]["restartPolicy"] = json!("Never");
    }
    let mut carrier = object(kind, &json!({ "name": "tiller" }), template);
    match kind {
        WorkloadKind::ReplicationController => carrier["spec"]["selector"] = labels,
        WorkloadKind::Deployment
        | WorkloadKind::ReplicaSet
        | WorkloadKind::StatefulSet
        | WorkloadKind::DaemonSet => {
            carrier["spec"]["selector"] = json!({ "matchLabels": labels });
        }
        WorkloadKind::CronJob => carrier["spec"]["schedule"] = json!("@daily"),
        WorkloadKind::Pod
        | WorkloadKind::EphemeralContainers
        | WorkloadKind::PodTemplate
        | WorkloadKind::Job
        | WorkloadKind::Custom => {}
    }
    if kind == WorkloadKind::StatefulSet {
        carrier["spec"]["serviceName"] = json!("tiller");
    }
    carrier
}

/// Where a kind comes that carries a whole pod.
struct Door {
    kind: WorkloadKind,
    group: &'static str,
}

/// Every kind that carries a whole pod, in every group and version that this API server has.
async fn doors(world: &World) -> Vec<(Door, &'static str)> {
    let mut doors = Vec::new();
    let workloads = APIS
        .iter()
        .filter_map(|api| Some((api, api.kind.workload()?)));
    for (api, kind) in workloads.filter(|(_, kind)| WorkloadKind::ALL.contains(kind)) {
        for version in api.versions {
            let path = match api.group {
                "" => format!("/api/{version}"),
                group => format!("/apis/{group}/{version}"),
            };
            let request = hyper::Request::get(path).body(Vec::new()).unwrap();
            let Ok(list) = world.client.request::<Value>(request).await else {
                continue;
            };
            let resources = list["resources"].as_array().unwrap();
            if resources.iter().any(|it| it["name"] == api.resources[0]) {
                doors.push((
                    Door {
                        kind,
                        group: api.group,
                    },
                    *version,
                ));
            }
        }
    }
    doors
}

async fn create(
    world: &World,
    group: &str,
    version: &str,
    kind: &str,
    object: &Value,
) -> Result<Value, Box<kube::core::Status>> {
    let mut object = object.clone();
    object["apiVersion"] = match group {
        "" => json!(version),
        group => json!(format!("{group}/{version}")),
    };
    object["kind"] = json!(kind);
    let object = serde_json::from_value(object).unwrap();
    let api = world.objects(group, version, kind);
    status(api.create(&PostParams::default(), &object).await)
}

async fn create_pod(world: &World, pod: &Value) -> Result<Value, Box<kube::core::Status>> {
    create(world, "", "v1", "Pod", pod).await
}

/// What comes of a Tiller's pod that is written with a change to its template.
async fn tried(
    world: &World,
    change: impl FnOnce(&mut Value),
) -> Result<Value, Box<kube::core::Status>> {
    let mut pod = tiller(world);
    pod["metadata"]["name"] = json!("tiller");
    change(&mut pod);
    create_pod(world, &pod).await
}

/// What comes of a Tiller's container that is written with these fields set otherwise.
async fn tried_with(world: &World, fields: &Value) -> Result<Value, Box<kube::core::Status>> {
    tried(world, |pod| set(pod, fields)).await
}

/// Sets fields of a Tiller's container.
fn set(pod: &mut Value, fields: &Value) {
    for (field, value) in fields.as_object().unwrap() {
        pod["spec"]["containers"][0][field] = value.clone();
    }
}

/// A Tiller's pod as it would be stored with these fields of its container set otherwise. It is not, so that the next
/// is no second one.
async fn stored_with(world: &World, fields: &Value) -> Value {
    let mut pod = tiller(world);
    pod["metadata"]["name"] = json!("tiller");
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    set(&mut pod, fields);
    let pod = serde_json::from_value(pod).unwrap();
    let api = world.objects("", "v1", "Pod");
    let stored = status(trial(cluster().version(), &api, &pod).await);
    stored.unwrap_or_else(|status| panic!("{fields}: {status:?}"))
}

async fn list(world: &World, group: &str, version: &str, kind: &str) -> Vec<Value> {
    let api = world.objects(group, version, kind);
    let objects = api.list(&ListParams::default()).await.unwrap();
    objects.items.iter().map(value).collect()
}

/// Scales by the subresource.
async fn scale(world: &World, group: &str, kind: &str, name: &str, replicas: i32) {
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    let api = world.objects(group, "v1", kind);
    let scaled = api.patch_scale(name, &PatchParams::default(), &patch).await;
    assert_eq!(scaled.unwrap().spec.unwrap().replicas, Some(replicas));
}

/// Asks again and again until there is an answer.
async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    for _attempt in 0..1200 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no {what} after a minute");
}

/// Waits for an event about an object of the kind that tells the reason of a refusal.
async fn told_by_events(world: &World, kind: &str, reason: &str) -> String {
    eventually(&format!("event of a {kind} with {reason}"), || async {
        let events = list(world, "", "v1", "Event").await;
        events.iter().find_map(|event| {
            let message = event["message"].as_str()?;
            let told = event["involvedObject"]["kind"] == kind && message.contains(reason);
            told.then(|| message.to_owned())
        })
    })
    .await
}

/// The pods that are, or are labelled as, a Tiller.
async fn tillers(world: &World) -> Vec<Value> {
    let mut pods = list(world, "", "v1", "Pod").await;
    pods.retain(|pod| {
        let spec = &pod["spec"];
        let labelled = pod["metadata"]["labels"]["name"] == "tiller";
        let lists = ["containers", "initContainers", "ephemeralContainers"];
        labelled
            || lists
                .iter()
                .any(|list| spec[list].to_string().contains("tiller"))
    });
    pods
}

/// Whether a pod is one Tiller that verifies its clients and keeps its releases in Secrets.
fn is_hardened(pod: &Value) -> bool {
    let spec = &pod["spec"];
    let containers = spec["containers"].as_array().unwrap();
    let args = containers[0]["args"].to_string();
    containers.len() == 1
        && spec.get("initContainers").is_none()
        && spec.get("ephemeralContainers").is_none()
        && containers[0]["command"] == json!(["/tiller"])
        && args.contains("\"--storage=secret\"")
        && args.contains("\"--tls-verify=true\"")
        && spec["serviceAccountName"] == "tiller"
}

async fn assert_no_unhardened_tiller(world: &World) {
    for pod in tillers(world).await {
        assert!(is_hardened(&pod), "{pod:#}");
    }
}
