//! Whether a Tiller works in a namespace whose releases go to Helm 3, and what becomes of it.

use std::time::Duration;

use super::moved::MoveError;
use super::tiller::{Found, Tiller};
use crate::cluster::Cluster;
use crate::provision::Names;

/// The Tillers of a namespace.
pub(super) struct Halt<'a>(Tiller<'a>);

impl<'a> Halt<'a> {
    pub(super) fn new(cluster: &'a Cluster, namespace: &'a str, timeout: Duration) -> Self {
        Self(Tiller {
            cluster,
            namespace,
            timeout,
        })
    }

    /// Tiller's Deployment.
    pub(super) async fn found(&self) -> Result<Option<Found>, MoveError> {
        self.0.find().await
    }

    /// What runs a Tiller, or is about to: its Deployment and pods.
    pub(super) async fn running(&self) -> Result<Vec<String>, MoveError> {
        let namespace = self.0.namespace;
        let mut running = Vec::new();
        let found = self.found().await?;
        if found.as_ref().is_some_and(is_started) {
            running.push(format!("Deployment {namespace}/{}", Names::TILLER));
        }
        running.extend(self.pods(None).await?);
        Ok(running)
    }

    /// The pods that run a Tiller and that no stop of the Deployment ends.
    pub(super) async fn others(&self) -> Result<Vec<String>, MoveError> {
        let found = self.found().await?;
        self.pods(found.as_ref()).await
    }

    /// The number of replicas that Tiller's Deployment had before an earlier run stopped it, if nobody has started it since.
    pub(super) async fn held(&self) -> Result<Option<i64>, MoveError> {
        let found = self.found().await?;
        Ok(found.filter(Found::is_down).and_then(|it| it.stopped()))
    }

    /// Stops Tiller's Deployment, if there is one, and waits until its pods are gone. What runs a Tiller then still.
    pub(super) async fn stop(&self) -> Result<Vec<String>, MoveError> {
        if let Some(found) = self.0.find().await? {
            self.0.stop(&found).await?;
            self.0.is_gone(&found).await?;
        }
        self.pods(None).await
    }

    /// Starts Tiller's Deployment again as it was.
    pub(super) async fn start(&self) -> Result<(), MoveError> {
        match self.0.find().await? {
            Some(found) => self.0.start(&found, None).await,
            None => Ok(()),
        }
    }

    /// The pods that run a Tiller, without those of a Deployment.
    async fn pods(&self, beside: Option<&Found>) -> Result<Vec<String>, MoveError> {
        match self.0.no_other_runs(beside).await {
            Ok(()) => Ok(Vec::new()),
            Err(MoveError::Running {
                namespace, pods, ..
            }) => {
                let pods = pods.iter().map(|pod| format!("Pod {namespace}/{pod}"));
                Ok(pods.collect())
            }
            Err(other) => Err(other),
        }
    }
}

fn is_started(found: &Found) -> bool {
    found.stopped().is_none()
}
