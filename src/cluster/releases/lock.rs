//! One run at a time works on the releases of a Tiller: a ConfigMap in its namespace says which.
//!
//! Nothing is lost without this lock, because each write has its own conditions. But two runs at once would undo each other's writes, and
//! each would report a result that the other one has changed.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::holder::{Life, host, life, this};
use super::list::{check_namespace, number};
use super::moved::MoveError;
use super::target::lacking;
use super::write::{Writer, Written};
use crate::cluster::Cluster;
use crate::releases::Storage;

/// The name of the ConfigMap.
pub(super) const NAME: &str = "tiller-guard-releases";
/// The rights on it that a run needs.
pub(super) const VERBS: [&str; 4] = ["create", "delete", "get", "patch"];
/// Its annotations.
const COMMAND: &str = "tiller-guard.io/command";
const HOST: &str = "tiller-guard.io/host";
const PROCESS: &str = "tiller-guard.io/process";
const RENEWED: &str = "tiller-guard.io/renewed";
/// How often a run renews its lock.
const RENEWAL: Duration = Duration::from_secs(3);
/// How often a second run looks at the lock.
const LOOK: Duration = Duration::from_secs(1);
/// After this time without a renewal, the lock of a run on another machine is free.
const EXPIRY: Duration = Duration::from_secs(15);

/// The lock, held by this run.
struct Lock<'a> {
    writer: Writer<'a>,
    version: String,
}

/// The lock, held by another run.
#[derive(PartialEq, Eq)]
struct Held {
    version: String,
    process: String,
    /// The command and the machine of that run, in words.
    by: String,
}

/// Does the work while no other run works on the releases of this Tiller. Without an object that has these labels there is nothing
/// to lock. If this run waits for another one, it calls `waits` with a sentence that names the other run.
pub(super) async fn alone<T, E: From<MoveError>>(
    (cluster, namespace): (&Cluster, &str),
    (command, waits): (&'static str, fn(&str)),
    labels: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let mut count = 0;
    for storage in Storage::ALL {
        // If it cannot be asked, the work says why.
        let found = number(cluster, storage, Some(namespace), labels).await;
        count += found.unwrap_or_default();
    }
    if count == 0 {
        return work.await;
    }
    let mut lock = Lock::take((cluster, namespace), (command, waits)).await?;
    let done = tokio::select! {
        done = work => done,
        lost = lock.renew() => Err(lost.into()),
    };
    lock.release().await;
    done
}

// === impl Lock ===

impl<'a> Lock<'a> {
    async fn take(
        (cluster, namespace): (&'a Cluster, &'a str),
        (command, waits): (&'static str, fn(&str)),
    ) -> Result<Self, MoveError> {
        let writer = Writer {
            cluster,
            namespace,
            storage: Storage::ConfigMaps,
            dry_run: false,
        };
        let annotations = json!({
            COMMAND: command, HOST: host(), PROCESS: this(), RENEWED: "0",
        });
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": NAME, "namespace": namespace, "annotations": annotations },
        });
        let mut seen: Option<(Held, Instant)> = None;
        let mut has_told = false;
        loop {
            match writer.create(NAME, &object).await {
                Ok(Written::Done(version)) => return Ok(Self { writer, version }),
                Ok(Written::Overtaken) => {}
                Err(error) if error.is_forbidden => {
                    let rights = [(Storage::ConfigMaps, &VERBS[..])];
                    let lacking = lacking(cluster, namespace, &rights).await;
                    if !lacking.is_empty() {
                        return Err(MoveError::Lacking(lacking));
                    }
                    return Err(error.into());
                }
                Err(error) => {
                    check_namespace(cluster, namespace).await?;
                    return Err(error.into());
                }
            }
            let Some(held) = read(writer).await? else {
                continue;
            };
            let is_over = match life(&held.process) {
                Life::Ended => true,
                Life::Runs => return Err(busy(namespace, &held)),
                Life::Unknown => match &seen {
                    Some((before, _)) if before.version != held.version => {
                        return Err(busy(namespace, &held));
                    }
                    Some((_, since)) => {
                        if !std::mem::replace(&mut has_told, true) {
                            waits(&waiting(namespace, &held));
                        }
                        since.elapsed() > EXPIRY
                    }
                    None => false,
                },
            };
            if is_over {
                let taken = writer.annotate(NAME, &annotations, &held.version).await?;
                if let Written::Done(version) = taken {
                    return Ok(Self { writer, version });
                }
            } else {
                seen.get_or_insert_with(|| (held, Instant::now()));
                sleep(LOOK).await;
            }
        }
    }

    /// Renews it again and again. Ends if it is no longer this run's.
    async fn renew(&mut self) -> MoveError {
        let mut count = 0_u64;
        loop {
            sleep(RENEWAL).await;
            count += 1;
            let annotations = json!({ RENEWED: count.to_string() });
            let renewed = self.writer.annotate(NAME, &annotations, &self.version);
            match renewed.await {
                Ok(Written::Done(version)) => self.version = version,
                // Others take over if this goes on, which shows then.
                Err(_) => {}
                Ok(Written::Overtaken) => match read(self.writer).await {
                    // An answer was lost, or somebody has labelled it.
                    Ok(Some(held)) if held.process == this() => self.version = held.version,
                    Ok(Some(held)) => return busy(self.writer.namespace, &held),
                    Ok(None) => {
                        return MoveError::Busy(format!(
                            "somebody has deleted {}, which keeps other runs away",
                            place(self.writer.namespace)
                        ));
                    }
                    Err(_) => {}
                },
            }
        }
    }

    /// Gives it back. If that fails, the next run finds that this one has ended.
    async fn release(self) {
        let _given_back = self.writer.delete(NAME, &self.version).await;
    }
}

/// Whose it is now.
async fn read(writer: Writer<'_>) -> Result<Option<Held>, MoveError> {
    let Some(found) = writer.get(NAME).await? else {
        return Ok(None);
    };
    let annotation = |key: &str| {
        let annotations = found.pointer("/metadata/annotations")?;
        annotations.get(key).and_then(Value::as_str)
    };
    let Some(process) = annotation(PROCESS) else {
        return Err(MoveError::InTheWay {
            storage: Storage::ConfigMaps,
            namespace: writer.namespace.to_owned(),
            names: vec![NAME.to_owned()],
        });
    };
    let version = found.pointer("/metadata/resourceVersion");
    let (id, _) = process.rsplit_once('/').unwrap_or((process, ""));
    let id = id.rsplit('/').next().unwrap_or_default();
    Ok(Some(Held {
        version: version
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        process: process.to_owned(),
        by: format!(
            "`tiller-guard {}`, process {id} on {}",
            annotation(COMMAND).unwrap_or("releases"),
            annotation(HOST).unwrap_or("an unknown host")
        ),
    }))
}

fn busy(namespace: &str, held: &Held) -> MoveError {
    MoveError::Busy(format!(
        "another run works on the releases of {namespace}: {} ({})",
        held.by,
        place(namespace)
    ))
}

fn waiting(namespace: &str, held: &Held) -> String {
    format!(
        "waiting up to {} seconds to see whether another run still works on the releases of {namespace}: {} ({})",
        EXPIRY.as_secs(),
        held.by,
        place(namespace)
    )
}

fn place(namespace: &str) -> String {
    format!("ConfigMap {namespace}/{NAME}")
}
