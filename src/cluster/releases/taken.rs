//! A release taken from Helm 3 while it is given back to Tiller, and what holds if Helm 3 works on it at the same time.

use serde_json::{Value, json};

use super::gather::{Group, Place, Recorded};
use super::helm3::{place, revision, text};
use super::list::ListError;
use super::outcome::Stop;
use super::restore::{Restored, changed, delete, each, of_helm3, released_to};
use super::target::Targets;
use super::write::{Writer, Written};
use crate::releases::aside::Direction;
use crate::releases::helm3::is_of_install;
use crate::releases::{Record, Storage};

/// A release whose records Tiller has again, and are still set aside.
pub(super) struct Taken<'a> {
    pub(super) tillers: Place<'a>,
    pub(super) targets: &'a Targets<'a>,
    pub(super) release: &'a str,
    pub(super) records: &'a [Record],
}

// === impl Taken ===

impl Taken<'_> {
    /// Deletes Helm 3's records, the newest first, since an upgrade writes that one. If Helm 3 has written meanwhile, it gets back what was
    /// deleted, so that a migration can leave the release to it; what has happened then.
    pub(super) async fn take_from_helm3(&self, ours: &[Value]) -> Result<Option<String>, Stop> {
        let mut newest_first: Vec<&Value> = ours.iter().collect();
        newest_first.sort_by_key(|secret| std::cmp::Reverse(revision(secret)));
        let (mut deleted, mut changed) = (Vec::new(), None);
        for secret in newest_first {
            if delete(self.tillers.cluster, secret).await? == Written::Overtaken {
                changed = Some(place(secret));
                break;
            }
            deleted.push(secret);
        }
        if changed.is_none() {
            // A revision that Helm 3 has made meanwhile changes no version of the others.
            for namespace in released_to(self.records) {
                let made = self.targets.made_since(&namespace, self.release, ours);
                changed = changed.or(made.await?.as_ref().map(place));
            }
        }
        let Some((namespace, name)) = changed else {
            return Ok(None);
        };
        let again = self.create_again(&deleted).await;
        let failed = again.err().map(|stop| format!(" ({stop})"));
        Ok(Some(format!(
            "Helm 3 has changed Secret {namespace}/{name} at the same time: Tiller and Helm 3 both have the release now{}; to leave \
             it to Helm 3, run: tiller-guard releases migrate --to helm3 -n {} {}",
            failed.unwrap_or_default(),
            self.tillers.namespace,
            self.release
        )))
    }

    async fn create_again(&self, deleted: &[&Value]) -> Result<(), Stop> {
        for secret in deleted {
            let (namespace, name) = place(secret);
            let writer = Writer {
                cluster: self.tillers.cluster,
                namespace: &namespace,
                storage: Storage::Secrets,
                dry_run: false,
            };
            let _there_again = writer.create(&name, &anew(secret)).await?;
        }
        Ok(())
    }
}

/// A Secret as it is created, without what the API server adds.
fn anew(secret: &Value) -> Value {
    let metadata = |key: &str| secret.pointer(&format!("/metadata/{key}")).cloned();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": text(secret, "/metadata/name"),
            "namespace": text(secret, "/metadata/namespace"),
            "labels": metadata("labels"),
            "annotations": metadata("annotations"),
        },
        "type": secret.get("type"),
        "data": secret.get("data"),
    })
}

/// Deletes what Helm 3 has of a release that Tiller has too, and of which nothing is set aside: a migration that was killed left it, or
/// `migrate --keep`. `None` if there is nothing of it.
pub(super) async fn retract_rest(
    tillers: Place<'_>,
    targets: &Targets<'_>,
    (release, records): (&str, &[Record]),
    dry_run: bool,
) -> Result<Option<Restored>, Stop> {
    let (mut ours, others) = of_helm3(tillers, targets, release, records).await?;
    // Tiller may have deleted it since, and installed another.
    let releases: Vec<_> = records.iter().filter_map(|it| it.decode().ok()).collect();
    ours.retain(|secret| releases.iter().any(|it| is_of_install(secret, it)));
    if ours.is_empty() {
        return Ok(None);
    }
    if let Some(other) = others.first() {
        let why = format!("Tiller has it too, and {}", changed(other, release));
        return Ok(Some(Restored::NotReady(vec![why])));
    }
    if !dry_run {
        for secret in &ours {
            if delete(tillers.cluster, secret).await? == Written::Overtaken {
                let (namespace, name) = place(secret);
                return Err(Stop::Other(format!(
                    "Helm 3 has changed Secret {namespace}/{name} at the same time"
                )));
            }
        }
    }
    let deleted = ours.len();
    Ok(Some(Restored::Retracted { deleted, dry_run }))
}

/// The same of all releases that Tiller has, without those that Helm 3 does not know.
pub(super) async fn retract_all(
    tillers: Place<'_>,
    targets: &Targets<'_>,
    recorded: &Recorded,
    dry_run: bool,
    mut tell: impl FnMut(&str, Result<Restored, Stop>),
) -> Result<(), ListError> {
    let retract = async |Group { release, records }: Group| {
        for namespace in released_to(&records) {
            match targets.newest(&namespace, &release).await {
                Ok(None) => {}
                Ok(Some(_)) => {
                    let left = (release.as_str(), records.as_slice());
                    let left = retract_rest(tillers, targets, left, dry_run).await;
                    return left.transpose().map(|it| (release, it));
                }
                Err(stop) => return Some((release, Err(stop))),
            }
        }
        None
    };
    each(tillers, recorded, Direction::Back, async |group| {
        if let Some((release, left)) = retract(group).await {
            tell(&release, left);
        }
    })
    .await
}
