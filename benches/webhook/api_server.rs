//! The webhook as the API server sees it: its own mean duration of the calls.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};

use crate::cluster::{Cluster, User, VALIDATE, resource};
use crate::handler::Handler;
use crate::measure::Program;

const NAMESPACE: &str = "hk";
const PER_SECOND: u32 = 80;
const SECONDS: u32 = 8;

/// The calls of the validating webhook, as one program answered them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Called {
    pub(crate) program: Program,
    pub(crate) count: f64,
    /// Mean, in milliseconds.
    pub(crate) milliseconds: f64,
}

/// tiller-guard and the constant, each behind an API server of its own. Both are sent the Deployment as
/// tiller-guard hardened it, so that both judge the same bytes.
pub(crate) async fn all() -> Result<Vec<Called>> {
    let mut called = Vec::new();
    let mut deployment = recorded()?;
    for program in [Program::TillerGuard, Program::Handler(Handler::Constant)] {
        eprintln!(
            "measuring {} behind a Kubernetes API server",
            program.name()
        );
        let mut cluster = Cluster::start().await?;
        let command = program.command()?;
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (file, words) = words.split_first().context("no program")?;
        cluster.start_guard(Path::new(file), words).await?;
        cluster.register().await?;
        let client = cluster.client(User::Admin).await?;
        create_namespace(&client).await?;
        deployment = create(&client, &deployment)
            .await
            .context("the recorded Deployment is refused")?;
        let before = Cluster::calls(&client, VALIDATE).await?;
        send(&client, &deployment).await?;
        let after = Cluster::calls(&client, VALIDATE).await?;
        let count = after.count - before.count;
        let milliseconds = (after.seconds - before.seconds) / count * 1000.0;
        called.push(Called {
            program,
            count,
            milliseconds,
        });
    }
    Ok(called)
}

/// Creates at an even pace; none waits for the one before.
async fn send(client: &Client, deployment: &Value) -> Result<()> {
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    let mut answers = Vec::new();
    for _ in 0..PER_SECOND * SECONDS {
        pace.tick().await;
        let (client, deployment) = (client.clone(), deployment.clone());
        answers.push(tokio::spawn(
            async move { create(&client, &deployment).await },
        ));
    }
    for answer in answers {
        answer.await??;
    }
    Ok(())
}

/// What the API server would store.
async fn create(client: &Client, deployment: &Value) -> Result<Value> {
    let api: Api<DynamicObject> = Api::namespaced_with(
        client.clone(),
        NAMESPACE,
        &resource("apps", "v1", "Deployment"),
    );
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let created = api
        .create(&parameters, &serde_json::from_value(deployment.clone())?)
        .await?;
    let mut created = serde_json::to_value(created)?;
    let metadata = created.pointer_mut("/metadata").context("no metadata")?;
    *metadata = json!({ "name": "tiller-deploy", "labels": metadata.get("labels") });
    Ok(created)
}

async fn create_namespace(client: &Client) -> Result<()> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource("", "v1", "Namespace"));
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    api.create(&PostParams::default(), &serde_json::from_value(namespace)?)
        .await?;
    Ok(())
}

/// The object of a recorded review.
fn recorded() -> Result<Value> {
    let review: Value = serde_json::from_slice(include_bytes!(
        "../../tests/data/reviews/1.20-deployment-create.json"
    ))?;
    let mut object = review
        .pointer("/request/object")
        .context("no object")?
        .clone();
    let metadata = object.pointer_mut("/metadata").context("no metadata")?;
    *metadata = json!({ "name": "tiller-deploy", "labels": { "app": "helm", "name": "tiller" } });
    Ok(object)
}
