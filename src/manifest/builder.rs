//! A document's values put together, as a parser finds them.
//!
//! Which of two equal keys counts, what aliases and merges stand for, and the limits of a document are here once for both
//! parsers, [`plain`](super::plain) and [`yaml`](super::yaml).

use std::borrow::Cow;

use serde_json::Value;

use super::anchors::Anchors;
use super::key::Key;
use super::mapping::{Entries, First};
use super::node::{Content, Duplicate, Entry, Node, Position, Style, escape};
use super::scalar::{BadScalar, Scalar, Tag};
use super::{MAX_DEPTH, MAX_DUPLICATES, MAX_NODES};

/// What `<<` is, as a tag.
const MERGE: &str = "tag:yaml.org,2002:merge";

/// What is wrong with a document.
pub(super) type Message = Cow<'static, str>;

/// A document's value, if it has one, and the keys that it holds twice.
pub(super) type Read = (Option<Node>, Vec<Duplicate>);

/// The extent of something in a document.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    /// Where it begins.
    pub(super) place: Position,
    /// Its first byte.
    pub(super) start: Option<usize>,
    /// The byte after its last.
    pub(super) end: Option<usize>,
}

/// The document so far.
#[derive(Default)]
pub(super) struct Builder {
    root: Option<Node>,
    documents: usize,
    frames: Vec<Frame>,
    anchors: Anchors,
    duplicates: Vec<Duplicate>,
    nodes: usize,
}

/// A list or mapping that is not closed yet.
struct Frame {
    extent: Extent,
    anchor: usize,
    style: Style,
    inner: Inner,
}

enum Inner {
    List(Vec<Node>),
    Mapping {
        entries: Entries,
        key: Option<Waiting>,
    },
}

/// A key whose value is still to come.
enum Waiting {
    Name {
        key: Key,
        place: Position,
        start: Option<usize>,
    },
    Merge,
}

/// A scalar as it is written.
pub(super) struct Written<'a> {
    /// Its text, without quotes and escapes.
    pub(super) text: Cow<'a, str>,
    /// Whether it is neither quoted nor a block.
    pub(super) plain: bool,
    /// Its tag's full name.
    pub(super) tag: Option<&'a str>,
}

// === impl Builder ===

impl Builder {
    /// The document, whose end the parser has found. A null document counts as none: kubectl skips it.
    pub(super) fn finish(self) -> Read {
        let root = self
            .root
            .filter(|root| !matches!(root.content, Content::Scalar(Value::Null, _)));
        (root, self.duplicates)
    }

    /// A document begins.
    pub(super) fn begin(&mut self) -> Result<(), Message> {
        self.documents += 1;
        if self.documents > 1 {
            return Err("a second document begins here without a \"---\" line".into());
        }
        Ok(())
    }

    /// Whether what comes is inside brackets.
    pub(super) fn in_flow(&self) -> bool {
        self.frames.iter().any(|frame| frame.style == Style::Flow)
    }

    /// A list begins; `anchor` is its anchor's number, 0 for none.
    pub(super) fn open_list(
        &mut self,
        style: Style,
        anchor: usize,
        extent: Extent,
    ) -> Result<(), Message> {
        self.open(Inner::List(Vec::new()), style, anchor, extent)
    }

    /// A mapping begins; `anchor` is its anchor's number, 0 for none.
    pub(super) fn open_mapping(
        &mut self,
        style: Style,
        anchor: usize,
        extent: Extent,
    ) -> Result<(), Message> {
        let inner = Inner::Mapping {
            entries: Entries::default(),
            key: None,
        };
        self.open(inner, style, anchor, extent)
    }

    /// A scalar, which may be a key; `anchor` is its anchor's number, 0 for none.
    pub(super) fn scalar(
        &mut self,
        written: Written<'_>,
        anchor: usize,
        extent: Extent,
    ) -> Result<(), Message> {
        let merges = written.is_merge();
        let scalar = written.resolve().map_err(|error| error.to_string())?;
        if !self.wants_key() {
            let kept = (anchor != 0).then(|| scalar.clone());
            let value = scalar.into_value().map_err(|error| error.to_string())?;
            let content = Content::Scalar(value, extent.end);
            return self.node(extent.node(content), kept, anchor);
        }
        if anchor != 0 {
            let value = scalar
                .clone()
                .into_value()
                .map_err(|error| error.to_string())?;
            let node = extent.node(Content::Scalar(value, None));
            self.anchors.remember(anchor, &node, Some(scalar.clone()))?;
        }
        let waiting = if merges {
            Waiting::Merge
        } else {
            Waiting::Name {
                key: Key::try_from(scalar).map_err(|error| error.to_string())?,
                place: extent.place,
                start: extent.start,
            }
        };
        self.nodes += 1;
        self.wait(waiting);
        Ok(())
    }

    /// The innermost list or mapping ends.
    pub(super) fn close(&mut self) -> Result<(), Message> {
        let Some(Frame {
            extent,
            anchor,
            style,
            inner,
        }) = self.frames.pop()
        else {
            return Ok(());
        };
        let content = match inner {
            Inner::List(items) => Content::List(items, style),
            Inner::Mapping { entries, .. } => Content::Mapping(entries.into_list(), style),
        };
        self.node(extent.node(content), None, anchor)
    }

    /// An alias: what an anchor names is repeated here.
    pub(super) fn alias(&mut self, anchor: usize, extent: Extent) -> Result<(), Message> {
        let wants_key = self.wants_key();
        let anchored = self.anchors.recall(anchor)?;
        self.nodes += anchored.nodes;
        if self.nodes > MAX_NODES {
            return Err(format!("more than {MAX_NODES} values").into());
        }
        if wants_key {
            let Some(scalar) = &anchored.scalar else {
                return Err("a key that is a list or a mapping".into());
            };
            let waiting = Waiting::Name {
                key: Key::try_from(scalar.clone()).map_err(|error| error.to_string())?,
                place: extent.place,
                start: extent.start,
            };
            self.wait(waiting);
            return Ok(());
        }
        let mut node = anchored.node.clone();
        node.start = None;
        node.place = extent.place;
        self.attach(node)
    }

    fn wants_key(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| matches!(frame.inner, Inner::Mapping { key: None, .. }))
    }

    fn open(
        &mut self,
        inner: Inner,
        style: Style,
        anchor: usize,
        extent: Extent,
    ) -> Result<(), Message> {
        if self.wants_key() {
            return Err("a key that is a list or a mapping".into());
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels").into());
        }
        self.frames.push(Frame {
            extent,
            anchor,
            style,
            inner,
        });
        Ok(())
    }

    fn node(&mut self, node: Node, scalar: Option<Scalar>, anchor: usize) -> Result<(), Message> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("more than {MAX_NODES} values").into());
        }
        if anchor != 0 {
            self.anchors.remember(anchor, &node, scalar)?;
        }
        self.attach(node)
    }

    fn attach(&mut self, node: Node) -> Result<(), Message> {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.inner {
            Inner::List(items) => items.push(node),
            Inner::Mapping { entries, key } => match key.take() {
                Some(Waiting::Merge) => {
                    for (first, again) in entries.merge(node)? {
                        self.report(first, again)?;
                    }
                }
                Some(Waiting::Name { key, place, start }) => {
                    let entry = Entry {
                        key,
                        place,
                        start,
                        value: node,
                    };
                    if let Some(first) = entries.put(entry)? {
                        self.report(first, place)?;
                    }
                }
                None => {}
            },
        }
        Ok(())
    }

    fn wait(&mut self, waiting: Waiting) {
        if let Some(Frame {
            inner: Inner::Mapping { key: slot, .. },
            ..
        }) = self.frames.last_mut()
        {
            *slot = Some(waiting);
        }
    }

    fn report(&mut self, first: First, again: Position) -> Result<(), Message> {
        if self.duplicates.len() == MAX_DUPLICATES {
            return Err(format!("more than {MAX_DUPLICATES} keys appear twice").into());
        }
        let mut pointer = String::new();
        let parents = self.frames.len().saturating_sub(1);
        for frame in self.frames.iter().take(parents) {
            pointer.push('/');
            match &frame.inner {
                Inner::List(items) => pointer.push_str(&items.len().to_string()),
                Inner::Mapping {
                    key: Some(Waiting::Name { key, .. }),
                    ..
                } => {
                    pointer.push_str(&escape(&key.text));
                }
                Inner::Mapping { .. } => pointer.push_str("<<"),
            }
        }
        pointer.push('/');
        pointer.push_str(&escape(&first.key));
        self.duplicates.push(Duplicate {
            pointer,
            key: first.key,
            first: first.place,
            again,
        });
        Ok(())
    }
}

// === impl Extent ===

impl Extent {
    fn node(self, content: Content) -> Node {
        Node {
            place: self.place,
            start: self.start,
            content,
        }
    }
}

// === impl Written ===

impl Written<'_> {
    /// Whether it is go-yaml's `<<`, when it is a key: `! "<<"` is, `!!str <<` is not.
    fn is_merge(&self) -> bool {
        self.text == "<<"
            && self
                .tag
                .map_or(self.plain, |tag| matches!(tag, "!" | MERGE))
    }

    fn resolve(self) -> Result<Scalar, BadScalar> {
        match self.tag {
            Some(tag) => Scalar::tagged(Tag::find(tag), &self.text),
            None if self.plain => Ok(Scalar::plain(self.text)),
            None => Ok(Scalar::Text(self.text.into_owned())),
        }
    }
}
