//! One YAML document to a [`Node`].
//!
//! The parser's events are turned into values here and not by a serde front end, because three things
//! must not be lost: which of two equal keys counts, where each value stands, and kubectl's reading of
//! scalars and merges.

use std::borrow::Cow;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle};
use serde_json::Value;

use super::ambiguity::Around;
use super::anchors::Anchors;
use super::key::Key;
use super::mapping::{Entries, First};
use super::node::{Content, Duplicate, Entry, Node, Position, Style, escape};
use super::scalar::{BadScalar, Scalar, Tag};
use super::{Fault, MAX_DEPTH, MAX_DUPLICATES, MAX_NODES};

/// What `<<` is, as a tag.
const MERGE: &str = "tag:yaml.org,2002:merge";

/// Reads one document; none where it holds nothing or null, which kubectl passes over.
///
/// What kubectl cuts off before it reads is passed over here: `head` bytes of whole lines and a byte order mark.
pub(super) fn read(text: &str, head: usize) -> Result<Option<(Node, Vec<Duplicate>)>, Fault> {
    let (cut, text) = text.split_at_checked(head).unwrap_or(("", text));
    let mut options = granit_parser::options! { emit_unresolved_aliases: false };
    options.set_emit_comments(false);
    let mut builder = Builder {
        text,
        cut: Cut {
            bytes: cut.len(),
            lines: cut.matches('\n').count(),
        },
        ..Builder::default()
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Fault {
            place: builder.cut.place(error.marker()),
            message: error.info(),
        })?;
        let place = builder.cut.place(&span.start);
        builder.take(event, &span).map_err(|message| Fault {
            place,
            message: message.into_owned(),
        })?;
    }
    let root = builder
        .root
        .filter(|root| !matches!(root.content, Content::Scalar(Value::Null, _)));
    Ok(root.map(|root| (root, builder.duplicates)))
}

type Message = Cow<'static, str>;

/// What of a document's text the parser does not get to see.
#[derive(Clone, Copy, Default)]
struct Cut {
    bytes: usize,
    lines: usize,
}

/// The document so far.
#[derive(Default)]
struct Builder<'a> {
    text: &'a str,
    cut: Cut,
    root: Option<Node>,
    documents: usize,
    frames: Vec<Frame>,
    anchors: Anchors,
    duplicates: Vec<Duplicate>,
    nodes: usize,
}

/// A list or mapping that is not closed yet.
struct Frame {
    place: Position,
    start: Option<usize>,
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

// === impl Cut ===

impl Cut {
    fn place(self, marker: &Marker) -> Position {
        Position {
            line: marker.line() + self.lines,
            column: marker.col() + 1,
        }
    }

    fn offset(self, marker: &Marker) -> Option<usize> {
        marker.byte_offset().map(|at| at + self.bytes)
    }
}

// === impl Builder ===

impl Builder<'_> {
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
                let name = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
                let plain = style == ScalarStyle::Plain;
                if plain {
                    let in_flow = self.frames.iter().any(|frame| frame.style == Style::Flow);
                    let (start, end) = (span.start.byte_offset(), span.end.byte_offset());
                    let around = Around::of(self.text, start, end);
                    around.check(&text, name.is_some(), in_flow)?;
                }
                let written = Written {
                    text,
                    plain,
                    tag: name.as_deref(),
                };
                self.scalar(written, anchor, span)
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

    fn scalar(&mut self, written: Written<'_>, anchor: usize, span: &Span) -> Result<(), Message> {
        let merges = written.is_merge();
        let scalar = written.resolve().map_err(|error| error.to_string())?;
        let (place, start) = (self.cut.place(&span.start), self.cut.offset(&span.start));
        if !self.wants_key() {
            let value = scalar.value().map_err(|error| error.to_string())?;
            let content = Content::Scalar(value, self.cut.offset(&span.end));
            let node = Node {
                place,
                start,
                content,
            };
            return self.node(node, Some(scalar), anchor);
        }
        let waiting = if merges {
            Waiting::Merge
        } else {
            Waiting::Name {
                key: Key::try_from(&scalar).map_err(|error| error.to_string())?,
                place,
                start,
            }
        };
        if anchor != 0 {
            let value = scalar.value().map_err(|error| error.to_string())?;
            let content = Content::Scalar(value, None);
            let node = Node {
                place,
                start,
                content,
            };
            self.anchors.remember(anchor, &node, Some(scalar))?;
        }
        self.nodes += 1;
        self.wait(waiting);
        Ok(())
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
        let start = self.cut.offset(&span.start);
        self.frames.push(Frame {
            place: self.cut.place(&span.start),
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
        let node = Node {
            place,
            start,
            content,
        };
        self.node(node, None, anchor)
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Message> {
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
                key: Key::try_from(scalar).map_err(|error| error.to_string())?,
                place: self.cut.place(&span.start),
                start: self.cut.offset(&span.start),
            };
            self.wait(waiting);
            return Ok(());
        }
        let mut node = anchored.node.clone();
        node.start = None;
        node.place = self.cut.place(&span.start);
        self.attach(node)
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
            return Err(format!("more than {MAX_DUPLICATES} keys stand twice").into());
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

/// A scalar as it is written.
struct Written<'a> {
    text: Cow<'a, str>,
    plain: bool,
    /// Its tag's full name.
    tag: Option<&'a str>,
}

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
            None if self.plain => Ok(Scalar::plain(&self.text)),
            None => Ok(Scalar::Text(self.text.into_owned())),
        }
    }
}
