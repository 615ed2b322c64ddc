//! The entries of a YAML mapping, as they come.

use std::collections::HashMap;

use super::node::{Content, Entry, Node, Place};

/// The entries so far.
#[derive(Default)]
pub(super) struct Entries {
    list: Vec<Entry>,
    index: HashMap<String, usize>,
}

/// The first appearance of a key that came again.
pub(super) struct First {
    pub(super) key: String,
    pub(super) place: Place,
}

impl Entries {
    /// The entries, in the order of their keys' first appearance.
    pub(super) fn into_list(self) -> Vec<Entry> {
        self.list
    }

    /// Puts an entry in; of two with one key the later counts, in the place of the first.
    pub(super) fn put(&mut self, entry: Entry) -> Option<First> {
        let Some(at) = self.index.get(&entry.key) else {
            self.index.insert(entry.key.clone(), self.list.len());
            self.list.push(entry);
            return None;
        };
        let held = self.list.get_mut(*at)?;
        // A key that a merge brought may be set anew: that is what merges are for.
        let first = held.start.is_some().then(|| First {
            key: held.key.clone(),
            place: held.place,
        });
        *held = entry;
        first
    }

    /// `<<`: in a list the first mapping counts. go-yaml lets a merge overrule the keys before it, where
    /// YAML says that the mapping's own keys count: those are told, with the place of what overruled them.
    pub(super) fn merge(&mut self, node: Node) -> Result<Vec<(First, Place)>, &'static str> {
        let sources = match node.content {
            Content::List(items, _) => items,
            content => vec![Node { content, ..node }],
        };
        let mut overruled = Vec::new();
        for source in sources.into_iter().rev() {
            let Content::Mapping(entries, _) = source.content else {
                return Err("a merge (<<) of what is no mapping");
            };
            for mut entry in entries {
                entry.start = None;
                let place = entry.place;
                overruled.extend(self.put(entry).map(|first| (first, place)));
            }
        }
        Ok(overruled)
    }
}
