//! A stream's text into the texts of its documents.
//!
//! YAML lets no scalar hold a line that begins with `---` or `...` at its first column (YAML 1.2.2
//! §9.1.2), so the text by itself shows where documents end and a broken one hides no other.

use std::ops::Range;

use memchr::memchr2;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of one document, with the `---` line and the directives before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Where it stands in the stream's text, in bytes.
    pub(super) range: Range<usize>,
    /// The line that it begins on, from 1.
    pub(super) line: usize,
    /// How many bytes of it kubectl cuts off: the `---` line that ended another document, and a byte order mark
    /// behind it.
    pub(super) head: usize,
    /// Why kubectl does not read it as it stands there.
    pub(super) unread: Option<Unread>,
}

/// Why kubectl skips a document, or reads it differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unread {
    /// It follows the end of another without a beginning.
    #[error("kubectl ignores what follows \"...\"; begin it with \"---\"")]
    AfterEnd,
    /// Its `---` line follows a carriage return that no line feed follows.
    #[error(
        "kubectl ignores it, because a lone carriage return ends the line before \"---\"; end lines with \
         line feeds"
    )]
    AfterCarriageReturn,
    /// It has a directive, which may give tags another meaning.
    #[error("kubectl reads no directive but %YAML; write tags in full, such as !!str")]
    Directive,
}

/// Splits a stream. Nothing of the text is left out.
pub(super) fn split(text: &str) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut current = Chunk::at(0..0, 1);
    let mut state = State::Blank;
    let mut at = 0;
    for (index, line) in lines(text).enumerate() {
        let kind = Line::of(line);
        let ended = match (state, kind) {
            // A `%` line is a directive only where a document may begin.
            (State::Directives, Line::Start) => false,
            (_, Line::Start) | (State::Ended, _) => true,
            _ => false,
        };
        if ended && at > current.range.start {
            current.range.end = at;
            let before = std::mem::replace(&mut current, Chunk::at(at..at, index + 1));
            if matches!(kind, Line::Start) {
                current.head = head_after(&before, text);
            } else {
                current.unread = Some(Unread::AfterEnd);
            }
            chunks.push(before);
            state = State::Blank;
        }
        match (state, kind) {
            (State::Blank | State::Directives, Line::Directive) if !line.starts_with("%YAML") => {
                current.unread = Some(Unread::Directive);
            }
            (_, Line::Start) if text.get(..at).is_some_and(|before| before.ends_with('\r')) => {
                current.unread = Some(Unread::AfterCarriageReturn);
            }
            (State::Directives, Line::Start) if current.unread == Some(Unread::AfterEnd) => {
                current.unread = None;
            }
            _ => {}
        }
        state = match (state, kind) {
            (_, Line::End) => State::Ended,
            (State::Blank, Line::Directive) => State::Directives,
            (State::Blank | State::Directives, Line::Blank) => state,
            _ => State::Content,
        };
        at += line.len();
    }
    if at > current.range.start {
        current.range.end = at;
        chunks.push(current);
    }
    chunks
}

// === impl Chunk ===

impl Chunk {
    /// Some bytes that begin on a line.
    pub(super) fn at(range: Range<usize>, line: usize) -> Self {
        Self {
            range,
            line,
            head: 0,
            unread: None,
        }
    }
}

/// How many bytes kubectl cuts off that follow another chunk and begin with a `---` line.
///
/// It keeps such a line where nothing but another stands before, or JSON, and a mark behind it is no first byte then.
fn head_after(before: &Chunk, text: &str) -> usize {
    let (chunk, rest) = text.split_at_checked(before.range.end).unwrap_or_default();
    let chunk = chunk.get(before.range.start..).unwrap_or_default();
    let alone = lines(chunk).count() < 2 && matches!(Line::of(chunk), Line::Start);
    let keeps = alone || is_json(text);
    let line = lines(rest).next().map_or(0, str::len);
    let marked = rest
        .get(line..)
        .is_some_and(|body| body.starts_with(BYTE_ORDER_MARK));
    match (keeps, marked) {
        (false, true) => line + BYTE_ORDER_MARK.len_utf8(),
        (false, false) if rest.starts_with("---#") => line,
        _ => 0,
    }
}

/// Whether kubectl takes a stream for JSON, until that fails.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// What stands in the current chunk.
#[derive(Clone, Copy)]
enum State {
    /// Comments and empty lines.
    Blank,
    /// Directives, which belong to the document that the next `---` begins.
    Directives,
    /// A document.
    Content,
    /// A document that `...` ended.
    Ended,
}

#[derive(Clone, Copy)]
enum Line {
    Start,
    End,
    Directive,
    Blank,
    Other,
}

impl Line {
    fn of(line: &str) -> Self {
        // Most lines are indented or begin with a letter.
        if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
            return Self::Other;
        }
        let marker = |marker| {
            line.strip_prefix(marker)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
        };
        // kubectl takes `---#` for one too.
        if marker("---") || line.starts_with("---#") {
            return Self::Start;
        }
        if marker("...") {
            return Self::End;
        }
        if line.starts_with('%') {
            return Self::Directive;
        }
        let content = line.trim_start_matches([' ', '\t', '\r', '\n']);
        if content.is_empty() || content.starts_with('#') {
            Self::Blank
        } else {
            Self::Other
        }
    }
}

/// The lines with their ends: `\n`, `\r\n` and a lone `\r`, which YAML takes for one too.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = match memchr2(b'\n', b'\r', rest.as_bytes()) {
            Some(at) if rest.get(at..).is_some_and(|tail| tail.starts_with("\r\n")) => at + 2,
            Some(at) => at + 1,
            None => rest.len(),
        };
        let (line, tail) = rest.split_at_checked(end)?;
        rest = tail;
        (!line.is_empty()).then_some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! case {
        ($name:ident, $text:expr, $chunks:expr) => {
            #[test]
            fn $name() {
                let text: &str = $text;
                let chunks = split(text);
                let read: Vec<(&str, usize)> = chunks
                    .iter()
                    .map(|chunk| (text.get(chunk.range.clone()).unwrap(), chunk.line))
                    .collect();
                assert_eq!(read, $chunks);
            }
        };
    }

    case!(nothing, "", []);
    case!(one_document, "a: 1\nb: 2", [("a: 1\nb: 2", 1)]);
    case!(
        two_documents,
        "a: 1\n---\nb: 2\n",
        [("a: 1\n", 1), ("---\nb: 2\n", 2)]
    );
    case!(
        helm_init,
        "---\na: 1\n\n---\nb: 2\n\n...\n",
        [("---\na: 1\n\n", 1), ("---\nb: 2\n\n...\n", 4)]
    );
    case!(
        comment_and_inline,
        "a: 1\n--- # two\nb: 2\n--- {c: 3}\n---x: 4\n",
        [
            ("a: 1\n", 1),
            ("--- # two\nb: 2\n", 2),
            ("--- {c: 3}\n---x: 4\n", 4)
        ]
    );
    case!(
        directives_belong_to_the_next,
        "a: 1\n...\n# c\n%YAML 1.1\n---\nb: 2\n",
        [("a: 1\n...\n", 1), ("# c\n%YAML 1.1\n---\nb: 2\n", 3)]
    );
    case!(
        percent_in_content,
        "a: |\n  x\n%b: 1\n---\n",
        [("a: |\n  x\n%b: 1\n", 1), ("---\n", 4)]
    );
    case!(
        windows_lines,
        "a: 1\r\n---\r\nb: 2\r\n",
        [("a: 1\r\n", 1), ("---\r\nb: 2\r\n", 2)]
    );
    case!(
        old_mac_lines,
        "a: 1\r---\rb: 2",
        [("a: 1\r", 1), ("---\rb: 2", 2)]
    );
    case!(
        content_after_the_end,
        "a: 1\n...\nb: 2\n",
        [("a: 1\n...\n", 1), ("b: 2\n", 3)]
    );
    case!(
        a_marker_ends_a_block_scalar,
        "a: |\n  x\n---\n  y\n",
        [("a: |\n  x\n", 1), ("---\n  y\n", 3)]
    );
}
