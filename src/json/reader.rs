//! A reader of JSON text (RFC 8259).
//!
//! Members that no field takes are skipped: they must be valid JSON, but nothing is allocated for them.

mod nested;
mod token;

use std::borrow::Cow;

use super::read::{Problem, ReadError, Source, Type};

/// How deep arrays and objects may nest: `serde_json`'s own limit. A Pod nests about 12 deep.
pub const MAX_DEPTH: usize = 128;

const A_STRING: &str = "a string";
const A_MEMBER: &str = "a name and a value";

/// A text, and how far it was read.
#[derive(Debug)]
pub struct Reader<'j> {
    json: &'j str,
    /// Offset of the next byte.
    at: usize,
    depth: usize,
    /// Whether the last string had an escape.
    escaped: bool,
}

// === impl Reader ===

impl<'j> Reader<'j> {
    /// Starts at the beginning of the text.
    pub fn new(json: &'j str) -> Self {
        Self {
            json,
            at: 0,
            depth: 0,
            escaped: false,
        }
    }

    /// Checks that nothing follows.
    pub fn end(&mut self) -> Result<(), ReadError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.expected("nothing more")),
        }
    }

    /// Skips a value, and returns its text.
    pub fn raw(&mut self) -> Result<&'j str, ReadError> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(self.json.get(start..self.at).unwrap_or_default())
    }

    /// Reads a value, and returns its text too.
    pub fn with_raw<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ReadError>,
    ) -> Result<(T, &'j str), ReadError> {
        self.peek();
        let start = self.at;
        let value = read(self)?;
        Ok((value, self.json.get(start..self.at).unwrap_or_default()))
    }

    /// Reads a value that may have another shape: if so, skips it and returns the inner error.
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

    /// Skips a value token by token.
    fn skip_plainly(&mut self) -> Result<(), ReadError> {
        match self.what()? {
            Type::Null => self.literal("null"),
            Type::Boolean => self.boolean().map(|_| ()),
            Type::Number => self.number().map(|_| ()),
            Type::Text => {
                let text = self.pass_quoted().map(|_| ());
                text.ok_or_else(|| self.expected(A_STRING))
            }
            Type::List => {
                let mut more = self.open_list()?;
                while more {
                    self.skip_plainly()?;
                    more = self.next_element()?;
                }
                Ok(())
            }
            Type::Object => {
                let mut more = self.open_object()?;
                while more {
                    self.pass_name().ok_or_else(|| self.expected(A_MEMBER))?;
                    if !self.pass_empty_object() {
                        self.skip_plainly()?;
                    }
                    more = self.next_member()?;
                }
                Ok(())
            }
        }
    }

    /// Begins an object, or reads `null`; whether a member follows.
    #[inline]
    fn open_object(&mut self) -> Result<bool, ReadError> {
        self.opens(b'{', b'}')
            .ok_or_else(|| self.unexpected("an object"))
    }

    /// Begins a list, or reads `null`; whether an element follows.
    #[inline]
    fn open_list(&mut self) -> Result<bool, ReadError> {
        self.opens(b'[', b']')
            .ok_or_else(|| self.unexpected("a list"))
    }

    /// Whether another member follows.
    #[inline]
    fn next_member(&mut self) -> Result<bool, ReadError> {
        self.goes_on(b'}')
            .ok_or_else(|| self.expected("\",\" or \"}\""))
    }

    /// Whether another element follows.
    #[inline]
    fn next_element(&mut self) -> Result<bool, ReadError> {
        self.goes_on(b']')
            .ok_or_else(|| self.expected("\",\" or \"]\""))
    }

    /// The error for a value of another type than expected, or for none.
    #[cold]
    fn unexpected(&mut self, expected: &'static str) -> ReadError {
        if self.depth > MAX_DEPTH {
            return Problem::Depth.into();
        }
        match self.what() {
            Ok(found) => Problem::Type(found, expected).into(),
            Err(error) => error,
        }
    }

    /// The error for invalid JSON.
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
    fn position(&self) -> Option<usize> {
        Some(self.at)
    }

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
        let mut more = self.open_object()?;
        while more {
            let name = self.name().ok_or_else(|| self.expected(A_MEMBER))?;
            let name = self.unescaped(name)?;
            each(&name, self).map_err(|error| error.in_member(&name))?;
            more = self.next_member()?;
        }
        Ok(())
    }

    fn elements<F>(&mut self, mut each: F) -> Result<(), ReadError>
    where
        F: FnMut(&mut Self) -> Result<(), ReadError>,
    {
        let mut more = self.open_list()?;
        let mut index = 0;
        while more {
            each(self).map_err(|error| error.in_element(index))?;
            index += 1;
            more = self.next_element()?;
        }
        Ok(())
    }

    fn text(&mut self) -> Result<Cow<'j, str>, ReadError> {
        match self.quoted() {
            Some(text) => self.unescaped(text),
            None => self.no_text(),
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
            Type::List | Type::Object if self.pass_nested() => Ok(()),
            _ => self.skip_plainly(),
        }
    }
}

#[cfg(test)]
mod tests;
