//! A document as read: values with the places where they stand.

use serde_json::{Map, Value};

use super::key::Key;

/// A place in a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1: in characters, in JSON in bytes.
    pub column: usize,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Where it begins.
    pub(super) place: Position,
    /// Where it begins in the document's text, in bytes; none for what an alias put in.
    pub(super) start: Option<usize>,
    /// What it is.
    pub(super) content: Content,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// A string, number, boolean or null, and the byte after its last, where known.
    Scalar(Value, Option<usize>),
    /// A list.
    List(Vec<Node>, Style),
    /// A mapping, in the order of its keys' first appearance.
    Mapping(Vec<Entry>, Style),
}

/// How a list or mapping is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// By indentation.
    Block,
    /// With brackets.
    Flow,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: Key,
    /// Where the key stands.
    pub(super) place: Position,
    /// Where the key begins in the document's text; none where a merge or an alias put it in.
    pub(super) start: Option<usize>,
    /// The value.
    pub(super) value: Node,
}

/// A key that one mapping holds twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duplicate {
    /// The JSON pointer of the value that counts, in the document.
    pub pointer: String,
    /// The key.
    pub key: String,
    /// Where the key stands first.
    pub first: Position,
    /// Where the key stands again; the last one's value counts.
    pub again: Position,
}

// === impl Node ===

impl Node {
    /// The value without its places.
    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Scalar(value, _) => value.clone(),
            Content::List(items, _) => Value::Array(items.iter().map(Self::to_value).collect()),
            Content::Mapping(entries, _) => {
                let mut map = Map::with_capacity(entries.len());
                for entry in entries {
                    map.insert(entry.key.text.clone(), entry.value.to_value());
                }
                Value::Object(map)
            }
        }
    }

    /// The value of a mapping's key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.content {
            Content::Mapping(entries, _) => entries
                .iter()
                .find(|entry| entry.key.text == key)
                .map(|entry| &entry.value),
            Content::Scalar(..) | Content::List(..) => None,
        }
    }

    /// Whether a mapping has a key that is another only by the case of its letters.
    pub(super) fn has_other_case(&self, key: &str) -> bool {
        match &self.content {
            Content::Mapping(entries, _) => entries.iter().any(|entry| {
                let text = &entry.key.text;
                text != key && text.eq_ignore_ascii_case(key)
            }),
            Content::Scalar(..) | Content::List(..) => false,
        }
    }

    /// The text of a string.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Scalar(value, _) => value.as_str(),
            Content::List(..) | Content::Mapping(..) => None,
        }
    }

    /// The place that a JSON pointer names, or the nearest that is there on the way to it. A mapping's
    /// value is where its key is.
    pub(super) fn place_of(&self, pointer: &str) -> Position {
        let mut place = self.place;
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            let Some((at, child)) = node.child(token) else {
                break;
            };
            (place, node) = (at, child);
        }
        place
    }

    fn child(&self, token: &str) -> Option<(Position, &Self)> {
        match &self.content {
            Content::Scalar(..) => None,
            Content::List(items, _) => items
                .get(token.parse::<usize>().ok()?)
                .map(|item| (item.place, item)),
            Content::Mapping(entries, _) => {
                let key = unescape(token);
                let entry = entries.iter().find(|entry| entry.key.text == key)?;
                Some((entry.place, &entry.value))
            }
        }
    }
}

/// A key as a JSON pointer's token.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
