//! Moving records from one storage to the other: the next step follows from what is there now.
//!
//! ```text
//! copy ─ read back, compare ─ set the old ones aside ─ switch Tiller ─ delete the old ones
//! ```
//!
//! Each round looks at both storages anew, so that a run that was killed, a step that failed and a write of Tiller's in between
//! lead to the same end. A record is set aside by its label, which hides it from Tiller, and only once its copy is there;
//! it is deleted only once it is aside. Nothing is ever the last of its kind when it goes.
//!
//! A copy is written over only by the run that made it, and only until the old record is aside: from then on the copy is the record,
//! and a Tiller that goes back to the old storage begins another one under its name. Which of the two counts is for people to say.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};

/// The value of the label `OWNER` of a record whose copy has taken its place. Tiller does not find it.
pub const ASIDE: &str = "MOVED";

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
pub struct StoredRecord {
    /// Whom it is for.
    pub owner: Owner,
    /// The object's version.
    pub version: String,
    /// What it holds.
    pub digest: Digest,
}

/// The records in one storage, by name.
pub type Contents = BTreeMap<String, StoredRecord>;

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

/// Steps by the name of the record.
pub type Steps = BTreeMap<String, Step>;

/// The next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// These, in any order.
    Steps(Steps),
    /// Tiller is to look for its records in the target.
    Switch,
    /// Nothing.
    Done,
}

/// What is left to be done at the beginning, beside the copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outlook {
    /// Old records to be set aside.
    pub asides: usize,
    /// Old records to be deleted.
    pub deletions: usize,
}

/// How far this run has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// The copies that it has made of records that are not aside yet.
    copied: BTreeMap<String, Digest>,
    /// Whether Tiller works with the target.
    pub switched: bool,
    /// Whether the old records are kept, set aside.
    pub keep: bool,
}

/// Tiller has written one record in each storage: two Tillers, or one that went back to the old storage after a move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} in both storages, with another content in each: {}", .0.len(), .0.join(", "))]
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

// === impl Step ===

impl Step {
    /// Whether it makes a copy.
    pub fn is_copy(&self) -> bool {
        matches!(self, Self::Create | Self::Replace(_))
    }
}

// === impl Next ===

impl Next {
    /// The steps, if it is these.
    pub fn steps(&self) -> &Steps {
        static NONE: Steps = Steps::new();
        match self {
            Self::Steps(steps) => steps,
            Self::Switch | Self::Done => &NONE,
        }
    }
}

// === impl Progress ===

impl Progress {
    /// At the beginning.
    pub fn begun(keep: bool) -> Self {
        Self {
            keep,
            ..Self::default()
        }
    }

    /// Notes a copy of such a text.
    pub fn note_copy(&mut self, name: String, digest: Digest) {
        self.copied.insert(name, digest);
    }

    /// Notes that a record was set aside: its copy is the record now.
    pub fn note_aside(&mut self, name: &str) {
        self.copied.remove(name);
    }

    /// Whether what is there under this name is a copy of this run's that no Tiller works with yet.
    fn has_made(&self, name: &str, there: &StoredRecord) -> bool {
        !self.switched && self.copied.get(name) == Some(&there.digest)
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

/// What a move that begins will have done, if nobody comes between.
pub fn outlook(source: &Contents, target: &Contents, keep: bool) -> Outlook {
    let asides = of_tiller(source).count();
    let deletions = asides + deletions(source, target).len();
    Outlook {
        asides,
        deletions: if keep { 0 } else { deletions },
    }
}

fn copies(source: &Contents, target: &Contents, progress: &Progress) -> Result<Steps, Conflict> {
    let mut steps = Steps::new();
    let mut conflicts = Vec::new();
    for (name, record) in of_tiller(source) {
        let step = match target.get(name) {
            None => Step::Create,
            Some(there) if is_same(record, there) => continue,
            // What is aside was replaced by what is now moved back, and a copy of this run's is one of an older version.
            Some(there) if there.owner == Owner::Aside || progress.has_made(name, there) => {
                Step::Replace(there.version.clone())
            }
            Some(_) => {
                conflicts.push(name.clone());
                continue;
            }
        };
        steps.insert(name.clone(), step);
    }
    for name in progress.copied.keys() {
        let there = target.get(name).filter(|there| {
            there.owner == Owner::Tiller
                && progress.has_made(name, there)
                && !source.contains_key(name)
        });
        if let Some(there) = there {
            steps.insert(name.clone(), Step::Retract(there.version.clone()));
        }
    }
    if conflicts.is_empty() {
        Ok(steps)
    } else {
        Err(Conflict(conflicts))
    }
}

fn asides(source: &Contents, target: &Contents) -> Steps {
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
fn deletions(source: &Contents, target: &Contents) -> Steps {
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

fn of_tiller(contents: &Contents) -> impl Iterator<Item = (&String, &StoredRecord)> {
    contents
        .iter()
        .filter(|(_, record)| record.owner == Owner::Tiller)
}

fn is_same(record: &StoredRecord, there: &StoredRecord) -> bool {
    there.owner == Owner::Tiller && there.digest == record.digest
}
