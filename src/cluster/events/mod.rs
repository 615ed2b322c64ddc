//! Events that tell the people of a namespace what was refused there.
//!
//! Helm 2 shows no warnings, and what a controller is refused is shown to nobody: an Event on the namespace is.

mod aggregator;

use std::process;
use std::time::{Instant, SystemTime};

use kube::Api;
use kube::api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::mpsc::{self, Receiver, Sender, error::TrySendError};
use tokio::time::{sleep_until, timeout};
use tracing::debug;

use super::told::words;
use super::{Cluster, Reach};
pub use aggregator::Refusal;
use aggregator::{Aggregator, Draft, Next};

/// Refusals that wait to be counted. More at once are not counted: a review waits for nobody.
const WAITING: usize = 4096;
/// The API server takes 1024 characters of a message (validation of `events.k8s.io`).
const LONGEST: usize = 1024;
/// How long a write may take before it is given up.
const WRITE: std::time::Duration = std::time::Duration::from_secs(10);

/// The status by which a server refuses an Event that it finds wrong.
const INVALID: u16 = 422;

/// What an Event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    /// The namespace: `kubectl describe namespace` shows it.
    Namespace,
    /// The object that was refused last: Kubernetes 1.10 takes no Event about a namespace but in `default`.
    Refused,
}

/// Takes refusals, and lets a task of its own write them.
#[derive(Debug, Clone)]
pub struct Recorder {
    sender: Sender<Refusal>,
}

// === impl Recorder ===

impl Recorder {
    /// Starts the task that writes to the cluster that is reached so; it ends with the last recorder. Call it within
    /// a runtime.
    pub fn start(reach: Reach) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(write_all(reach, receiver));
        Self { sender }
    }

    /// Counts a refusal. It never waits; false where it was not counted.
    pub fn record(&self, refusal: Refusal) -> bool {
        match self.sender.try_send(refusal) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Closed(_)) => false,
        }
    }
}

async fn write_all(reach: Reach, mut receiver: Receiver<Refusal>) {
    let mut aggregator = Aggregator::new(Instant::now());
    let (mut cluster, mut about) = (None, About::Namespace);
    loop {
        let next = aggregator.next(Instant::now());
        let woken = match next {
            Next::Write(draft) => {
                if cluster.is_none() {
                    cluster = Cluster::connect_patiently(&reach).await.ok();
                }
                if let Some(cluster) = &cluster {
                    write(cluster, &draft, &mut about).await;
                }
                continue;
            }
            Next::Wait(until) => tokio::select! {
                refusal = receiver.recv() => refusal,
                () = sleep_until(until.into()) => continue,
            },
            Next::Rest => receiver.recv().await,
        };
        match woken {
            Some(refusal) => aggregator.note(refusal, Instant::now(), SystemTime::now()),
            None => return,
        }
    }
}

/// Writes an Event. What fails is left: the log has the refusal, and the next one of its sort tries again.
async fn write(cluster: &Cluster, draft: &Draft, about: &mut About) {
    let namespace = namespace_of(draft);
    let mut written = timeout(WRITE, write_about(cluster, draft, *about)).await;
    let is_invalid =
        matches!(&written, Ok(Err(kube::Error::Api(status))) if status.code == INVALID);
    if is_invalid && *about == About::Namespace {
        *about = About::Refused;
        written = timeout(WRITE, write_about(cluster, draft, *about)).await;
    }
    match written {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(error = %words(&error), namespace, "event not written"),
        Err(_) => debug!(namespace, "event not written in time"),
    }
}

async fn write_about(cluster: &Cluster, draft: &Draft, about: About) -> kube::Result<()> {
    let (event, name) = (event(draft, about), name_of(draft));
    let client = cluster.client().clone();
    let api: Api<DynamicObject> = Api::namespaced_with(client, namespace_of(draft), &resource());
    if draft.written {
        let patch = Patch::Merge(&event);
        match api.patch(&name, &PatchParams::default(), &patch).await {
            // The API server forgets Events after an hour.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            other => return other.map(drop),
        }
    }
    let event = serde_json::from_value(event).map_err(kube::Error::SerdeError)?;
    api.create(&PostParams::default(), &event).await.map(drop)
}

fn resource() -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Event".to_owned(),
        plural: "events".to_owned(),
    }
}

/// Events of what is in no namespace are in `default` (client-go, `tools/record`).
fn namespace_of(draft: &Draft) -> &str {
    match draft.sort.namespace.as_str() {
        "" => "default",
        namespace => namespace,
    }
}

/// One name for one sort, of this process.
fn name_of(draft: &Draft) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    draft.sort.hash(&mut hasher);
    draft.first.hash(&mut hasher);
    process::id().hash(&mut hasher);
    format!("tiller-guard.{:016x}", hasher.finish())
}

fn event(draft: &Draft, about: About) -> Value {
    let Draft {
        sort,
        name,
        message,
        count,
        first,
        last,
        written: _,
    } = draft;
    let text = format!("refused {} {}: {message}", sort.kind, named(name));
    let involved = match (sort.namespace.as_str(), about) {
        ("", _) => json!({ "kind": sort.kind, "name": name }),
        (namespace, About::Namespace) => {
            json!({ "apiVersion": "v1", "kind": "Namespace", "name": namespace, "namespace": namespace })
        }
        (namespace, About::Refused) => {
            json!({ "kind": sort.kind, "name": name, "namespace": namespace })
        }
    };
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": { "name": name_of(draft), "namespace": namespace_of(draft) },
        "involvedObject": involved,
        "type": "Warning",
        "reason": "TillerRefused",
        "message": text.chars().take(LONGEST).collect::<String>(),
        "source": { "component": "tiller-guard" },
        "count": count,
        "firstTimestamp": written_time(*first),
        "lastTimestamp": written_time(*last),
    })
}

fn named(name: &str) -> &str {
    if name.is_empty() {
        "without a name"
    } else {
        name
    }
}

/// RFC 3339 in whole seconds, as the API has times.
fn written_time(time: SystemTime) -> String {
    let time = time::OffsetDateTime::from(time).replace_nanosecond(0);
    time.ok()
        .and_then(|time| {
            time.format(&time::format_description::well_known::Rfc3339)
                .ok()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use aggregator::Sort;

    fn draft(namespace: &str) -> Draft {
        Draft {
            sort: Sort {
                namespace: namespace.to_owned(),
                kind: "Deployment",
                rules: "host-access,tls-disabled".to_owned(),
            },
            name: "tiller-deploy".to_owned(),
            message: "host-access: /spec/template/spec/hostNetwork: no".to_owned(),
            count: 3,
            first: SystemTime::UNIX_EPOCH + Duration::from_hours(500_000),
            last: SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_001_500),
            written: false,
        }
    }

    #[test]
    fn an_event_tells_what_was_refused_and_how_often() {
        let event = event(&draft("team-a"), About::Namespace);
        assert_eq!(event["involvedObject"]["kind"], "Namespace");
        assert_eq!(event["metadata"]["namespace"], "team-a");
        assert_eq!(
            event["message"],
            "refused Deployment tiller-deploy: host-access: /spec/template/spec/hostNetwork: no"
        );
        assert_eq!(event["count"], 3);
        assert_eq!(event["firstTimestamp"], "2027-01-15T08:00:00Z");
        assert_eq!(event["lastTimestamp"], "2027-01-15T08:00:01Z");
    }

    #[test]
    fn an_event_can_be_about_what_was_refused() {
        let event = event(&draft("team-a"), About::Refused);
        let expected =
            json!({ "kind": "Deployment", "name": "tiller-deploy", "namespace": "team-a" });
        assert_eq!(event["involvedObject"], expected);
        assert_eq!(event["metadata"]["namespace"], "team-a");
    }

    #[test]
    fn what_is_in_no_namespace_has_its_event_in_default() {
        let event = event(&draft(""), About::Namespace);
        assert_eq!(event["metadata"]["namespace"], "default");
        assert_eq!(
            event["involvedObject"],
            json!({ "kind": "Deployment", "name": "tiller-deploy" })
        );
    }
}
