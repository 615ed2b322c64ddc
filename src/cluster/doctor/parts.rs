//! The pods, what leads to them, and the labels by which the webhook configurations choose.

use serde_json::Value;

use super::Check;
use crate::cluster::Cluster;
use crate::cluster::drift::differences;
use crate::cluster::install::{Rollout, get, is_labelled};
use crate::installation::Installation;
use crate::k8s::webhook_configuration::{NAME, SYSTEM_NAMESPACE};

/// The check of the pods.
pub(super) const PODS: &str = "pods";

const INSTALL: &str = "run tiller-guard install";

/// The Deployment of the guard.
pub(super) async fn deployment(cluster: &Cluster, namespace: &str) -> kube::Result<Option<Value>> {
    get(cluster, ("apps", "v1", "Deployment"), Some(namespace), NAME).await
}

pub(super) async fn checks(
    cluster: &Cluster,
    installed: &Installation,
    deployment: &kube::Result<Option<Value>>,
) -> Vec<Check> {
    let mut checks = vec![
        service(cluster, installed).await,
        pods(deployment, &installed.namespace),
    ];
    if !cluster.version().is_from(21) {
        checks.push(labels(cluster, &installed.namespace).await);
    }
    checks
}

/// The release of the chart that made this Deployment, if one did.
pub(super) fn release(deployment: &Value) -> Option<String> {
    let text = |path| deployment.pointer(path).and_then(Value::as_str);
    let manager = text("/metadata/labels/app.kubernetes.io~1managed-by")?;
    let release = text("/metadata/annotations/meta.helm.sh~1release-name").unwrap_or(NAME);
    ["Helm", "Tiller"]
        .contains(&manager)
        .then(|| release.to_owned())
}

async fn service(cluster: &Cluster, installed: &Installation) -> Check {
    const ID: &str = "service";
    let namespace = &installed.namespace;
    let found = match get(cluster, ("", "v1", "Service"), Some(namespace), NAME).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return Check::bad(
                ID,
                format!("there is no Service {namespace}/{NAME}"),
                INSTALL,
            );
        }
        Err(error) => {
            return Check::unread(ID, &format!("get Service {namespace}/{NAME}"), &error);
        }
    };
    let objects = installed.foundation();
    let wanted = objects
        .iter()
        .find(|object| object.get("kind").and_then(Value::as_str) == Some("Service"));
    let spec = |object: &Value| object.get("spec").cloned().unwrap_or_default();
    let differences = wanted.map(|wanted| differences("spec", &spec(wanted), &spec(&found)));
    match differences.filter(|it| !it.is_empty()) {
        None => Check::good(ID, format!("Service {namespace}/{NAME} selects the pods")),
        Some(differences) => Check::bad(
            ID,
            format!(
                "Service {namespace}/{NAME} does not lead to the pods\n      {}",
                differences.join("\n      ")
            ),
            INSTALL,
        ),
    }
}

fn pods(deployment: &kube::Result<Option<Value>>, namespace: &str) -> Check {
    const ID: &str = PODS;
    let look = "look at the pods: kubectl describe pods, kubectl logs, /readyz on port 8081";
    let rollout = deployment.as_ref().map(|it| it.as_ref().map(Rollout::of));
    match rollout {
        Err(error) => Check::unread(ID, &format!("get Deployment {namespace}/{NAME}"), error),
        Ok(None) => Check::bad(
            ID,
            format!("there is no Deployment {namespace}/{NAME}"),
            INSTALL,
        ),
        Ok(Some(Rollout { wanted, ready, .. })) => {
            let message = format!("{ready} of {wanted} pods are ready");
            if ready == 0 {
                Check::bad(ID, message, look)
            } else if ready < wanted {
                Check::doubtful(ID, message, look)
            } else if ready < 2 {
                let hint = "run two replicas, so that one can restart: --replicas=2";
                Check::doubtful(ID, message, hint)
            } else {
                Check::good(ID, message)
            }
        }
    }
}

/// Without them the control plane's own pods, and the guard's, cannot start while no guard answers.
async fn labels(cluster: &Cluster, namespace: &str) -> Check {
    const ID: &str = "namespace-labels";
    let mut lacking = Vec::new();
    for namespace in [SYSTEM_NAMESPACE, namespace] {
        match is_labelled(cluster, namespace).await {
            Ok(true) => {}
            Ok(false) => lacking.push(namespace),
            Err(error) => {
                return Check::unread(ID, &format!("get Namespace {namespace}"), &error);
            }
        }
    }
    if lacking.is_empty() {
        return Check::good(
            ID,
            "the namespaces have the label kubernetes.io/metadata.name".to_owned(),
        );
    }
    let (have, their) = match lacking.as_slice() {
        [_] => ("has", "its"),
        _ => ("have", "their"),
    };
    Check::bad(
        ID,
        format!(
            "{} {have} no label kubernetes.io/metadata.name: {their} pods cannot start while no pod of tiller-guard answers",
            lacking.join(" and ")
        ),
        "set it with kubectl label namespace; tiller-guard install does too",
    )
}
