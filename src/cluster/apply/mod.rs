//! Desired objects, and how they get into a cluster.
//!
//! What is there is compared with what is desired; the difference goes as a merge patch that holds the
//! `resourceVersion` it was made from. All servers from 1.10 on understand this, and nothing that others have added
//! is lost. An object is ours by its labels, and a foreign one is left alone.

mod attempts;
mod compare;
mod effect;
mod error;
mod object;
mod remove;

use futures_util::stream::{self, Stream, StreamExt as _};
use kube::api::{DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::Cluster;
use attempts::Attempts;
pub use compare::created;
pub use effect::{Effect, NoDryRun};
pub use error::ApplyError;
use error::{Setback, lacks_namespace, nowhere};
pub use object::ObjectReference;

/// Who writes, in `managedFields`.
const MANAGER: &str = "tiller-guard";
/// Objects of one stage that are on their way at once.
const AT_ONCE: usize = 8;

/// A desired object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// With `apiVersion`, `kind`, name and labels; no field that only the API server sets.
    pub object: Value,
    /// What to do with one that others have made.
    pub foreign: Foreign,
}

/// What to do with an object of that name that others have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// It is an error, unless adopting was asked for.
    Refuse,
    /// It is good as it is: a namespace, say.
    Leave,
}

/// How objects are written.
#[derive(Debug, Clone)]
pub struct Writer {
    /// Where.
    pub cluster: Cluster,
    /// The keys of the labels by which an object is known to be ours; their values are the desired object's.
    pub owner: &'static [&'static str],
    /// Whether foreign objects are taken over.
    pub adopt: bool,
    /// What is written.
    pub effect: Effect,
    /// Whether most objects are likely to be there; saves a request for each where that is right.
    pub expects: Expects,
}

/// What is likely to be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// Objects that are not there yet.
    Absent,
    /// Objects from before.
    Present,
}

/// What is known of an object before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// Nothing.
    Unknown,
    /// It is not there.
    Absent,
    /// It is this.
    Live(Box<Value>),
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Which.
    pub object: ObjectReference,
    /// What was done, or would have been.
    pub change: Change,
}

/// What was done with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    Created,
    /// It was another.
    Updated {
        /// What the desired fields were. Data of Secrets is in it.
        before: Value,
    },
    /// It was in its desired state.
    Unchanged,
    /// Others made it, and it was left as it is.
    Left,
    /// It was removed.
    Deleted,
    /// It was not there to be removed.
    Absent,
}

/// What `live` lacks of what is desired, as a merge patch; nothing where it holds all of it.
pub fn missing(desired: &Value, live: &Value) -> Option<Value> {
    compare::patch_of_object(desired, live)
}

// === impl Change ===

impl Change {
    /// A word for people.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated { .. } => "updated",
            Self::Unchanged => "unchanged",
            Self::Left => "left as it is",
            Self::Deleted => "deleted",
            Self::Absent => "absent",
        }
    }

    /// What was found, where the answer to an attempt before was lost: the attempt did it.
    fn after(self, unanswered: Option<&str>) -> Self {
        match (self, unanswered) {
            (Self::Unchanged, Some("create")) => Self::Created,
            (Self::Unchanged, Some("update")) => Self::Updated {
                before: Value::Null,
            },
            (Self::Absent, Some("delete")) => Self::Deleted,
            (change, _) => change,
        }
    }

    /// Whether the cluster is, or would be, another than before.
    pub fn is_change(&self) -> bool {
        matches!(self, Self::Created | Self::Updated { .. } | Self::Deleted)
    }
}

// === impl Writer ===

impl Writer {
    /// Applies objects that do not need one another, some at a time, in whatever order they are done. What fails
    /// does not keep the others from being applied.
    pub fn apply_all<'a>(
        &'a self,
        desired: &'a [Desired],
    ) -> impl Stream<Item = Result<Applied, ApplyError>> + 'a {
        stream::iter(desired)
            .map(|desired| self.apply(desired))
            .buffer_unordered(AT_ONCE)
    }

    /// Brings one object to its desired state.
    pub async fn apply(&self, desired: &Desired) -> Result<Applied, ApplyError> {
        self.apply_over(desired, Seen::Unknown).await
    }

    /// The same where it was looked at before. If it has changed since, it is looked at again.
    pub async fn apply_over(&self, desired: &Desired, seen: Seen) -> Result<Applied, ApplyError> {
        self.effect.check(&self.cluster)?;
        let object = ObjectReference::of(&desired.object).ok_or(ApplyError::Nameless)?;
        let mut look = self.expects == Expects::Present || self.effect == Effect::Look;
        let mut seen = Some(seen);
        let mut attempts = Attempts::default();
        while attempts.another().await {
            let done = match seen.take() {
                Some(Seen::Live(live)) => self.write_over(&object, desired, &live).await,
                Some(Seen::Unknown) | None if look => self.look_and_write(&object, desired).await,
                Some(Seen::Absent | Seen::Unknown) | None => self.create(&object, desired).await,
            };
            look = true;
            if let Some(end) = attempts.end(done) {
                return end.map(|change| Applied { object, change });
            }
        }
        Err(attempts.gave_up(object))
    }

    async fn create(&self, object: &ObjectReference, desired: &Desired) -> Attempt {
        const VERB: &str = "create";
        if self.effect == Effect::Look {
            return Ok(Change::Created);
        }
        let parameters = PostParams {
            dry_run: self.effect == Effect::ServerDryRun,
            field_manager: Some(MANAGER.to_owned()),
        };
        let new: DynamicObject = serde_json::from_value(created(&desired.object))
            .map_err(|_| (VERB, Setback::Final(ApplyError::Nameless)))?;
        match object
            .api(self.cluster.client())
            .create(&parameters, &new)
            .await
        {
            Ok(_) => Ok(Change::Created),
            Err(error) => match Setback::of(error, VERB, object) {
                // A dry run makes no namespace, so that what comes into it cannot be tried.
                Setback::Missing(said)
                    if self.effect == Effect::ServerDryRun && lacks_namespace(&said) =>
                {
                    Ok(Change::Created)
                }
                Setback::Missing(said) => Err((VERB, Setback::Final(nowhere(object, &said)))),
                setback => Err((VERB, setback)),
            },
        }
    }

    async fn look_and_write(&self, object: &ObjectReference, desired: &Desired) -> Attempt {
        match self.look(object).await? {
            Some(live) => self.write_over(object, desired, &live).await,
            None => self.create(object, desired).await,
        }
    }

    async fn write_over(
        &self,
        object: &ObjectReference,
        desired: &Desired,
        live: &Value,
    ) -> Attempt {
        const VERB: &str = "update";
        if let Some(label) = self.strange_label(&desired.object, live) {
            match desired.foreign {
                Foreign::Leave => return Ok(Change::Left),
                Foreign::Refuse if self.adopt => {}
                Foreign::Refuse => {
                    let object = object.clone();
                    let error = ApplyError::Foreign { object, label };
                    return Err((VERB, Setback::Final(error)));
                }
            }
        }
        let Some(mut patch) = compare::patch_of_object(&desired.object, live) else {
            return Ok(Change::Unchanged);
        };
        if let Some(field) = compare::fixed(&desired.object, &patch) {
            let object = object.clone();
            return Err((VERB, Setback::Final(ApplyError::Fixed { object, field })));
        }
        if self.effect != Effect::Look {
            // A server that is given the version of what was compared refuses where there is a newer one.
            if let (Some(version), Some(patch)) = (
                live.pointer("/metadata/resourceVersion"),
                patch.as_object_mut(),
            ) {
                let metadata = patch.entry("metadata").or_insert_with(|| json!({}));
                if let Some(metadata) = metadata.as_object_mut() {
                    metadata.insert("resourceVersion".to_owned(), version.clone());
                }
            }
            let parameters = PatchParams {
                dry_run: self.effect == Effect::ServerDryRun,
                field_manager: Some(MANAGER.to_owned()),
                ..PatchParams::default()
            };
            let api = object.api(self.cluster.client());
            let patched = api
                .patch(
                    &object.name,
                    &parameters,
                    &Patch::Merge(compare::sent(patch)),
                )
                .await;
            patched.map_err(|error| (VERB, Setback::of(error, VERB, object)))?;
        }
        Ok(Change::Updated {
            before: compare::projected(live, &desired.object),
        })
    }

    async fn look(
        &self,
        object: &ObjectReference,
    ) -> Result<Option<Value>, (&'static str, Setback)> {
        const VERB: &str = "get";
        let found = object
            .api(self.cluster.client())
            .get_opt(&object.name)
            .await;
        let found = match found.map_err(|error| Setback::of(error, VERB, object)) {
            Ok(found) => found,
            // A server that does not serve the kind answers otherwise than one without the object.
            Err(Setback::Missing(_)) => None,
            Err(setback) => return Err((VERB, setback)),
        };
        let value = found.map(serde_json::to_value).transpose();
        value.map_err(|error| {
            (
                VERB,
                Setback::Passing(Box::new(kube::Error::SerdeError(error))),
            )
        })
    }

    /// The first of the owner's labels that the live object does not have, or has with another value.
    fn strange_label(&self, desired: &Value, live: &Value) -> Option<String> {
        let label = |object: &Value, key: &str| {
            let labels = object.pointer("/metadata/labels")?;
            labels.get(key)?.as_str().map(ToOwned::to_owned)
        };
        self.owner.iter().find_map(|key| {
            let (wanted, found) = (label(desired, key), label(live, key));
            (wanted != found).then(|| match found {
                Some(found) => format!("its label {key} is \"{found}\""),
                None => format!("it has no label {key}"),
            })
        })
    }
}

type Attempt = Result<Change, (&'static str, Setback)>;
