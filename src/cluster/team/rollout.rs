//! How Tiller comes up.

use serde_json::Value;

use super::{LookError, api, asked};
use crate::cluster::Cluster;
use crate::provision::Names;

/// How far Tiller's Deployment has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rollout {
    /// There is none.
    Absent,
    /// It has come up, with the specification that it has now.
    Done,
    /// It has not; why, as far as its conditions tell.
    Under {
        /// Pods that are ready, of either specification.
        ready: i64,
        /// What hinders it.
        reason: Option<String>,
    },
}

/// Looks at Tiller's Deployment.
pub async fn rollout(cluster: &Cluster, tiller_namespace: &str) -> Result<Rollout, LookError> {
    let deployed = deployed(cluster, tiller_namespace).await?;
    Ok(deployed.map_or(Rollout::Absent, |deployed| deployed.rollout()))
}

/// Tiller's Deployment, as the API server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed(pub Value);

impl Deployed {
    /// How far it has come.
    pub fn rollout(&self) -> Rollout {
        judge(&self.0)
    }

    /// When its specification was last written or its pods last changed, in RFC 3339.
    pub fn last_change(&self) -> Option<&str> {
        let conditions = self
            .0
            .pointer("/status/conditions")
            .and_then(Value::as_array);
        let updated = conditions
            .into_iter()
            .flatten()
            .filter_map(|it| it.get("lastUpdateTime"));
        let created = self.0.pointer("/metadata/creationTimestamp");
        updated.chain(created).filter_map(Value::as_str).max()
    }
}

/// Tiller's Deployment, if there is one.
pub async fn deployed(
    cluster: &Cluster,
    tiller_namespace: &str,
) -> Result<Option<Deployed>, LookError> {
    let api = api(cluster, "apps/v1", "Deployment", tiller_namespace);
    let found = asked(async || api.get_opt(Names::TILLER).await).await;
    let found = found.map_err(|error| {
        LookError::asked("get the Deployment of Tiller", tiller_namespace, error)
    })?;
    Ok(found.map(|found| Deployed(serde_json::to_value(found).unwrap_or_default())))
}

/// Source: `kubectl rollout status`, `DeploymentStatusViewer.Status`, Kubernetes 1.10 to 1.36.
fn judge(deployment: &Value) -> Rollout {
    let number = |pointer: &str| deployment.pointer(pointer).and_then(Value::as_i64);
    let wanted = number("/spec/replicas").unwrap_or(1);
    let seen = number("/status/observedGeneration") >= number("/metadata/generation");
    let status = |field: &str| number(&format!("/status/{field}")).unwrap_or(0);
    let done = seen
        && status("updatedReplicas") >= wanted
        && status("replicas") <= status("updatedReplicas")
        && status("availableReplicas") >= status("updatedReplicas");
    if done {
        return Rollout::Done;
    }
    Rollout::Under {
        ready: status("readyReplicas"),
        reason: hindrance(deployment),
    }
}

/// What the conditions say of pods that cannot be made, or of a deadline that is over.
fn hindrance(deployment: &Value) -> Option<String> {
    let conditions = deployment.pointer("/status/conditions")?.as_array()?;
    let bad = conditions.iter().find(|condition| {
        let is = |field: &str, value: &str| condition.get(field).is_some_and(|it| it == value);
        is("type", "ReplicaFailure") && is("status", "True")
            || is("type", "Progressing") && is("status", "False")
    })?;
    Some(bad.get("message")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tiller_is_up_when_the_newest_specification_is() {
        let deployment = |generation: i64, status: Value| {
            judge(&json!({
                "metadata": { "generation": generation },
                "spec": { "replicas": 1 },
                "status": status,
            }))
        };
        let up = json!({
            "observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1,
        });
        assert_eq!(deployment(2, up.clone()), Rollout::Done);
        let under = |ready| Rollout::Under {
            ready,
            reason: None,
        };
        assert_eq!(deployment(3, up), under(1));
        assert_eq!(deployment(1, json!({})), under(0));
        // The old pod still serves.
        let both = json!({
            "observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 1, "readyReplicas": 1,
        });
        assert_eq!(deployment(2, both), under(1));
    }

    #[test]
    fn what_hinders_it_is_told() {
        let deployment = json!({
            "metadata": { "generation": 1 },
            "status": {
                "observedGeneration": 1,
                "conditions": [
                    { "type": "Available", "status": "False", "message": "not this" },
                    { "type": "ReplicaFailure", "status": "True", "message": "pods \"x\" is forbidden" },
                ],
            },
        });
        let reason = Some("pods \"x\" is forbidden".to_owned());
        assert_eq!(judge(&deployment), Rollout::Under { ready: 0, reason });
    }
}
