//! Helm 2's records of releases that Helm 3 has now: set aside under names that Tiller never writes, and given back.
//!
//! ```text
//! set aside: create all the copies ─ delete the originals
//! give back: create all the originals ─ delete the copies
//! ```
//!
//! A label alone hides a record from Tiller, but an install of that name writes over it. So the copy has another name, and an
//! original goes only once its copy is there: nothing is ever the last of its kind when it goes.

use std::collections::BTreeMap;

use super::movement::{ASIDE, Digest};
use super::record::{MIGRATED, OWNER, Record, Storage};

/// What the name of a record that is set aside ends with. Tiller's own records end with a revision.
const SUFFIX: &str = ".migrated";

/// A record in one of its two places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shelved {
    /// The object's name.
    pub object: String,
    /// The object's version.
    pub version: String,
    /// What it holds; nothing where the object is no such record.
    pub digest: Option<Digest>,
    /// When the release was first deployed, by which one that was deleted and installed anew differs.
    pub begun: Option<(i64, i32)>,
    /// Whether a move has set it aside.
    pub is_moved: bool,
}

/// Records of one release, by storage and by the name that Tiller gave them.
pub type Shelf = BTreeMap<(Storage, String), Shelved>;

/// Where records go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Out of Tiller's sight.
    Aside,
    /// To Tiller.
    Back,
}

/// A step. One that changes or deletes an object says of which version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Create it where it goes.
    Create,
    /// Write it over an older text of the same.
    Replace(String),
    /// Change its label, since it has the name already. Earlier versions set records aside by their label alone.
    Relabel(String),
    /// Delete it where it was.
    Delete(String),
}

/// Objects are in the way that hold something else.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("another record is in the way: {}", .0.join(", "))]
pub struct InTheWay(pub Vec<String>);

/// The name of a record while it is set aside.
pub fn aside_name(name: &str) -> String {
    format!("{name}{SUFFIX}")
}

/// Whether a name is one of a record that is set aside.
pub fn is_aside_name(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

/// The name that Tiller gave to a record that is set aside.
pub fn original_name(aside: &str) -> &str {
    aside.strip_suffix(SUFFIX).unwrap_or(aside)
}

/// The next steps, in any order; none where all is done.
pub fn next(
    from: &Shelf,
    to: &Shelf,
    direction: Direction,
) -> Result<BTreeMap<(Storage, String), Step>, InTheWay> {
    let (mut writes, mut deletions) = (BTreeMap::new(), BTreeMap::new());
    let mut in_the_way = Vec::new();
    for (key, record) in from {
        let delete = Step::Delete(record.version.clone());
        match to.get(key) {
            None if direction == Direction::Back && record.object == key.1 => {
                writes.insert(key.clone(), Step::Relabel(record.version.clone()));
            }
            None => {
                writes.insert(key.clone(), Step::Create);
            }
            Some(there) if there.digest.is_some() && there.digest == record.digest => {
                deletions.insert(key.clone(), delete);
            }
            Some(there) if there.begun.is_some() && there.begun == record.begun => {
                // Tiller has written its own since.
                match direction {
                    Direction::Aside => {
                        writes.insert(key.clone(), Step::Replace(there.version.clone()))
                    }
                    Direction::Back => deletions.insert(key.clone(), delete),
                };
            }
            Some(there) => in_the_way.push(format!("{} {}", key.0.kind(), there.object)),
        }
    }
    match (in_the_way.is_empty(), writes.is_empty()) {
        (false, _) => Err(InTheWay(in_the_way)),
        (true, false) => Ok(writes),
        (true, true) => Ok(deletions),
    }
}

/// By which a record is known in both places.
pub fn key(record: &Record) -> (Storage, String) {
    (record.storage, original_name(&record.name).to_owned())
}

/// Records that have gone in a direction.
pub fn shelf(records: &[Record], direction: Direction) -> Shelf {
    let shelved = records
        .iter()
        .map(|it| (key(it), Shelved::of(it, direction)));
    shelved.collect()
}

// === impl Direction ===

impl Direction {
    /// The label `OWNER` of records that have got there.
    pub fn owner(self) -> &'static str {
        match self {
            Self::Aside => MIGRATED,
            Self::Back => OWNER.1,
        }
    }

    /// The name of a record there, by the name that Tiller gave it.
    pub fn name(self, original: &str) -> String {
        match self {
            Self::Aside => aside_name(original),
            Self::Back => original.to_owned(),
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Aside => Self::Back,
            Self::Back => Self::Aside,
        }
    }
}

// === impl Shelved ===

impl Shelved {
    /// A record, as one of those that have gone in a direction.
    pub fn of(record: &Record, direction: Direction) -> Self {
        let is_one = record.label(OWNER.0) == Some(direction.owner());
        let text = record.text.as_deref().ok().filter(|_| is_one);
        let release = text.and_then(|_| record.decode().ok());
        Self {
            object: record.name.clone(),
            version: record.resource_version.clone(),
            digest: text.map(Digest::of),
            begun: release.and_then(|release| {
                let first = release.info.first_deployed.as_option()?;
                Some((first.seconds, first.nanos))
            }),
            is_moved: record.label(OWNER.0) == Some(ASIDE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf(records: &[(&str, &str, &[u8], i64)]) -> Shelf {
        let shelved = |(original, object, text, begun): &(&str, &str, &[u8], i64)| {
            let key = (Storage::Secrets, (*original).to_owned());
            let shelved = Shelved {
                object: (*object).to_owned(),
                version: "7".to_owned(),
                digest: Some(Digest::of(text)),
                begun: Some((*begun, 0)),
                is_moved: false,
            };
            (key, shelved)
        };
        records.iter().map(shelved).collect()
    }

    fn steps(from: &Shelf, to: &Shelf, direction: Direction) -> Vec<Step> {
        next(from, to, direction).unwrap().into_values().collect()
    }

    fn version() -> String {
        "7".to_owned()
    }

    #[test]
    fn an_original_goes_once_all_copies_are_there() {
        let tillers = shelf(&[("a.v1", "a.v1", b"1", 1), ("a.v2", "a.v2", b"2", 1)]);
        let none = Shelf::new();
        let aside = Direction::Aside;
        assert_eq!(steps(&tillers, &none, aside), [Step::Create, Step::Create]);
        let one = shelf(&[("a.v1", "a.v1.migrated", b"1", 1)]);
        assert_eq!(steps(&tillers, &one, aside), [Step::Create]);
        let both = shelf(&[
            ("a.v1", "a.v1.migrated", b"1", 1),
            ("a.v2", "a.v2.migrated", b"2", 1),
        ]);
        let delete = Step::Delete(version());
        assert_eq!(steps(&tillers, &both, aside), [delete.clone(), delete]);
        assert_eq!(steps(&none, &both, aside), []);
    }

    #[test]
    fn a_later_write_of_tillers_counts_in_both_directions() {
        let tillers = shelf(&[("a.v1", "a.v1", b"new", 1)]);
        let aside = shelf(&[("a.v1", "a.v1.migrated", b"old", 1)]);
        assert_eq!(
            steps(&tillers, &aside, Direction::Aside),
            [Step::Replace(version())]
        );
        assert_eq!(
            steps(&aside, &tillers, Direction::Back),
            [Step::Delete(version())]
        );
    }

    #[test]
    fn a_release_that_was_installed_anew_is_another() {
        let tillers = shelf(&[("a.v1", "a.v1", b"new", 2)]);
        let aside = shelf(&[("a.v1", "a.v1.migrated", b"old", 1)]);
        let told = next(&tillers, &aside, Direction::Aside).unwrap_err();
        assert_eq!(
            told.to_string(),
            "another record is in the way: Secret a.v1.migrated"
        );
        assert!(next(&aside, &tillers, Direction::Back).is_err());
    }

    #[test]
    fn what_was_hidden_by_its_label_alone_is_given_back() {
        let hidden = shelf(&[("a.v1", "a.v1", b"1", 1)]);
        assert_eq!(
            steps(&hidden, &Shelf::new(), Direction::Back),
            [Step::Relabel(version())]
        );
    }

    #[test]
    fn names_aside_are_none_of_tillers() {
        for name in ["web.v1", "a.v2.v3"] {
            let aside = aside_name(name);
            assert_eq!(crate::releases::named(&aside), None);
            assert_eq!(original_name(&aside), name);
            assert_eq!(original_name(name), name);
        }
    }
}
