//! One line of plain YAML: where keys and scalars begin and end on it.

use memchr::memchr_iter;

/// The longest key that has its colon on its line, in bytes. YAML allows 1,024 characters.
const MAX_KEY: usize = 1000;

/// A line without its end. Columns are bytes, from 0.
#[derive(Clone, Copy)]
pub(super) struct Line<'t>(pub(super) &'t str);

/// A scalar on the line.
pub(super) struct Scalar<'t> {
    /// Its text, without quotes.
    pub(super) text: &'t str,
    /// Whether it has none.
    pub(super) plain: bool,
    /// The first byte behind it on the line.
    pub(super) end: usize,
}

// === impl Scalar ===

impl Scalar<'_> {
    /// Whether it is short enough for a key.
    pub(super) fn is_short(&self) -> bool {
        self.text.len() <= MAX_KEY
    }
}

// === impl Line ===

impl<'t> Line<'t> {
    /// A key at this column, and the byte behind its colon.
    pub(super) fn key(&self, at: usize) -> Option<(Scalar<'t>, usize)> {
        let scalar = match self.byte(at)? {
            quote @ (b'"' | b'\'') => self.quoted(at, quote)?,
            first => {
                begins_plain(first).then_some(())?;
                let rest = self.0.get(at..)?;
                let end = at + colon(rest)?;
                let text = self.0.get(at..end)?;
                let is_plain = comment(text).is_none() && !text.ends_with([' ', ':']);
                is_plain.then_some(Scalar {
                    text,
                    plain: true,
                    end,
                })?
            }
        };
        let behind = scalar.end + 1;
        let ends = self.byte(scalar.end) == Some(b':')
            && matches!(self.byte(behind), None | Some(b' '))
            && scalar.is_short();
        ends.then_some((scalar, behind))
    }

    /// Where a plain scalar in brackets ends: at a comma, a bracket, or a colon before a space.
    pub(super) fn end_in_brackets(&self, at: usize) -> Option<usize> {
        let rest = self.0.get(at..)?;
        let end = rest.find([',', '[', ']', '{', '}', ':'])?;
        // A colon within a word, as in an address, is left to the whole parser.
        let word = rest.get(end..)?;
        (!word.starts_with(':') || word.starts_with(": ")).then_some(at + end)
    }

    /// A plain scalar from this byte to another one, or to a comment.
    pub(super) fn plain(&self, at: usize, end: usize) -> Option<Scalar<'t>> {
        let text = self.0.get(at..end)?;
        let text = comment(text).and_then(|at| text.get(..at)).unwrap_or(text);
        let text = text.trim_end_matches(' ');
        let bytes = text.as_bytes();
        let is_plain = match bytes {
            [b'-', next, ..] => *next != b' ',
            [first, ..] => begins_plain(*first),
            [] => false,
        };
        (is_plain && colon(text).is_none()).then_some(Scalar {
            text,
            plain: true,
            end: at + text.len(),
        })
    }

    /// A quoted scalar without escapes.
    pub(super) fn quoted(&self, at: usize, quote: u8) -> Option<Scalar<'t>> {
        let inner = self.0.get(at + 1..)?;
        let length = inner.bytes().position(|byte| byte == quote)?;
        let text = inner.get(..length)?;
        let end = at + length + 2;
        let escapes = (quote == b'"' && text.contains('\\')) || self.byte(end) == Some(quote);
        (!escapes).then_some(Scalar {
            text,
            plain: false,
            end,
        })
    }

    /// The byte at a column.
    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.0.as_bytes().get(at).copied()
    }

    /// The first column from here on that holds no space.
    pub(super) fn skip_spaces(&self, at: usize) -> usize {
        let rest = self.0.as_bytes().get(at..).unwrap_or_default();
        at + rest.iter().take_while(|byte| **byte == b' ').count()
    }

    /// Whether a list's item begins at a column.
    pub(super) fn is_item(&self, at: usize) -> bool {
        self.byte(at) == Some(b'-') && matches!(self.byte(at + 1), None | Some(b' '))
    }

    /// Whether only spaces and a comment follow.
    pub(super) fn is_end(&self, at: usize) -> bool {
        let next = self.skip_spaces(at);
        match self.byte(next) {
            None => true,
            Some(b'#') => next == 0 || self.byte(next - 1) == Some(b' '),
            Some(_) => false,
        }
    }
}

/// The first colon that ends a key.
fn colon(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr_iter(b':', bytes).find(|at| matches!(bytes.get(at + 1), None | Some(b' ')))
}

/// The space before the first comment.
fn comment(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr_iter(b'#', bytes)
        .filter_map(|at| at.checked_sub(1))
        .find(|before| bytes.get(*before) == Some(&b' '))
}

/// Whether a plain scalar may begin so, independent of what follows.
fn begins_plain(first: u8) -> bool {
    !b" -?:,[]{}#&*!|>'\"%@`".contains(&first)
}
