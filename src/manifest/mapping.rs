//! The entries of a YAML mapping, as they come.

use std::collections::HashMap;

use super::node::{Content, Entry, Node, Position};

/// Why an entry cannot be put in.
type Refusal = &'static str;

/// Up to how many entries a key is looked for one by one, which is faster than to keep an index.
const WITHOUT_INDEX: usize = 16;

/// The entries so far.
#[derive(Default)]
pub(super) struct Entries {
    list: Vec<Entry>,
    /// The place of each key in the list, once there are many.
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
        let held = self.position(&entry.key.text);
        let Some(held) = held.and_then(|at| self.list.get_mut(at)) else {
            self.push(entry);
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

    fn position(&self, key: &str) -> Option<usize> {
        if self.list.len() > WITHOUT_INDEX {
            self.index.get(key).copied()
        } else {
            self.list.iter().position(|entry| entry.key.text == key)
        }
    }

    fn push(&mut self, entry: Entry) {
        self.list.push(entry);
        let indexed = self.index.len();
        if self.list.len() > WITHOUT_INDEX {
            let new = self.list.iter().enumerate().skip(indexed);
            self.index
                .extend(new.map(|(at, entry)| (entry.key.text.clone(), at)));
        }
    }

    /// `<<`: in a list the first mapping counts. go-yaml lets a merge overrule the keys before it, where
    /// YAML says that the mapping's own keys count: those are reported, with the place of what overruled them.
    pub(super) fn merge(&mut self, node: Node) -> Result<Vec<(First, Position)>, Refusal> {
        let sources = match node.content {
            // kubectl takes a list here, but no alias of one.
            Content::List(items, _) if node.start.is_some() => items,
            content => vec![Node { content, ..node }],
        };
        let mut overruled = Vec::new();
        for source in sources.into_iter().rev() {
            let Content::Mapping(entries, _) = source.content else {
                return Err("a merge (<<) of something that is not a mapping");
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
