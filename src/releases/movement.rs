//! Moving records from one storage to the other: the next step follows from what is there now.
//!
//! ```text
//! copy ─ read back, compare ─ set the old ones aside ─ switch Tiller ─ delete the old ones
//! ```
//!
//! Each round looks at both storages anew, so that a run that was killed, a step that failed and a write of Tiller's in between
//! lead to the same end. A record is set aside by its label, which hides it from Tiller, and only once its copy is there;
//! it is deleted only once it is aside. Nothing is ever the last of its kind when it goes.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

/// The value of the label `OWNER` of a record whose copy has taken its place. Tiller does not find it.
pub const ASIDE: &str = "MOVED";
/// The annotation of a copy, which says where it came from. Tiller drops it when it first writes the record, so that it is
/// on those only that no Tiller has touched.
pub const MOVED_FROM: &str = "tiller-guard.io/moved-from";

/// The SHA-256 of a record's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// Whom a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Tiller.
    Tiller,
    /// Nobody any more.
    Aside,
}

/// A record in one storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Whom it is for.
    pub owner: Owner,
    /// Whether it is a copy that no Tiller has touched.
    pub is_copy: bool,
    /// The object's version.
    pub version: String,
    /// What it holds.
    pub digest: Digest,
}

/// The records in one storage, by name.
pub type Contents = BTreeMap<String, Kept>;

/// A step. Each says which version of the object it was decided by, and does nothing to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Create it in the target.
    Create,
    /// Make the target's what the source's is.
    Replace(String),
    /// Set the source's aside.
    SetAside(String),
    /// Set the target's aside: Tiller has deleted the source's since it was copied.
    Retract(String),
    /// Delete the source's, which is aside.
    Delete(String),
}

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// These, in any order.
    Steps(BTreeMap<String, Step>),
    /// Tiller is to look for its records in the target.
    Switch,
    /// Nothing.
    Done,
}

/// How far this run has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// What it has copied.
    pub copied: BTreeMap<String, Digest>,
    /// Whether Tiller works with the target.
    pub switched: bool,
    /// Whether the old records are kept, set aside.
    pub keep: bool,
}

/// Two Tillers have written one record, each in its storage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} in both storages, with another content in each, written by two Tillers: {}", .0.len(), .0.join(", "))]
pub struct Conflict(pub Vec<String>);

// === impl Digest ===

impl Digest {
    /// Of a record's text.
    pub fn of(text: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (byte, hashed) in bytes.iter_mut().zip(digest(&SHA256, text).as_ref()) {
            *byte = *hashed;
        }
        Self(bytes)
    }
}

/// The next step, from the current contents of both storages.
pub fn next(source: &Contents, target: &Contents, progress: &Progress) -> Result<Next, Conflict> {
    let phases = [copies(source, target, progress)?, asides(source, target)];
    if let Some(steps) = phases.into_iter().find(|steps| !steps.is_empty()) {
        return Ok(Next::Steps(steps));
    }
    if !progress.switched {
        return Ok(Next::Switch);
    }
    let deletions = deletions(source, target);
    Ok(if progress.keep || deletions.is_empty() {
        Next::Done
    } else {
        Next::Steps(deletions)
    })
}

fn copies(
    source: &Contents,
    target: &Contents,
    progress: &Progress,
) -> Result<BTreeMap<String, Step>, Conflict> {
    let mut steps = BTreeMap::new();
    let mut conflicts = Vec::new();
    for (name, record) in of_tiller(source) {
        let step = match target.get(name) {
            None => Step::Create,
            Some(there) if is_same(record, there) => continue,
            // What is aside was replaced by what is now moved back, and what is a copy is one of an older version.
            Some(there)
                if there.owner == Owner::Aside
                    || there.is_copy
                    || there.digest == record.digest =>
            {
                Step::Replace(there.version.clone())
            }
            Some(_) => {
                conflicts.push(name.clone());
                continue;
            }
        };
        steps.insert(name.clone(), step);
    }
    for (name, digest) in &progress.copied {
        let there = target.get(name).filter(|there| {
            there.owner == Owner::Tiller && there.is_copy && there.digest == *digest
        });
        if let Some(there) = there.filter(|_| !progress.switched && !source.contains_key(name)) {
            steps.insert(name.clone(), Step::Retract(there.version.clone()));
        }
    }
    if conflicts.is_empty() {
        Ok(steps)
    } else {
        Err(Conflict(conflicts))
    }
}

fn asides(source: &Contents, target: &Contents) -> BTreeMap<String, Step> {
    let copied = of_tiller(source).filter(|(name, record)| {
        target
            .get(*name)
            .is_some_and(|there| is_same(record, there))
    });
    copied
        .map(|(name, record)| (name.clone(), Step::SetAside(record.version.clone())))
        .collect()
}

/// What is aside and has its place taken. One whose place is empty stays: it may have been the last.
fn deletions(source: &Contents, target: &Contents) -> BTreeMap<String, Step> {
    let aside = source.iter().filter(|(name, record)| {
        record.owner == Owner::Aside
            && target
                .get(*name)
                .is_some_and(|there| there.owner == Owner::Tiller)
    });
    aside
        .map(|(name, record)| (name.clone(), Step::Delete(record.version.clone())))
        .collect()
}

fn of_tiller(contents: &Contents) -> impl Iterator<Item = (&String, &Kept)> {
    contents
        .iter()
        .filter(|(_, record)| record.owner == Owner::Tiller)
}

fn is_same(record: &Kept, there: &Kept) -> bool {
    there.owner == Owner::Tiller && there.digest == record.digest
}
