//! Whether a Tiller works in a namespace whose releases go to Helm 3, and what becomes of it.

use std::time::Duration;

use super::gather::Recorded;
use super::moved::MoveError;
use super::outcome::{Hold, Tillers};
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

    /// Whether a run has stopped Tiller's Deployment, and nobody has started it since.
    pub(super) async fn is_held(&self) -> Result<bool, MoveError> {
        Ok(self.found().await?.as_ref().is_some_and(Found::is_down))
    }

    /// Whether Tiller's Deployment is at zero replicas, for a run that does not start it. Without the right to look, nothing is said.
    pub(super) async fn at_zero(&self) -> Tillers {
        let Ok(Some(found)) = self.found().await else {
            return Tillers::None;
        };
        let why = if found.is_down() {
            Hold::NoWrite
        } else {
            Hold::Others
        };
        let replicas = found.stopped();
        replicas.map_or(Tillers::None, |replicas| Tillers::Held { replicas, why })
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

    /// Starts Tiller's Deployment again after its releases were worked on.
    pub(super) async fn resume(&self) -> Result<Tillers, MoveError> {
        match self.found().await? {
            Some(found) => self.start_if_allowed(&found).await,
            None => Ok(Tillers::Restarted),
        }
    }

    /// Starts Tiller's Deployment again if an earlier run has stopped it and nobody has started it since, and if it sees all that is
    /// recorded.
    pub(super) async fn start_again(&self, recorded: &Recorded) -> Result<Tillers, MoveError> {
        let found = match self.found().await {
            Ok(found) => found.filter(Found::is_down),
            Err(MoveError::Tiller {
                is_forbidden: true, ..
            }) => None,
            Err(error) => return Err(error),
        };
        let Some(found) = found else {
            return Ok(Tillers::None);
        };
        let mut storages = recorded.values().flatten().map(|(storage, _)| *storage);
        let unseen = found
            .storage()
            .and_then(|reads| storages.find(|it| *it != reads));
        let why = match unseen {
            _ if recorded.is_empty() => Hold::NoRelease,
            Some(storage) => Hold::Unmoved(storage),
            None => return self.start_if_allowed(&found).await,
        };
        Ok(held(&found, why))
    }

    async fn start_if_allowed(&self, found: &Found) -> Result<Tillers, MoveError> {
        match self.0.start(found, None).await {
            Ok(()) => Ok(Tillers::Restarted),
            Err(MoveError::Tiller {
                is_forbidden: true,
                reason,
                ..
            }) => Ok(held(found, Hold::Forbidden(reason))),
            Err(error) => Err(error),
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

fn held(found: &Found, why: Hold) -> Tillers {
    let replicas = found.stopped().unwrap_or(1);
    Tillers::Held { replicas, why }
}

fn is_started(found: &Found) -> bool {
    found.stopped().is_none()
}
