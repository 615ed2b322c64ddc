//! The entries of a YAML mapping, as they come.

use std::collections::HashMap;

use super::node::{Content, Entry, Node, Position};

/// Why an entry cannot be put in.
type Refusal = &'static str;

/// The entries so far.
#[derive(Default)]
pub(super) struct Entries {
    list: Vec<Entry>,
    index: HashMap<String, usize>,
}

/// The first appearance of a key that came again.
pub(super) struct First {
    pub(super) key: String,
    pub(super) place: Position,
}

impl Entries {
    /// The entries, in the order of their keys' first appearance.
    pub(super) fn into_list(self) -> Vec<Entry> {
        self.list
    }

    /// Puts an entry in; of two with one key the later counts, in the place of the first.
    ///
    /// `1` and `"1"` are two keys in YAML and one in JSON: kubectl sends now one value, now the other.
    pub(super) fn put(&mut self, entry: Entry) -> Result<Option<First>, Refusal> {
        let held = self.index.get(&entry.key.text).copied();
        let Some(held) = held.and_then(|at| self.list.get_mut(at)) else {
            self.index.insert(entry.key.text.clone(), self.list.len());
            self.list.push(entry);
            return Ok(None);
        };
        if held.key != entry.key {
            return Err("two keys, of a text and of a number or boolean, become one in JSON");
        }
        // A key that a merge brought may be set anew: that is what merges are for.
        let first = held.start.is_some().then(|| First {
            key: held.key.text.clone(),
            place: held.place,
        });
        *held = entry;
        Ok(first)
    }

    /// `<<`: in a list the first mapping counts. go-yaml lets a merge overrule the keys before it, where
    /// YAML says that the mapping's own keys count: those are told, with the place of what overruled them.
    pub(super) fn merge(&mut self, node: Node) -> Result<Vec<(First, Position)>, Refusal> {
        let sources = match node.content {
            // kubectl takes a list here, but no alias of one.
            Content::List(items, _) if node.start.is_some() => items,
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
                overruled.extend(self.put(entry)?.map(|first| (first, place)));
            }
        }
        Ok(overruled)
    }
}
