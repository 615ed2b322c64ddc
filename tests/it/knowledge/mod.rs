//! What the guard of a real API server knows of it, and what it makes of that.
//!
//! A watch tells of a write within milliseconds, of a loaded machine's within a second: what is to be refused by what was
//! written before is tried until it is.

mod certificates;
mod interruptions;
mod odd_answers;
mod odd_pages;
mod odd_servers;
mod orders;
mod outages;
pub(crate) mod path;
mod races;
mod records;
mod soak;
pub(crate) mod teams;

use std::path::Path;
use std::time::Duration;

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::Status;
use serde_json::{Value, json};

use crate::api_server::{World, cluster, status};
use crate::cluster::{Folder, Guard, User, resource};
use crate::server::client::Client;
use crate::suite::{Feature, trial};

type Answer = Result<Value, Box<Status>>;

/// An account whose name tells nobody that it is a Tiller's.
const ACCOUNT: &str = "releases";

/// A guard of a test's own, registered nowhere, that reaches the cluster as this user, by the API server's port or
/// another. It is not waited for.
pub(crate) fn another_guard(words: &[&str], user: User, port: Option<u16>) -> (Guard, Folder) {
    let program = Path::new(env!("CARGO_BIN_EXE_tiller-guard"));
    let started = cluster().another_guard(program, words, user, port);
    started.unwrap()
}

/// What a guard says to the creation of an object in a namespace; nothing where it lets it in.
pub(crate) async fn asked(guard: &Guard, namespace: &str, object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": { "group": group(kind), "version": "v1", "kind": kind },
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": { "username": "ann" },
            "object": object,
        },
    });
    let mut client = Client::connect(guard.address).await.unwrap();
    let reply = client.review(&review.to_string()).await.unwrap();
    let answer: Value = serde_json::from_str(reply.text()).unwrap();
    let message = answer["response"]["status"]["message"].as_str();
    message.unwrap_or_default().to_owned()
}

fn group(kind: &str) -> &'static str {
    match kind {
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            "rbac.authorization.k8s.io"
        }
        "Deployment" | "DaemonSet" => "apps",
        _ => "",
    }
}

/// Where objects of a kind are written; those of the cluster in no namespace.
pub(crate) fn api(world: &World, kind: &str) -> Api<DynamicObject> {
    let resource = resource(group(kind), "v1", kind);
    if kind.starts_with("Cluster") || kind == "Namespace" {
        Api::all_with(world.client.clone(), &resource)
    } else {
        Api::namespaced_with(world.client.clone(), &world.namespace, &resource)
    }
}

/// Writes an object as it is given, with its kind.
pub(crate) async fn create(world: &World, object: &Value) -> Answer {
    let api = api(world, object["kind"].as_str().unwrap());
    let object = serde_json::from_value(object.clone()).unwrap();
    status(api.create(&PostParams::default(), &object).await)
}

/// What would be written, of which nothing stays.
async fn tried(world: &World, object: &Value) -> Answer {
    let api = api(world, object["kind"].as_str().unwrap());
    let object = serde_json::from_value(object.clone()).unwrap();
    status(trial(cluster().version(), &api, &object).await)
}

/// Asks until the object is refused, as it has to be once all is known that was written before, then writes it: the
/// refusal.
pub(crate) async fn refusal(world: &World, object: &Value) -> Answer {
    eventually(&format!("refusal of {object}"), || async {
        tried(world, object).await.err().map(drop)
    })
    .await;
    create(world, object).await
}

/// The same for a change of what is there.
pub(crate) async fn refused_change(world: &World, kind: &str, name: &str, patch: &Value) -> Answer {
    let (api, patch) = (api(world, kind), Patch::Merge(patch));
    if Feature::DryRun.is_in(cluster().version()) {
        let dry_run = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        eventually(&format!("refusal of a change of {kind} {name}"), || async {
            let answer = api.patch(name, &dry_run, &patch).await;
            status(answer).err().map(drop)
        })
        .await;
    } else {
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    status(api.patch(name, &PatchParams::default(), &patch).await)
}

pub(crate) async fn delete(world: &World, kind: &str, name: &str) {
    let api = api(world, kind);
    let _deleted = api.delete(name, &DeleteParams::default()).await.unwrap();
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    for _attempt in 0..600 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no {what} after 30 s");
}

pub(crate) fn role(name: &str, group: &str, resource: &str, verbs: &[&str]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": { "name": name },
        "rules": [{ "apiGroups": [group], "resources": [resource], "verbs": verbs }],
    })
}

/// A Role that makes whoever has it anybody.
pub(crate) fn wide_role(name: &str) -> Value {
    role(name, "", "serviceaccounts", &["impersonate"])
}

/// A RoleBinding of an account of its namespace.
pub(crate) fn binding(name: &str, role: &str, account: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": { "name": name },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role },
        "subjects": [{ "kind": "ServiceAccount", "name": account }],
    })
}

/// A Tiller by this account.
pub(crate) fn tiller(world: &World, account: &str) -> Value {
    let mut tiller = world.helm_init("2.17.0-sa-ns");
    tiller["kind"] = json!("Deployment");
    tiller["spec"]["template"]["spec"]["serviceAccountName"] = json!(account);
    tiller
}
