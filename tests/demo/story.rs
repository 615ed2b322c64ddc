//! The story, in the order it is told.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::policy::{self, Settings, Timestamp, WorkloadKind, decide};

use crate::cluster::{Cluster, MUTATE, User, VALIDATE, resource};

/// What `helm init --service-account tiller --tiller-namespace tiller-world` of Helm 2.17.0 sends.
const HELM_INIT: &str = include_str!("../data/helm-init/2.17.0-sa-ns.yaml");
const NAMESPACE: &str = "tiller-world";
const COMMAND: &str = "helm init --service-account tiller --tiller-namespace tiller-world";

/// Starts everything, hardens one Tiller and tries four others.
pub(super) async fn tell(guard: &Path) -> Result<Cluster> {
    let cluster = start(guard).await?;
    let admin = cluster.client(User::Admin).await?;
    let namespaces: Api<DynamicObject> =
        Api::all_with(admin.clone(), &resource("", "v1", "Namespace"));
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    namespaces
        .create(&PostParams::default(), &serde_json::from_value(namespace)?)
        .await?;

    let sent = helm_init()?;
    println!("\n$ {COMMAND}\n");
    tell_launch("Helm 2.17.0 sends a Deployment that starts", &sent);
    tell_reasons(&sent)?;
    let stored = create(&admin, &sent).await?.map_err(anyhow::Error::msg)?;
    tell_launch("The API server stores one that starts", &stored);
    tell_surroundings(&stored);

    println!("\nIf there is no single right answer, Tiller is refused, with what to do:");
    for (command, change) in refused() {
        println!("\n$ {command}\n");
        match create(&admin, &changed(&sent, change)?).await? {
            Err(message) => println!("{}", indent(&format!("Error: error installing: {message}"))),
            Ok(_) => bail!("{command} was not refused"),
        }
    }
    println!();
    Ok(cluster)
}

async fn start(guard: &Path) -> Result<Cluster> {
    println!("Starting etcd, kube-apiserver and tiller-guard on 127.0.0.1");
    let start = Instant::now();
    let mut cluster = Cluster::start().await?;
    let (major, minor) = cluster.version();
    println!(
        "Kubernetes {major}.{minor} is ready after {:.1} s",
        start.elapsed().as_secs_f32()
    );
    cluster.start_guard(guard, &["serve"]).await?;
    cluster.register().await?;
    println!("The API server asks {MUTATE} and {VALIDATE} about everything that holds a pod");
    Ok(cluster)
}

fn helm_init() -> Result<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(HELM_INIT)?;
    documents.into_iter().next().context("no Deployment")
}

/// The Deployment as it is stored, or the refusal's message as the person sees it.
async fn create(client: &kube::Client, deployment: &Value) -> Result<Result<Value, String>> {
    let namespace = deployment["metadata"]["namespace"]
        .as_str()
        .context("no namespace")?;
    let api: Api<DynamicObject> = Api::namespaced_with(
        client.clone(),
        namespace,
        &resource("apps", "v1", "Deployment"),
    );
    let object = serde_json::from_value(deployment.clone())?;
    match api.create(&PostParams::default(), &object).await {
        Ok(stored) => Ok(Ok(serde_json::to_value(stored)?)),
        // Before Kubernetes 1.14 it comes as an internal error.
        Err(kube::Error::Api(status)) if status.message.contains("denied the request") => {
            Ok(Err(status.message))
        }
        Err(error) => Err(error.into()),
    }
}

/// What a person changes on the command line, and what that changes in the Deployment.
fn refused() -> [(String, Value); 4] {
    let add = |path: &str, value: Value| json!({ "op": "add", "path": path, "value": value });
    let image = "gcr.io/kubernetes-helm/tiller:v2.6.2";
    let container = "/spec/template/spec/containers/0";
    [
        (
            "helm init --service-account tiller".to_owned(),
            json!([
                add("/metadata/namespace", json!("kube-system")),
                add(&format!("{container}/env/0/value"), json!("kube-system")),
            ]),
        ),
        (
            format!("helm init --tiller-namespace {NAMESPACE}"),
            json!([add("/spec/template/spec/serviceAccountName", json!(""))]),
        ),
        (
            format!("{COMMAND} --tiller-image {image}"),
            json!([add(&format!("{container}/image"), json!(image))]),
        ),
        (
            format!("{COMMAND} --override '….command={{sh,-c,/tiller --storage=secret}}'"),
            json!([add(
                &format!("{container}/command"),
                json!(["sh", "-c", "/tiller --storage=secret"])
            )]),
        ),
    ]
}

fn changed(deployment: &Value, operations: Value) -> Result<Value> {
    let mut deployment = deployment.clone();
    json_patch::patch(
        &mut deployment,
        &serde_json::from_value::<json_patch::Patch>(operations)?,
    )?;
    Ok(deployment)
}

fn tell_launch(what: &str, deployment: &Value) {
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let words = |field: &str| -> Vec<String> {
        let list = container[field].as_array().into_iter().flatten();
        list.filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect()
    };
    let words = [words("command"), words("args")].concat();
    println!("{what}");
    if words.is_empty() {
        println!("    the image's own command, which is /tiller without any flag");
    }
    for word in words {
        println!("    {word}");
    }
}

/// The findings of the very code that the webhook runs.
fn tell_reasons(deployment: &Value) -> Result<()> {
    let settings = Settings::default();
    let workload = read(WorkloadKind::Deployment, deployment)?;
    println!("\ntiller-guard finds");
    let context = policy::Context::at(Timestamp(0));
    for finding in decide(&workload, &settings, &context).findings {
        println!("    {:<20} {}", finding.rule.id, finding.message);
    }
    println!("and fixes all of it.\n");
    Ok(())
}

fn tell_surroundings(deployment: &Value) {
    let pod = &deployment["spec"]["template"]["spec"];
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), ToOwned::to_owned)
    };
    println!("    as user {}", text(&pod["securityContext"]["runAsUser"]));
    println!(
        "    with the rights of the service account {}",
        text(&pod["serviceAccountName"])
    );
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        let mounts = pod["containers"][0]["volumeMounts"]
            .as_array()
            .into_iter()
            .flatten();
        let paths = mounts.filter(|mount| mount["name"] == volume["name"]);
        let paths: Vec<String> = paths.map(|mount| text(&mount["mountPath"])).collect();
        let source = match &volume["secret"]["secretName"] {
            Value::String(name) => format!("the Secret {name}"),
            _ => "an empty directory".to_owned(),
        };
        println!("    with {source} at {}", paths.join(" and "));
    }
}

fn indent(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}
