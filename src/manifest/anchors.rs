//! What anchors name, for aliases.

use std::collections::HashMap;

use super::node::{Content, Node};
use super::scalar::Scalar;

/// How much text aliases may repeat, in bytes.
const MAX_REPEATED: usize = 16 << 20;

/// The anchors of a document so far, by the parser's number.
#[derive(Default)]
pub(super) struct Anchors {
    by_number: HashMap<usize, Anchored>,
    repeated: usize,
}

/// What an anchor names.
pub(super) struct Anchored {
    /// The value, without places.
    pub(super) node: Node,
    /// What it is, if it is a scalar: an alias of it may be a key.
    pub(super) scalar: Option<Scalar>,
    /// How many values it holds, itself among them.
    pub(super) nodes: usize,
    bytes: usize,
}

/// Why no more is remembered or recalled.
type Refusal = &'static str;

// === impl Anchors ===

impl Anchors {
    /// Keeps a value.
    pub(super) fn remember(
        &mut self,
        anchor: usize,
        node: &Node,
        scalar: Option<Scalar>,
    ) -> Result<(), Refusal> {
        let (nodes, bytes) = weigh(node);
        self.repeat(bytes)?;
        let mut node = node.clone();
        forget_positions(&mut node);
        let anchored = Anchored {
            node,
            scalar,
            nodes,
            bytes,
        };
        self.by_number.insert(anchor, anchored);
        Ok(())
    }

    /// Gives the value that an alias stands for.
    pub(super) fn recall(&mut self, anchor: usize) -> Result<&Anchored, Refusal> {
        let bytes = self.by_number.get(&anchor).map(|found| found.bytes);
        self.repeat(bytes.unwrap_or_default())?;
        self.by_number
            .get(&anchor)
            .ok_or("an alias of the value that contains it")
    }

    fn repeat(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.repeated += bytes;
        if self.repeated > MAX_REPEATED {
            return Err("aliases repeat too much");
        }
        Ok(())
    }
}

/// The number of nodes and the bytes of text in a node.
fn weigh(node: &Node) -> (usize, usize) {
    let add =
        |(nodes, bytes): (usize, usize), (more, text): (usize, usize)| (nodes + more, bytes + text);
    match &node.content {
        Content::Scalar(value, _) => (1, value.as_str().map_or(0, str::len)),
        Content::List(items, _) => items.iter().map(weigh).fold((1, 0), add),
        Content::Mapping(entries, _) => entries
            .iter()
            .map(|entry| add(weigh(&entry.value), (0, entry.key.text.len())))
            .fold((1, 0), add),
    }
}

fn forget_positions(node: &mut Node) {
    node.start = None;
    match &mut node.content {
        Content::Scalar(_, end) => *end = None,
        Content::List(items, _) => items.iter_mut().for_each(forget_positions),
        Content::Mapping(entries, _) => {
            for entry in entries {
                entry.start = None;
                forget_positions(&mut entry.value);
            }
        }
    }
}
