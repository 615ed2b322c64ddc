//! One YAML document to a [`Node`].
//!
//! The parser's events are turned into values here and not by a serde front end, because three things
//! must not be lost: which of two equal keys counts, where each value stands, and kubectl's reading of
//! scalars and merges.

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle};

use super::Fault;
use super::ambiguity::Around;
use super::builder::{Builder, Extent, Message, Read, Written};
use super::node::{Duplicate, Node, Position, Style};
use super::plain;

/// Reads one document; `None` if it is empty or null, which kubectl skips.
///
/// What kubectl cuts off before it reads is skipped here: `head` bytes of whole lines and a byte order mark.
pub(super) fn read(text: &str, head: usize) -> Result<Option<(Node, Vec<Duplicate>)>, Fault> {
    let (root, duplicates) = match plain::read(text, head) {
        Some(read) => read,
        None => read_any(text, head)?,
    };
    Ok(root.map(|root| (root, duplicates)))
}

/// Reads what is not plain too.
pub(super) fn read_any(text: &str, head: usize) -> Result<Read, Fault> {
    let (cut, text) = text.split_at_checked(head).unwrap_or(("", text));
    let cut = Cut {
        bytes: cut.len(),
        lines: cut.matches('\n').count(),
    };
    let mut options = granit_parser::options! { emit_unresolved_aliases: false };
    options.set_emit_comments(false);
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Fault {
            place: cut.place(error.marker()),
            message: error.info(),
        })?;
        take(&mut builder, text, event, &span, cut).map_err(|message| Fault {
            place: cut.place(&span.start),
            message: message.into_owned(),
        })?;
    }
    Ok(builder.finish())
}

fn take(
    builder: &mut Builder,
    text: &str,
    event: Event<'_>,
    span: &Span,
    cut: Cut,
) -> Result<(), Message> {
    let extent = cut.extent(span);
    match event {
        Event::DocumentStart(..) => builder.begin(),
        Event::Scalar(value, style, anchor, tag) => {
            let name = tag.map(|tag| format!("{}{}", tag.handle(), tag.suffix()));
            let plain = style == ScalarStyle::Plain;
            if plain {
                let (start, end) = (span.start.byte_offset(), span.end.byte_offset());
                let around = Around::of(text, start, end);
                around.check(&value, name.is_some(), builder.in_flow())?;
            }
            let written = Written {
                text: value,
                plain,
                tag: name.as_deref(),
            };
            builder.scalar(written, anchor, extent)
        }
        Event::SequenceStart(style, anchor, _) => {
            builder.open_list(Style::from(style), anchor, extent)
        }
        Event::MappingStart(style, anchor, _) => {
            builder.open_mapping(Style::from(style), anchor, extent)
        }
        Event::SequenceEnd | Event::MappingEnd => builder.close(),
        Event::Alias(anchor) => builder.alias(anchor, extent),
        _ => Ok(()),
    }
}

/// What of a document's text the parser does not get to see.
#[derive(Clone, Copy)]
struct Cut {
    bytes: usize,
    lines: usize,
}

// === impl Cut ===

impl Cut {
    fn extent(self, span: &Span) -> Extent {
        Extent {
            place: self.place(&span.start),
            start: self.offset(&span.start),
            end: self.offset(&span.end),
        }
    }

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

// === impl Style ===

impl From<StructureStyle> for Style {
    fn from(style: StructureStyle) -> Self {
        match style {
            StructureStyle::Block => Self::Block,
            StructureStyle::Flow => Self::Flow,
        }
    }
}
