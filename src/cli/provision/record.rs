//! What was written into a bundle's folder, so that the next bundle may take its place and nothing else is overwritten.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::pki::team::Fingerprint;
use crate::provision::{Person, PersonKind};

/// The largest record that is read, in bytes.
const MAX_RECORD: u64 = 64 << 10;

/// Whose folder it is, and the SHA-256 of each file that may be there: the one before and the one that was written last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) team: String,
    kind: String,
    name: String,
    files: BTreeMap<String, Vec<String>>,
}

// === impl Record ===

impl Record {
    pub(super) const NAME: &'static str = ".tiller-guard.json";

    pub(super) fn new(team: &str, person: &Person) -> Self {
        Self {
            team: team.to_owned(),
            kind: person.kind.as_str().to_owned(),
            name: person.name.clone(),
            files: BTreeMap::new(),
        }
    }

    /// The record of a folder; nothing if there is none that can be read.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let file = File::open(folder.join(Self::NAME)).ok()?;
        let mut content = Vec::new();
        file.take(MAX_RECORD).read_to_end(&mut content).ok()?;
        serde_json::from_slice(&content).ok()
    }

    /// Whose bundle it is.
    pub(super) fn person(&self) -> Option<Person> {
        Person::new(PersonKind::find(&self.kind)?, &self.name).ok()
    }

    /// Whether it is of the same team and person.
    pub(super) fn is_of(&self, team: &str, person: &Person) -> bool {
        self.team == team && self.person().as_ref() == Some(person)
    }

    /// Whether this was written there.
    pub(super) fn knows(&self, name: &str, content: &[u8]) -> bool {
        let hash = Fingerprint::of(content).to_string();
        let known = self.files.get(name);
        known.is_some_and(|hashes| hashes.contains(&hash))
    }

    /// Notes what is about to be written, and what it replaces: a run that is killed leaves either.
    pub(super) fn note(&mut self, name: &str, old: Option<&[u8]>, new: &[u8]) {
        let contents = old.into_iter().chain([new]);
        let hashes = contents.map(|content| Fingerprint::of(content).to_string());
        self.files.insert(name.to_owned(), hashes.collect());
    }

    /// The text of the file.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}
