//! Tiller's Deployment, stopped while records move and started again.

use std::time::Duration;

use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::core::Selector;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::list::{is_denied, is_forbidden, reason};
use super::moved::MoveError;
use super::{launch, pods};
use crate::cluster::Cluster;
use crate::cluster::apply::Effect;
use crate::cluster::team::{Deployed, Rollout, api, asked};
use crate::provision::Names;
use crate::releases::Storage;
use crate::tiller;

/// How many replicas it had before it was stopped.
const REPLICAS: &str = "tiller-guard.io/replicas-before-move";
/// The rule that finds records where Tiller would not look.
const SWITCH: &str = "storage-switch";
/// How often a patch is sent that is in conflict with what controllers write.
const ATTEMPTS: usize = 10;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Tiller's Deployment in a namespace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiller<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) namespace: &'a str,
    /// How long its pods may take to go, and to come.
    pub(super) timeout: Duration,
}

/// As it was found.
#[derive(Debug, Clone)]
pub(super) struct Found(Value);

// === impl Found ===

impl Found {
    /// Where it keeps its records, if that can be read.
    pub(super) fn storage(&self) -> Option<Storage> {
        launch::storage(&self.0)
    }

    /// Where it keeps its releases, if that is not in its namespace.
    pub(super) fn elsewhere(&self) -> Option<tiller::Storage> {
        let storage = launch::read(&self.0)?.storage;
        matches!(storage, tiller::Storage::Sql | tiller::Storage::Memory).then_some(storage)
    }

    /// Whether a flag can make it keep them there.
    pub(super) fn can_switch(&self, to: Storage) -> bool {
        launch::switched(&self.0, to).is_some()
    }

    fn replicas(&self) -> i64 {
        self.0
            .pointer("/spec/replicas")
            .and_then(Value::as_i64)
            .unwrap_or(1)
    }

    /// The number of replicas at the end: what it had before a run stopped it, unless somebody has started it since.
    pub(super) fn wanted(&self) -> i64 {
        let annotations = self.0.pointer("/metadata/annotations");
        let noted = annotations.and_then(|it| it.get(REPLICAS)?.as_str()?.parse().ok());
        match (self.replicas(), noted) {
            (0, Some(noted)) => noted,
            (replicas, _) => replicas,
        }
    }

    /// Whether a move has stopped it and not started it again.
    pub(super) fn is_noted(&self) -> bool {
        let annotations = self.0.pointer("/metadata/annotations");
        annotations.is_some_and(|it| it.get(REPLICAS).is_some())
    }

    /// Whether `move` must start it with `--storage` set to this storage.
    pub(super) fn must_start(&self, to: Storage) -> bool {
        self.is_noted() || self.storage() != Some(to)
    }

    /// Whether a move has stopped it, and nobody has started it since.
    pub(super) fn is_down(&self) -> bool {
        self.is_noted() && self.replicas() == 0
    }

    /// The number of replicas to start it with, if it is at zero.
    pub(super) fn stopped(&self) -> Option<i64> {
        (self.replicas() == 0).then(|| self.wanted().max(1))
    }

    /// Whether this is what another look found, apart from what controllers write.
    fn is_as(&self, other: &Self) -> bool {
        // Annotations count towards the generation.
        let told = |it: &Self| {
            let spec = it.0.pointer("/spec").cloned();
            (spec, it.is_noted(), it.wanted())
        };
        told(self) == told(other)
    }

    /// Whether a patch changes nothing of it but its version.
    fn has(&self, mut patch: Value) -> bool {
        if let Some(metadata) = patch.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        let mut patched = self.0.clone();
        json_patch::merge(&mut patched, &patch);
        patched == self.0
    }

    fn version(&self) -> Value {
        self.0
            .pointer("/metadata/resourceVersion")
            .cloned()
            .unwrap_or_default()
    }
}

// === impl Tiller ===

impl Tiller<'_> {
    /// Looks for it.
    pub(super) async fn find(&self) -> Result<Option<Found>, MoveError> {
        let api = api(self.cluster, "apps/v1", "Deployment", self.namespace);
        let found = asked(async || api.get_opt(Names::TILLER).await).await;
        let found = found.map_err(|error| self.failed("look for", &error))?;
        Ok(found.map(|found| Found(serde_json::to_value(found).unwrap_or_default())))
    }

    /// Fails if a Tiller runs in this namespace that is not of this Deployment: nobody would stop or switch it.
    pub(super) async fn no_other_runs(&self, found: Option<&Found>) -> Result<(), MoveError> {
        let own = found.map(|found| self.selector(found)).transpose()?;
        let parameters = ListParams::default();
        let pods = self.pods(&parameters, "look for pods beside").await?;
        let pods = pods::other_tillers(&pods, own.as_ref());
        if pods.is_empty() {
            return Ok(());
        }
        Err(MoveError::Running {
            namespace: self.namespace.to_owned(),
            pods,
            beside: found.is_some(),
        })
    }

    /// Sets it to zero replicas.
    pub(super) async fn stop(&self, found: &Found) -> Result<(), MoveError> {
        if found.replicas() == 0 {
            return Ok(());
        }
        self.patch("stop", found, |found| {
            let noted = found.replicas().to_string();
            Ok(json!({
                "metadata": {
                    "resourceVersion": found.version(),
                    "annotations": { REPLICAS: noted },
                },
                "spec": { "replicas": 0 },
            }))
        })
        .await
    }

    /// Waits until none of its pods is left.
    pub(super) async fn is_gone(&self, found: &Found) -> Result<(), MoveError> {
        let parameters = ListParams::default().labels_from(&self.selector(found)?);
        let begin = Instant::now();
        loop {
            let left = self.pods(&parameters, "wait for the pods of").await?;
            let left = left.iter().filter(|pod| !pods::has_ended(pod)).count();
            if left == 0 {
                return Ok(());
            }
            let what = || format!("{left} of Tiller's pods are still there");
            self.wait(begin, what).await?;
        }
    }

    /// Waits until the next look.
    async fn wait(&self, begin: Instant, what: impl Fn() -> String) -> Result<(), MoveError> {
        if begin.elapsed() > self.timeout {
            return Err(MoveError::TimedOut {
                what: what(),
                namespace: self.namespace.to_owned(),
                seconds: self.timeout.as_secs(),
            });
        }
        sleep(LOOK).await;
        Ok(())
    }

    async fn pods(
        &self,
        parameters: &ListParams,
        act: &'static str,
    ) -> Result<Vec<DynamicObject>, MoveError> {
        let api = api(self.cluster, "v1", "Pod", self.namespace);
        let pods = asked(async || api.list(parameters).await).await;
        let pods = pods.map_err(|error| self.failed(act, &error))?;
        Ok(pods.items)
    }

    fn selector(&self, found: &Found) -> Result<Selector, MoveError> {
        pods::selector(&found.0).ok_or_else(|| MoveError::Tiller {
            act: "read the selector of",
            namespace: self.namespace.to_owned(),
            reason: "it is not as the API has it".to_owned(),
            is_forbidden: false,
        })
    }

    /// Has the API server try the start with its records there, where it can try. A refusal by `storage-switch` alone says
    /// that the records have not moved yet, and an odd answer tells nothing: the start itself will.
    pub(super) async fn try_start(&self, found: &Found, to: Storage) -> Result<(), MoveError> {
        let parameters = PatchParams {
            dry_run: true,
            ..PatchParams::default()
        };
        if found.storage() == Some(to) || Effect::ServerDryRun.check(self.cluster).is_err() {
            return Ok(());
        }
        let patch = self.start_patch(found, Some(to))?;
        let reason = match self.send(&patch, &parameters).await {
            Ok(tried) => {
                let tried = serde_json::to_value(tried).unwrap_or_default();
                if launch::storage(&tried) == Some(to) {
                    return Ok(());
                }
                format!(
                    "a webhook sets another --storage: an exception for release-storage in the policy lets it stay {}",
                    to.flag()
                )
            }
            Err(error) if is_denied(&error) && !is_premature(&error) => reason(&error),
            Err(error) if is_forbidden(&error) => return Err(self.failed("start", &error)),
            Err(_) => return Ok(()),
        };
        Err(MoveError::Refused {
            namespace: self.namespace.to_owned(),
            to,
            reason,
        })
    }

    /// Starts it again, as it was, or with its records there.
    pub(super) async fn start(&self, found: &Found, to: Option<Storage>) -> Result<(), MoveError> {
        self.patch("start", found, |found| self.start_patch(found, to))
            .await
    }

    fn start_patch(&self, found: &Found, to: Option<Storage>) -> Result<Value, MoveError> {
        let mut patch = json!({
            "metadata": {
                "resourceVersion": found.version(),
                "annotations": { REPLICAS: null },
            },
            "spec": { "replicas": found.wanted() },
        });
        if let Some(to) = to.filter(|to| found.storage() != Some(*to)) {
            let containers = launch::switched(&found.0, to)
                .ok_or_else(|| MoveError::Unswitchable(self.namespace.to_owned(), to))?;
            if let Some(spec) = patch.get_mut("spec").and_then(Value::as_object_mut) {
                let template = json!({ "spec": { "containers": containers } });
                spec.insert("template".to_owned(), template);
            }
        }
        Ok(patch)
    }

    /// Forgets how many replicas it had: somebody else has started it.
    pub(super) async fn forget(&self, found: &Found) -> Result<(), MoveError> {
        if !found.is_noted() {
            return Ok(());
        }
        self.patch("update", found, |found| {
            Ok(json!({
                "metadata": {
                    "resourceVersion": found.version(),
                    "annotations": { REPLICAS: null },
                },
            }))
        })
        .await
    }

    /// Waits until it answers: its pods are ready, with the specification that it has now.
    pub(super) async fn answers(&self) -> Result<(), MoveError> {
        let begin = Instant::now();
        loop {
            let found = self.find().await?;
            let hindrance = match found
                .as_ref()
                .map(|Found(it)| Deployed(it.clone()).rollout())
            {
                None | Some(Rollout::Done) => return Ok(()),
                Some(Rollout::Absent) => None,
                Some(Rollout::Under { reason, .. }) => reason,
            };
            let why = hindrance.map_or_else(String::new, |reason| format!(": {reason}"));
            self.wait(begin, || format!("Tiller is not ready{why}"))
                .await?;
        }
    }

    /// Patches it as it was found. Controllers write its status and their annotations at the same time: then it is tried again.
    async fn patch(
        &self,
        act: &'static str,
        found: &Found,
        patch: impl Fn(&Found) -> Result<Value, MoveError>,
    ) -> Result<(), MoveError> {
        let mut now = found.clone();
        for _attempt in 0..ATTEMPTS {
            let wanted = patch(&now)?;
            let sent = self.send(&wanted, &PatchParams::default()).await;
            let conflict = match sent {
                Ok(_) => return Ok(()),
                Err(error) if is_conflict(&error) => self.failed(act, &error),
                Err(error) => return Err(self.failed(act, &error)),
            };
            match self.find().await? {
                // An answer was lost.
                Some(there) if there.has(wanted) => return Ok(()),
                Some(there) if there.is_as(found) => now = there,
                _ => return Err(conflict),
            }
        }
        Err(MoveError::Restless(self.namespace.to_owned()))
    }

    async fn send(&self, patch: &Value, parameters: &PatchParams) -> kube::Result<DynamicObject> {
        let api = api(self.cluster, "apps/v1", "Deployment", self.namespace);
        asked(async || {
            let patch = Patch::Merge(patch);
            api.patch(Names::TILLER, parameters, &patch).await
        })
        .await
    }

    fn failed(&self, act: &'static str, error: &kube::Error) -> MoveError {
        MoveError::Tiller {
            act,
            namespace: self.namespace.to_owned(),
            is_forbidden: is_forbidden(error),
            reason: reason(error),
        }
    }
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Whether it is refused only since the records have not moved yet, or may be: an API server before 1.14 does not say by which
/// rule.
fn is_premature(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else {
        return false;
    };
    let causes: Vec<_> = status.details.iter().flat_map(|it| &it.causes).collect();
    if causes.is_empty() {
        return status.message.contains(SWITCH);
    }
    causes.iter().all(|cause| cause.reason == SWITCH)
}
