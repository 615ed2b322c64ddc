//! One YAML document to a [`Node`].
//!
//! The parser's events are turned into values here and not by a serde front end, because three things
//! must not be lost: which of two equal keys counts, where each value stands, and kubectl's reading of
//! scalars and merges.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle};
use serde_json::Value;

use super::mapping::{Entries, First};
use super::node::{Content, Duplicate, Entry, Node, Place, Style, escape};
use super::scalar::{self, Tag};
use super::{Fault, MAX_DEPTH, MAX_DUPLICATES, MAX_NODES};

/// How much text aliases may repeat, in bytes.
const MAX_REPEATED: usize = 16 << 20;

/// Reads one document; none where it holds nothing or null, which kubectl passes over.
pub(super) fn read(text: &str) -> Result<Option<(Node, Vec<Duplicate>)>, Fault> {
    let mut options = granit_parser::options! { emit_unresolved_aliases: false };
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Fault {
            place: place(error.marker()),
            message: error.info(),
        })?;
        builder.take(event, &span).map_err(|message| Fault {
            place: place(&span.start),
            message: message.into_owned(),
        })?;
    }
    let root = builder
        .root
        .filter(|root| !matches!(root.content, Content::Scalar(Value::Null, _)));
    Ok(root.map(|root| (root, builder.duplicates)))
}

fn place(marker: &Marker) -> Place {
    Place {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

type Message = Cow<'static, str>;

/// The document so far.
#[derive(Default)]
struct Builder {
    root: Option<Node>,
    documents: usize,
    frames: Vec<Frame>,
    anchors: HashMap<usize, Anchored>,
    duplicates: Vec<Duplicate>,
    nodes: usize,
    repeated: usize,
}

/// A list or mapping that is not closed yet.
struct Frame {
    place: Place,
    start: Option<usize>,
    anchor: usize,
    style: Style,
    inner: Inner,
}

enum Inner {
    List(Vec<Node>),
    Mapping { entries: Entries, key: Option<Key> },
}

/// A key whose value is still to come.
enum Key {
    Name {
        key: String,
        place: Place,
        start: Option<usize>,
    },
    Merge,
}

struct Anchored {
    node: Node,
    nodes: usize,
    bytes: usize,
}

// === impl Builder ===

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Message> {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err("a second document begins here without a \"---\" line".into());
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map(tag_of);
                if tag.is_none() && style == ScalarStyle::Plain && text == "<<" && self.wants_key()
                {
                    self.key(Key::Merge);
                    return Ok(());
                }
                let value = match tag {
                    Some(tag) => scalar::tagged(tag, &text),
                    None if style == ScalarStyle::Plain => scalar::plain(&text),
                    None => Ok(Value::String(text.into_owned())),
                }
                .map_err(|error| error.to_string())?;
                let content = Content::Scalar(value, span.end.byte_offset());
                let start = span.start.byte_offset();
                self.node(
                    Node {
                        place: place(&span.start),
                        start,
                        content,
                    },
                    anchor,
                )
            }
            Event::SequenceStart(style, anchor, _) => {
                self.open(Inner::List(Vec::new()), style, anchor, span)
            }
            Event::MappingStart(style, anchor, _) => {
                let inner = Inner::Mapping {
                    entries: Entries::default(),
                    key: None,
                };
                self.open(inner, style, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        self.frames
            .last()
            .is_some_and(|frame| matches!(frame.inner, Inner::Mapping { key: None, .. }))
    }

    fn open(
        &mut self,
        inner: Inner,
        style: StructureStyle,
        anchor: usize,
        span: &Span,
    ) -> Result<(), Message> {
        if self.wants_key() {
            return Err("a key that is a list or a mapping".into());
        }
        if self.frames.len() >= MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH} levels").into());
        }
        let style = match style {
            StructureStyle::Block => Style::Block,
            StructureStyle::Flow => Style::Flow,
        };
        let start = span.start.byte_offset();
        self.frames.push(Frame {
            place: place(&span.start),
            start,
            anchor,
            style,
            inner,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Message> {
        let Some(Frame {
            place,
            start,
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
        self.node(
            Node {
                place,
                start,
                content,
            },
            anchor,
        )
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Message> {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err("an alias of the value that it stands in".into());
        };
        self.nodes += anchored.nodes;
        self.repeated += anchored.bytes;
        if self.repeated > MAX_REPEATED {
            return Err("aliases repeat too much".into());
        }
        if self.nodes > MAX_NODES {
            return Err(format!("more than {MAX_NODES} values").into());
        }
        let mut node = anchored.node.clone();
        node.start = None;
        node.place = place(&span.start);
        self.attach(node)
    }

    fn node(&mut self, node: Node, anchor: usize) -> Result<(), Message> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(format!("more than {MAX_NODES} values").into());
        }
        if anchor != 0 {
            let (nodes, bytes) = weigh(&node);
            self.repeated += bytes;
            if self.repeated > MAX_REPEATED {
                return Err("aliases repeat too much".into());
            }
            let mut copy = node.clone();
            forget_positions(&mut copy);
            self.anchors.insert(
                anchor,
                Anchored {
                    node: copy,
                    nodes,
                    bytes,
                },
            );
        }
        self.attach(node)
    }

    fn attach(&mut self, node: Node) -> Result<(), Message> {
        if self.wants_key() {
            let key = key_of(&node)?;
            self.key(Key::Name {
                key,
                place: node.place,
                start: node.start,
            });
            return Ok(());
        }
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut frame.inner {
            Inner::List(items) => items.push(node),
            Inner::Mapping { entries, key } => match key.take() {
                Some(Key::Merge) => {
                    for (first, again) in entries.merge(node)? {
                        self.report(first, again)?;
                    }
                }
                Some(Key::Name { key, place, start }) => {
                    let entry = Entry {
                        key,
                        place,
                        start,
                        value: node,
                    };
                    if let Some(first) = entries.put(entry) {
                        self.report(first, place)?;
                    }
                }
                None => {}
            },
        }
        Ok(())
    }

    fn key(&mut self, key: Key) {
        if let Some(Frame {
            inner: Inner::Mapping { key: slot, .. },
            ..
        }) = self.frames.last_mut()
        {
            *slot = Some(key);
        }
    }

    fn report(&mut self, first: First, again: Place) -> Result<(), Message> {
        if self.duplicates.len() == MAX_DUPLICATES {
            return Err(format!("more than {MAX_DUPLICATES} keys stand twice").into());
        }
        let mut pointer = String::new();
        let parents = self.frames.len().saturating_sub(1);
        for frame in self.frames.iter().take(parents) {
            pointer.push('/');
            match &frame.inner {
                Inner::List(items) => pointer.push_str(&items.len().to_string()),
                Inner::Mapping {
                    key: Some(Key::Name { key, .. }),
                    ..
                } => {
                    pointer.push_str(&escape(key));
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

fn tag_of(tag: &granit_parser::Tag) -> Tag {
    match tag.core_suffix() {
        Some("int") => Tag::Integer,
        Some("float") => Tag::Float,
        Some("bool") => Tag::Bool,
        Some("null") => Tag::Null,
        Some("binary") => Tag::Binary,
        _ => Tag::Text,
    }
}

fn key_of(node: &Node) -> Result<String, Message> {
    match &node.content {
        Content::Scalar(Value::String(text), _) => Ok(text.clone()),
        Content::Scalar(value @ (Value::Bool(_) | Value::Number(_)), _) => Ok(value.to_string()),
        Content::Scalar(..) => Err("a key that is null".into()),
        Content::List(..) | Content::Mapping(..) => Err("a key that is a list or a mapping".into()),
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
            .map(|entry| add(weigh(&entry.value), (0, entry.key.len())))
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
