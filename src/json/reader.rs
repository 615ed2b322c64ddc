//! JSON text, read from its beginning to its end (RFC 8259).
//!
//! What no field takes is passed over, held to the same grammar, and never built.

use std::borrow::Cow;

use super::read::{Problem, ReadError, Source, Type};
use super::scan::{escape, ordinary, special};

/// How deep arrays and objects may nest: `serde_json`'s own limit. A Pod nests about 12 deep.
pub const MAX_DEPTH: usize = 128;

const A_STRING: &str = "a string";
const A_MEMBER: &str = "a name and a value";
const ANOTHER_MEMBER: &str = "\",\" or \"}\"";
const ANOTHER_ELEMENT: &str = "\",\" or \"]\"";

/// A text of which one part was read.
#[derive(Debug)]
pub struct Reader<'j> {
    json: &'j str,
    /// The byte that is read next.
    at: usize,
    depth: usize,
    /// Whether an escape is in the string that was read last.
    escaped: bool,
}

// === impl Reader ===

impl<'j> Reader<'j> {
    /// Reads from the text's beginning.
    pub fn new(json: &'j str) -> Self {
        Self {
            json,
            at: 0,
            depth: 0,
            escaped: false,
        }
    }

    /// Checks that nothing follows what was read.
    pub fn end(&mut self) -> Result<(), ReadError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("nothing more")),
        }
    }

    /// Passes over a value, and gives its text.
    pub fn raw(&mut self) -> Result<&'j str, ReadError> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(self.json.get(start..self.at).unwrap_or_default())
    }

    /// Reads a value that may be JSON of another shape, which is passed over then: its error is within.
    pub fn attempt<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<Result<T, ReadError>, ReadError> {
        let Self { at, depth, .. } = *self;
        let read = read(self);
        if read.is_err() {
            (self.at, self.depth) = (at, depth);
            self.skip()?;
        }
        Ok(read)
    }

    /// The next byte that is no white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let next = self.json.as_bytes().get(self.at).copied();
        if next.is_some_and(|byte| byte <= b' ') {
            return self.peek_after_space();
        }
        next
    }

    #[inline(never)]
    fn peek_after_space(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..)?;
        let space = rest
            .iter()
            .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.at += space.count();
        self.json.as_bytes().get(self.at).copied()
    }

    fn enter(&mut self) -> Result<(), ReadError> {
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::Depth.into());
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// Begins an object; whether it has a member.
    fn begins(&mut self, open: u8, close: u8, expected: &'static str) -> Result<bool, ReadError> {
        match self.peek() {
            Some(byte) if byte == open => self.enter()?,
            Some(b'n') => return self.literal("null").map(|()| false),
            _ => return Err(self.unexpected(expected)),
        }
        if self.peek() == Some(close) {
            self.leave();
            return Ok(false);
        }
        Ok(true)
    }

    /// Whether another one follows, in an object or array that this closes. Nothing where neither comes next.
    #[inline]
    fn goes_on(&mut self, close: u8) -> Option<bool> {
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
    fn name(&mut self) -> Option<&'j str> {
        let name = self.quoted()?;
        let is_member = self.peek() == Some(b':');
        self.at += 1;
        is_member.then_some(name)
    }

    /// Takes a string, as it stands between its quotes. Nothing where there is no such. Most names and texts end within
    /// one block.
    #[inline]
    fn quoted(&mut self) -> Option<&'j str> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let bytes = self.json.as_bytes();
        let special = bytes.get(start..)?.first_chunk().map_or(0, special);
        // At most 32.
        let end = start + special.trailing_zeros() as usize;
        if special == 0 || bytes.get(end) != Some(&b'"') {
            return self.long_quoted();
        }
        self.at = end + 1;
        self.escaped = false;
        self.json.get(start..end)
    }

    /// The same, however long it is and whatever it holds.
    #[inline(never)]
    fn long_quoted(&mut self) -> Option<&'j str> {
        let bytes = self.json.as_bytes();
        let start = self.at + 1;
        self.at = start;
        self.escaped = false;
        loop {
            let rest = bytes.get(self.at..)?;
            let (ordinary, rest) = rest.split_at_checked(ordinary(rest))?;
            self.at += ordinary.len();
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
        self.json.get(start..end)
    }

    /// The string that was taken last, without its escapes.
    #[inline]
    fn unescaped(&self, quoted: &'j str) -> Result<Cow<'j, str>, ReadError> {
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

    fn literal(&mut self, literal: &'static str) -> Result<(), ReadError> {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(literal.as_bytes()) {
            return Err(self.expected(literal));
        }
        self.at += literal.len();
        Ok(())
    }

    /// Passes over a number, and gives its text.
    fn number(&mut self) -> Result<&'j str, ReadError> {
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
        let start = self.at;
        while self.pass(|byte| byte.is_ascii_digit()) {}
        if self.at == start {
            return Err(self.expected("a digit"));
        }
        Ok(())
    }

    /// Another value than has to be here: of another type, or none.
    #[cold]
    fn unexpected(&mut self, expected: &'static str) -> ReadError {
        match self.what() {
            Ok(found) => Problem::Type(found, expected).into(),
            Err(error) => error,
        }
    }

    /// No JSON from here on.
    #[cold]
    fn expected(&self, expected: &'static str) -> ReadError {
        let before = self.json.as_bytes().get(..self.at).unwrap_or_default();
        let lines = before.split(|byte| *byte == b'\n');
        let (line, column) = lines.fold((0, 0), |(line, _), text| (line + 1, text.len() + 1));
        let problem = Problem::Syntax {
            expected,
            line,
            column,
        };
        problem.into()
    }
}

impl<'j> Source<'j> for Reader<'j> {
    fn what(&mut self) -> Result<Type, ReadError> {
        match self.peek() {
            Some(b'"') => Ok(Type::Text),
            Some(b'{') => Ok(Type::Object),
            Some(b'[') => Ok(Type::List),
            Some(b't' | b'f') => Ok(Type::Boolean),
            Some(b'n') => Ok(Type::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Type::Number),
            _ => Err(self.expected("a value")),
        }
    }

    fn members<F>(&mut self, mut each: F) -> Result<(), ReadError>
    where
        F: FnMut(&Cow<'j, str>, &mut Self) -> Result<(), ReadError>,
    {
        let mut more = self.begins(b'{', b'}', "an object")?;
        while more {
            let name = self.name().ok_or_else(|| self.expected(A_MEMBER))?;
            let name = self.unescaped(name)?;
            each(&name, self).map_err(|error| error.in_member(&name))?;
            more = self
                .goes_on(b'}')
                .ok_or_else(|| self.expected(ANOTHER_MEMBER))?;
        }
        Ok(())
    }

    fn elements<F>(&mut self, mut each: F) -> Result<(), ReadError>
    where
        F: FnMut(&mut Self) -> Result<(), ReadError>,
    {
        let mut more = self.begins(b'[', b']', "a list")?;
        let mut index = 0;
        while more {
            each(self).map_err(|error| error.in_element(index))?;
            index += 1;
            more = self
                .goes_on(b']')
                .ok_or_else(|| self.expected(ANOTHER_ELEMENT))?;
        }
        Ok(())
    }

    fn text(&mut self) -> Result<Cow<'j, str>, ReadError> {
        match self.peek() {
            Some(b'"') => {
                let text = self.quoted().ok_or_else(|| self.expected(A_STRING))?;
                self.unescaped(text)
            }
            Some(b'n') => self.literal("null").map(|()| Cow::Borrowed("")),
            _ => Err(self.unexpected("a string")),
        }
    }

    fn integer(&mut self) -> Result<i64, ReadError> {
        let expected = "a whole number of 64 bits";
        if self.what()? != Type::Number {
            return Err(self.unexpected(expected));
        }
        let number = self.number()?.parse();
        number.map_err(|_| Problem::Type(Type::Number, expected).into())
    }

    fn boolean(&mut self) -> Result<bool, ReadError> {
        match self.peek() {
            Some(b't') => self.literal("true").map(|()| true),
            Some(b'f') => self.literal("false").map(|()| false),
            _ => Err(self.unexpected("true or false")),
        }
    }

    fn skip(&mut self) -> Result<(), ReadError> {
        match self.what()? {
            Type::Null => self.literal("null"),
            Type::Boolean => self.boolean().map(|_| ()),
            Type::Number => self.number().map(|_| ()),
            Type::Text => {
                let text = self.quoted().map(|_| ());
                text.ok_or_else(|| self.expected(A_STRING))
            }
            Type::List => {
                let mut more = self.begins(b'[', b']', "a list")?;
                while more {
                    self.skip()?;
                    let goes_on = self.goes_on(b']');
                    more = goes_on.ok_or_else(|| self.expected(ANOTHER_ELEMENT))?;
                }
                Ok(())
            }
            Type::Object => {
                let mut more = self.begins(b'{', b'}', "an object")?;
                while more {
                    self.name().ok_or_else(|| self.expected(A_MEMBER))?;
                    self.skip()?;
                    let goes_on = self.goes_on(b'}');
                    more = goes_on.ok_or_else(|| self.expected(ANOTHER_MEMBER))?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests;
