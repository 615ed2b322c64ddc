//! The webhook as the API server sees it: its own mean duration of the calls, and what the webhook configurations cost
//! a pod that nobody takes for a Tiller.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};

use crate::cluster::{Cluster, UNGUARDED, User, VALIDATE, resource};
use crate::handler::Handler;
use crate::measure::Program;

const NAMESPACE: &str = "hk";
/// Where the API server asks no webhook.
const OTHER_NAMESPACE: &str = "unguarded";
/// Where the API server evaluates as many conditions as for a pod, each of them `false`.
const CONDITIONED_NAMESPACE: &str = "conditioned";
/// How often another pod is created in each of them.
const OTHERS: usize = 500;
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

/// How long an API server takes to create a pod without any sign of a Tiller, by dry run: medians in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Other {
    /// The API server's minor version: from 28 on it has conditions.
    pub(crate) minor: u16,
    /// Where the webhooks are registered.
    pub(crate) with: f64,
    /// Where no webhook is.
    pub(crate) without: f64,
    /// Where as many webhooks are as tiller-guard has for pods, with the condition `false`: what no condition can cost less.
    pub(crate) least: f64,
}

/// tiller-guard and the constant, each behind an API server of its own. Both are sent the Deployment as
/// tiller-guard hardened it, so that both judge the same bytes.
pub(crate) async fn all() -> Result<(Vec<Called>, Option<Other>)> {
    let mut called = Vec::new();
    let mut other = None;
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
        create_namespace(&client, NAMESPACE, &json!({})).await?;
        deployment = create(&client, &deployment)
            .await
            .context("the recorded Deployment is refused")?;
        let before = Cluster::calls(&client, VALIDATE).await?;
        send(&client, &deployment).await?;
        let after = Cluster::calls(&client, VALIDATE).await?;
        if matches!(program, Program::TillerGuard) {
            other = Some(others(&client, cluster.version().1).await?);
        }
        let count = after.count - before.count;
        let milliseconds = (after.seconds - before.seconds) / count * 1000.0;
        called.push(Called {
            program,
            count,
            milliseconds,
        });
    }
    Ok((called, other))
}

/// One after another, in the namespaces in turn.
async fn others(client: &Client, minor: u16) -> Result<Other> {
    create_namespace(client, OTHER_NAMESPACE, &json!({ (UNGUARDED): "" })).await?;
    let conditioned = json!({ (UNGUARDED): "", CONDITIONED_NAMESPACE: "" });
    create_namespace(client, CONDITIONED_NAMESPACE, &conditioned).await?;
    if minor >= 28 {
        for (kind, names) in [
            ("MutatingWebhookConfiguration", &["a"][..]),
            ("ValidatingWebhookConfiguration", &["b", "c"]),
        ] {
            create_conditioned(client, kind, names).await?;
        }
    }
    let pod: DynamicObject = serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
        "spec": { "automountServiceAccountToken": false, "containers": [{
            "name": "web", "image": "example/web:1", "args": vec!["--some-flag=of-a-server"; 20],
            "env": vec![json!({ "name": "A_NAME", "value": "a value" }); 20], "ports": [{ "containerPort": 8080 }],
        }] },
    }))?;
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let mut times = [NAMESPACE, OTHER_NAMESPACE, CONDITIONED_NAMESPACE].map(|it| (it, Vec::new()));
    for _ in 0..OTHERS {
        for (namespace, times) in &mut times {
            let api: Api<DynamicObject> =
                Api::namespaced_with(client.clone(), namespace, &resource("", "v1", "Pod"));
            let start = Instant::now();
            api.create(&parameters, &pod).await?;
            times.push(start.elapsed());
        }
    }
    let [with, without, least] = times.map(|(_, mut times)| {
        times.sort_unstable();
        times.get(OTHERS / 2).map_or(0.0, Duration::as_secs_f64) * 1e3
    });
    Ok(Other {
        minor,
        with,
        without,
        least,
    })
}

/// Registers webhooks that are never asked.
async fn create_conditioned(client: &Client, kind: &str, names: &[&str]) -> Result<()> {
    let group = "admissionregistration.k8s.io";
    let webhook = |name: &&str| {
        json!({
            "name": format!("{name}.bench.example.com"),
            "clientConfig": { "url": "https://127.0.0.1:1" },
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "namespaceSelector": { "matchLabels": { CONDITIONED_NAMESPACE: "" } },
            "matchConditions": [{ "name": "never", "expression": "false" }],
            "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"] }],
        })
    };
    let configuration = json!({
        "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": { "name": CONDITIONED_NAMESPACE },
        "webhooks": names.iter().map(webhook).collect::<Vec<_>>(),
    });
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource(group, "v1", kind));
    api.create(
        &PostParams::default(),
        &serde_json::from_value(configuration)?,
    )
    .await?;
    Ok(())
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

async fn create_namespace(client: &Client, name: &str, labels: &Value) -> Result<()> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource("", "v1", "Namespace"));
    let metadata = json!({ "name": name, "labels": labels });
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": metadata });
    api.create(&PostParams::default(), &serde_json::from_value(namespace)?)
        .await?;
    let accounts: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), name, &resource("", "v1", "ServiceAccount"));
    let end = Instant::now() + Duration::from_secs(10);
    // A controller makes it, and no pod is created before.
    while accounts.get_opt("default").await?.is_none() {
        ensure!(Instant::now() < end, "{name} has no service account");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
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
