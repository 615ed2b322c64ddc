//! The comments in a piece of text that is written anew.
//!
//! A comment on the first line stays there. Others follow on lines of their own, or stand before the text if it begins a block
//! scalar, in which they would be content.

use std::ops::Range;

use super::node::{Content, Node};

/// The new text of an entry or an item, with the comments of the old one, which is at `span` and holds `node`.
pub(super) fn kept(
    text: &str,
    span: &Range<usize>,
    node: &Node,
    new: &str,
    indent: usize,
) -> String {
    let found = found(text, span, node);
    if found.is_empty() {
        return new.to_owned();
    }
    let ends = text.get(span.start..).and_then(|rest| rest.find('\n'));
    let first_end = ends.map_or(text.len(), |at| span.start + at);
    let comment = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default().trim_end();
    let (same_line, others): (Vec<_>, Vec<_>) = found.iter().partition(|it| it.start < first_end);
    let (first, rest) = new.split_once('\n').unwrap_or((new, ""));
    let mut line = first.to_owned();
    for range in same_line {
        line.push(' ');
        line.push_str(comment(range));
    }
    let begins_block = ["|", "|-", "|+"].iter().any(|it| first.ends_with(it));
    let mut lines = String::new();
    for range in others {
        if begins_block {
            lines.push_str(comment(range));
            lines.push('\n');
            lines.extend(std::iter::repeat_n(' ', indent));
        } else {
            lines.extend(std::iter::repeat_n(' ', indent + 2));
            lines.push_str(comment(range));
            lines.push('\n');
        }
    }
    if begins_block {
        format!("{lines}{line}\n{rest}")
    } else {
        format!("{line}\n{lines}{rest}")
    }
}

/// Where comments are: from a `#` that is no part of a scalar or key, at a line's start or after white space, to the line's end.
fn found(text: &str, span: &Range<usize>, node: &Node) -> Vec<Range<usize>> {
    let mut scalars = Vec::new();
    add_scalars(text, node, &mut scalars);
    let bytes = text.as_bytes();
    let mut comments = Vec::new();
    let mut at = span.start;
    while at < span.end {
        if let Some(scalar) = scalars.iter().find(|it| it.contains(&at)) {
            at = scalar.end;
            continue;
        }
        let before = at.checked_sub(1).and_then(|it| bytes.get(it));
        let after_space = before.is_none_or(u8::is_ascii_whitespace);
        match bytes.get(at) {
            Some(b'#') if after_space => {
                let rest = text.get(at..span.end).unwrap_or_default();
                let end = rest.find('\n').map_or(span.end, |it| at + it);
                comments.push(at..end);
                at = end;
            }
            Some(quote @ (b'"' | b'\'')) => at = quoted_end(bytes, at, *quote).min(span.end),
            _ => at += 1,
        }
    }
    comments
}

/// The byte after a quoted key.
fn quoted_end(bytes: &[u8], start: usize, quote: u8) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quote == b'"' => at += 2,
            byte if *byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    at
}

/// Where scalars are; of a block scalar its content, after the line that begins it.
fn add_scalars(text: &str, node: &Node, scalars: &mut Vec<Range<usize>>) {
    match &node.content {
        Content::Scalar(_, end) => {
            if let (Some(start), Some(end)) = (node.start, *end) {
                let own = text.get(start..end).unwrap_or_default();
                let header = match own.find('\n') {
                    Some(length) if own.starts_with(['|', '>']) => length,
                    _ => 0,
                };
                scalars.push(start + header..end);
            }
        }
        Content::List(items, _) => items.iter().for_each(|it| add_scalars(text, it, scalars)),
        Content::Mapping(entries, _) => {
            let values = entries.iter().map(|entry| &entry.value);
            values.for_each(|it| add_scalars(text, it, scalars));
        }
    }
}
