//! What a text of JSON is made of: white space, brackets, names, strings, numbers and words.

use std::borrow::Cow;
use std::ops::Range;

use super::{A_STRING, MAX_DEPTH, Reader};
use crate::json::ReadError;
use crate::json::scan::{escape, next_after_space, next_special, specials};

impl<'j> Reader<'j> {
    /// The next byte that is no white space.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let next = self.json.as_bytes().get(self.at).copied();
        if next.is_some_and(|byte| byte <= b' ') {
            return self.peek_after_space();
        }
        next
    }

    #[inline(never)]
    fn peek_after_space(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..)?;
        // One space comes after a colon, and many before the next line's text.
        self.at += match rest {
            [b' ', next, ..] if *next > b' ' => 1,
            _ => next_after_space(rest).unwrap_or(rest.len()),
        };
        self.json.as_bytes().get(self.at).copied()
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// Begins an object or array: whether it has a member or element, or nothing where it is none. `null` has none.
    pub(super) fn opens(&mut self, open: u8, close: u8) -> Option<bool> {
        let next = self.peek()?;
        if next != open {
            return self.optional_null(next).then_some(false);
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        if self.peek() == Some(close) {
            self.leave();
            return Some(false);
        }
        Some(true)
    }

    fn optional_null(&mut self, next: u8) -> bool {
        next == b'n' && self.literal("null").is_ok()
    }

    /// Whether another one follows, in an object or array that this closes. Nothing where neither comes next.
    #[inline]
    pub(super) fn goes_on(&mut self, close: u8) -> Option<bool> {
        match self.peek()? {
            b',' => {
                self.at += 1;
                Some(true)
            }
            byte if byte == close => {
                self.leave();
                Some(false)
            }
            _ => None,
        }
    }

    /// Takes the name of a member, as it stands between its quotes, and the colon. Nothing where there is no such.
    pub(super) fn name(&mut self) -> Option<&'j str> {
        let name = self.pass_name()?;
        self.json.get(name)
    }

    /// The same, and gives its place.
    #[inline]
    pub(super) fn pass_name(&mut self) -> Option<Range<usize>> {
        if let Some(end) = self.plain_end()
            && self.json.as_bytes().get(end + 1) == Some(&b':')
        {
            let name = self.at + 1..end;
            self.at = end + 2;
            self.escaped = false;
            return Some(name);
        }
        self.pass_any_name()
    }

    /// The same, with white space before the colon, or escapes.
    #[inline(never)]
    fn pass_any_name(&mut self) -> Option<Range<usize>> {
        let name = self.pass_quoted()?;
        let is_member = self.peek() == Some(b':');
        self.at += 1;
        is_member.then_some(name)
    }

    /// Takes a string, as it stands between its quotes. Nothing where there is no such.
    #[inline]
    pub(super) fn quoted(&mut self) -> Option<&'j str> {
        let text = self.pass_quoted()?;
        self.json.get(text)
    }

    /// The same, and gives its place.
    #[inline]
    pub(super) fn pass_quoted(&mut self) -> Option<Range<usize>> {
        let Some(end) = self.plain_end() else {
            return self.pass_any_quoted();
        };
        let text = self.at + 1..end;
        self.at = end + 1;
        self.escaped = false;
        Some(text)
    }

    /// Passes over an object without members, if that is what comes next: most of `metadata.managedFields` are such.
    #[inline]
    pub(super) fn pass_empty_object(&mut self) -> bool {
        let is_empty = matches!(self.json.as_bytes().get(self.at..), Some([b'{', b'}', ..]));
        self.at += if is_empty { 2 } else { 0 };
        is_empty
    }

    /// Where the string ends that comes next, if there is no escape in it: there is none in most names and texts, and they
    /// end within one block.
    #[inline]
    fn plain_end(&mut self) -> Option<usize> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let rest = self.json.as_bytes().get(self.at + 1..)?;
        let specials = specials(rest.first_chunk()?);
        let length = match specials {
            0 => next_special(rest)?,
            // At most 15.
            _ => specials.trailing_zeros() as usize,
        };
        (rest.get(length) == Some(&b'"')).then_some(self.at + 1 + length)
    }

    /// Takes a string with escapes in it.
    #[inline(never)]
    fn pass_any_quoted(&mut self) -> Option<Range<usize>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let bytes = self.json.as_bytes();
        let start = self.at + 1;
        self.at = start;
        self.escaped = false;
        loop {
            let rest = bytes.get(self.at..)?;
            let (_, rest) = rest.split_at_checked(next_special(rest)?)?;
            self.at = bytes.len() - rest.len();
            match rest.first()? {
                b'"' => break,
                b'\\' => {
                    self.escaped = true;
                    self.at += escape(rest)?;
                }
                _ => return None,
            }
        }
        let end = self.at;
        self.at += 1;
        Some(start..end)
    }

    /// The string that was taken last, without its escapes.
    #[inline]
    pub(super) fn unescaped(&self, quoted: &'j str) -> Result<Cow<'j, str>, ReadError> {
        if self.escaped {
            self.unescape(quoted)
        } else {
            Ok(Cow::Borrowed(quoted))
        }
    }

    #[inline(never)]
    fn unescape(&self, quoted: &str) -> Result<Cow<'j, str>, ReadError> {
        serde_json::from_str::<String>(&format!("\"{quoted}\""))
            .map(Cow::Owned)
            .map_err(|_| self.expected("a pair of surrogates"))
    }

    pub(super) fn literal(&mut self, literal: &'static str) -> Result<(), ReadError> {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal.as_bytes()) {
            return Err(self.expected(literal));
        }
        self.at += literal.len();
        Ok(())
    }

    /// Passes over a number, and gives its text.
    pub(super) fn number(&mut self) -> Result<&'j str, ReadError> {
        let start = self.at;
        self.pass(|byte| byte == b'-');
        if !self.pass(|byte| byte == b'0') {
            self.digits()?;
        }
        if self.pass(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.pass(|byte| byte | 0x20 == b'e') {
            self.pass(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Ok(self.json.get(start..self.at).unwrap_or_default())
    }

    /// Passes over a byte that is like this; whether it is.
    #[inline]
    fn pass(&mut self, is: impl Fn(u8) -> bool) -> bool {
        let next = self.json.as_bytes().get(self.at);
        let is = next.is_some_and(|byte| is(*byte));
        self.at += usize::from(is);
        is
    }

    #[inline]
    fn digits(&mut self) -> Result<(), ReadError> {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }

    /// An empty text for `null`.
    #[inline(never)]
    pub(super) fn no_text(&mut self) -> Result<Cow<'j, str>, ReadError> {
        match self.peek() {
            Some(b'n') => self.literal("null").map(|()| Cow::Borrowed("")),
            Some(b'"') => Err(self.expected(A_STRING)),
            _ => Err(self.unexpected("a string")),
        }
    }
}
