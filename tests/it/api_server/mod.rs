//! `helm init` against a real API server: what is stored, and what the person is told.

mod apply;
pub(crate) mod events;
pub(crate) mod expected;
mod install;
mod kinds;
mod not_tillers;
mod nulls;
pub(crate) mod refuse;
mod update;
mod validate;

use std::path::Path;
use std::sync::LazyLock;
use std::thread;

use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use kube::core::Status;
use serde_json::{Value, json};

use crate::cluster::{Cluster, User, resource};

/// What the guard of all tests goes by: namespaces of single tests, and images that no other test has.
const POLICY: &str = "apiVersion: tiller-guard.io/v1
kind: Policy
namespaces:
  row-72: {mode: freeze}
notTillers:
- image: registry.example.com/tools/tiller
  reason: a templating tool
- workload: {kind: Deployment, namespace: not-tillers, name: tiller}
  reason: controls a machine
";

/// Shared by all tests; each works in a namespace of its own. It ends with the process.
static CLUSTER: LazyLock<Result<Cluster, String>> = LazyLock::new(|| {
    let started = thread::spawn(|| {
        tokio::runtime::Runtime::new()?.block_on(async {
            let mut cluster = Cluster::start().await?;
            let [ca, name] = cluster.words_for_proof()?;
            let policy = format!("--policy={}", cluster.write("policy.yaml", POLICY)?);
            let program = Path::new(env!("CARGO_BIN_EXE_tiller-guard"));
            cluster
                .start_guard(program, &["serve", &policy, &ca, &name])
                .await?;
            cluster.register().await?;
            anyhow::Ok(cluster)
        })
    });
    started
        .join()
        .unwrap()
        .map_err(|error| format!("{error:#}"))
});

/// A namespace with a service account for Tiller.
pub(crate) struct World {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

pub(crate) fn cluster() -> &'static Cluster {
    CLUSTER.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

/// Whether the API server is of this version or newer.
pub(crate) fn kubernetes_from(minor: u16) -> bool {
    cluster().version() >= (1, minor)
}

// === impl World ===

impl World {
    pub(crate) async fn create(namespace: &str) -> Self {
        Self::create_labelled(namespace, json!({})).await
    }

    pub(crate) async fn create_labelled(namespace: &str, labels: Value) -> Self {
        let client = cluster().client(User::Admin).await.unwrap();
        let namespaces: Api<DynamicObject> =
            Api::all_with(client.clone(), &resource("", "v1", "Namespace"));
        create_in(
            &namespaces,
            "Namespace",
            json!({ "name": namespace, "labels": labels }),
        )
        .await;
        let world = Self {
            client,
            namespace: namespace.to_owned(),
        };
        let accounts = world.objects("", "v1", "ServiceAccount");
        create_in(&accounts, "ServiceAccount", json!({ "name": "tiller" })).await;
        world
    }

    pub(crate) fn objects(&self, group: &str, version: &str, kind: &str) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.client.clone(),
            &self.namespace,
            &resource(group, version, kind),
        )
    }

    pub(crate) fn deployments(&self) -> Api<DynamicObject> {
        self.objects("apps", "v1", "Deployment")
    }

    /// What `helm init` of a version sends here, by a recording of it.
    pub(crate) fn helm_init(&self, recording: &str) -> Value {
        let mut deployment = recorded_deployment(recording);
        deployment["apiVersion"] = json!("apps/v1");
        deployment["metadata"]["namespace"] = json!(self.namespace);
        // `extensions/v1beta1` took the selector from the template's labels.
        deployment["spec"]["selector"] =
            json!({ "matchLabels": { "app": "helm", "name": "tiller" } });
        let pod = &mut deployment["spec"]["template"]["spec"];
        pod["serviceAccountName"] = json!("tiller");
        pod["containers"][0]["env"][0]["value"] = json!(self.namespace);
        deployment
    }

    /// Creates a Deployment and gives it as it is stored.
    pub(crate) async fn install(&self, deployment: Value) -> Value {
        let created = self.try_install(deployment).await.unwrap();
        let name = created["metadata"]["name"].as_str().unwrap();
        let stored = value(&self.deployments().get(name).await.unwrap());
        assert_eq!(stored["spec"], created["spec"]);
        stored
    }

    /// Creates a Deployment and gives the answer, or the status that the client sees.
    pub(crate) async fn try_install(&self, deployment: Value) -> Result<Value, Box<Status>> {
        let deployment = serde_json::from_value(deployment).unwrap();
        status(
            self.deployments()
                .create(&PostParams::default(), &deployment)
                .await,
        )
    }
}

async fn create_in(api: &Api<DynamicObject>, kind: &str, metadata: Value) {
    let object = json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata });
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

/// The Deployment among what `helm init -o yaml` printed.
pub(crate) fn recorded_deployment(recording: &str) -> Value {
    let path = format!(
        "{}/tests/data/helm-init/{recording}.yaml",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(path).unwrap();
    let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    documents
        .into_iter()
        .find(|document| document["kind"] == "Deployment")
        .unwrap()
}

pub(crate) fn value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap()
}

pub(crate) fn status(answer: kube::Result<DynamicObject>) -> Result<Value, Box<Status>> {
    match answer {
        Ok(object) => Ok(value(&object)),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("no answer of the API server: {error}"),
    }
}

/// The pod of a Deployment.
pub(crate) fn pod(deployment: &Value) -> &Value {
    &deployment["spec"]["template"]["spec"]
}
