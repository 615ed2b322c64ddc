//! JSON, read where it stands by one who wants few of its fields. What is read is what `serde_json` reads from it, in half the
//! time: strings are borrowed, and what is skipped is looked at once.

mod deserializer;

use std::borrow::Cow;

use serde::Deserialize;

use super::Error;
use super::text::stop;

/// How deep arrays and objects may nest: `serde_json`'s own limit for what it builds.
const MAX_DEPTH: usize = 128;

/// A JSON text, as far as it was read.
#[derive(Debug)]
pub struct Reader<'de> {
    json: &'de str,
    at: usize,
    depth: usize,
}

/// What begins at a place of a text.
#[derive(Debug)]
enum Token<'de> {
    Text(Cow<'de, str>),
    Object,
    Array,
    Boolean(bool),
    Null,
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

/// Reads a whole text.
pub fn read<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, Error> {
    let mut reader = Reader::new(json);
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

// === impl Reader ===

impl<'de> Reader<'de> {
    /// Reads a text from its beginning.
    pub fn new(json: &'de str) -> Self {
        Self {
            json,
            at: 0,
            depth: 0,
        }
    }

    /// Whether only space is left.
    pub fn end(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.fault("trailing characters")),
        }
    }

    /// The next byte that is no space, which is left there.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        match self.byte() {
            Some(byte) if byte > b' ' => Some(byte),
            _ => self.peek_past_space(),
        }
    }

    #[inline(never)]
    fn peek_past_space(&mut self) -> Option<u8> {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\t' | b'\r');
        let spaces = rest.iter().position(|byte| !is_space(byte));
        self.at += spaces.unwrap_or(rest.len());
        self.byte()
    }

    /// Passes the next byte that is no space if it is this one.
    fn pass(&mut self, byte: u8) -> bool {
        let passed = self.peek() == Some(byte);
        self.at += usize::from(passed);
        passed
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(self.fault("expected value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes `null` if that is what begins here.
    #[inline(never)]
    fn null(&mut self) -> Result<bool, Error> {
        let is_null = self.peek() == Some(b'n');
        if is_null {
            self.word("null")?;
        }
        Ok(is_null)
    }

    /// The string that begins here.
    fn text(&mut self) -> Result<Cow<'de, str>, Error> {
        let start = self.at + 1;
        match stop(self.json.as_bytes(), start) {
            Some((end, b'"')) => {
                self.at = end + 1;
                Ok(Cow::Borrowed(self.json.get(start..end).unwrap_or_default()))
            }
            _ => self.escaped_text().map(Cow::Owned),
        }
    }

    /// The same, where escapes are to be resolved.
    #[cold]
    fn escaped_text(&mut self) -> Result<String, Error> {
        let start = self.at;
        self.skip_text()?;
        let text = self.json.get(start..self.at).unwrap_or_default();
        serde_json::from_str(text).map_err(|_| self.fault("invalid escape"))
    }

    fn skip_text(&mut self) -> Result<(), Error> {
        let mut from = self.at + 1;
        loop {
            match stop(self.json.as_bytes(), from) {
                Some((end, b'"')) => {
                    self.at = end + 1;
                    return Ok(());
                }
                Some((backslash, b'\\')) => {
                    self.at = backslash;
                    from = backslash + self.escape()?;
                }
                Some((control, _)) => {
                    self.at = control;
                    return Err(self.fault("control character found while parsing a string"));
                }
                None => {
                    self.at = self.json.len();
                    return Err(self.fault("EOF while parsing a string"));
                }
            }
        }
    }

    /// How long the escape is that begins here.
    fn escape(&self) -> Result<usize, Error> {
        let rest = self.json.as_bytes().get(self.at + 1..).unwrap_or_default();
        match rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(2),
            [b'u', hex @ ..] if hex.len() >= 4 && hex.iter().take(4).all(u8::is_ascii_hexdigit) => {
                Ok(6)
            }
            _ => Err(self.fault("invalid escape")),
        }
    }

    /// The number that begins here.
    fn number(&mut self) -> Result<Token<'de>, Error> {
        let (number, is_integer) = self.digits_and_signs()?;
        if is_integer && let Ok(number) = number.parse() {
            return Ok(Token::Unsigned(number));
        }
        // Minus nought is no integer to serde_json either.
        if is_integer
            && number != "-0"
            && let Ok(number) = number.parse()
        {
            return Ok(Token::Signed(number));
        }
        match number.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Token::Float(number)),
            _ => Err(self.fault("number out of range")),
        }
    }

    /// The same as text, and whether it is an integer.
    fn digits_and_signs(&mut self) -> Result<(&'de str, bool), Error> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        let leading = self.byte();
        let digits = self.digits();
        let mut is_valid = digits == 1 || digits > 1 && leading != Some(b'0');
        let mut is_integer = true;
        if self.byte() == Some(b'.') {
            self.at += 1;
            is_valid &= self.digits() > 0;
            is_integer = false;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            is_valid &= self.digits() > 0;
            is_integer = false;
        }
        if !is_valid {
            return Err(self.fault("invalid number"));
        }
        let number = self.json.get(start..self.at).unwrap_or_default();
        Ok((number, is_integer))
    }

    fn byte(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// Passes digits, and tells how many.
    fn digits(&mut self) -> usize {
        let rest = self.json.as_bytes().get(self.at..).unwrap_or_default();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += digits;
        digits
    }

    /// Passes what begins here: of an array or object the bracket that opens it. It is one function, and not a part of
    /// each reader of a type, so that it stays in the processor's caches.
    #[inline(never)]
    fn token(&mut self) -> Result<Token<'de>, Error> {
        match self.peek() {
            Some(b'"') => self.text().map(Token::Text),
            Some(b'{') => self.enter().map(|()| Token::Object),
            Some(b'[') => self.enter().map(|()| Token::Array),
            Some(b't') => self.word("true").map(|()| Token::Boolean(true)),
            Some(b'f') => self.word("false").map(|()| Token::Boolean(false)),
            Some(b'n') => self.word("null").map(|()| Token::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.fault("expected value")),
            None => Err(self.fault("EOF while parsing a value")),
        }
    }

    /// Passes a value.
    fn skip(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'"') => self.skip_text(),
            Some(b'{') => {
                self.enter()?;
                let mut first = true;
                while self.next_key(&mut first)? {
                    self.skip_text()?;
                    self.colon()?;
                    self.skip()?;
                }
                self.leave(b'}')
            }
            Some(b'[') => {
                self.enter()?;
                let mut first = true;
                while self.next_element(&mut first)? {
                    self.skip()?;
                }
                self.leave(b']')
            }
            Some(b'-' | b'0'..=b'9') => self.digits_and_signs().map(drop),
            _ => self.token().map(drop),
        }
    }

    /// Passes the bracket that opens an array or object.
    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        self.at += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fault("recursion limit exceeded"));
        }
        Ok(())
    }

    /// Passes the bracket that closes it.
    #[inline(never)]
    fn leave(&mut self, bracket: u8) -> Result<(), Error> {
        self.depth -= 1;
        if !self.pass(bracket) {
            return Err(self.fault("trailing characters"));
        }
        Ok(())
    }

    /// Goes to the next key of an object, if there is one.
    #[inline(never)]
    fn next_key(&mut self, first: &mut bool) -> Result<bool, Error> {
        let first = std::mem::replace(first, false);
        match self.peek() {
            Some(b'}') => return Ok(false),
            Some(b',') if !first => {
                self.at += 1;
            }
            Some(b'"') if first => return Ok(true),
            Some(_) if first => return Err(self.fault("key must be a string")),
            Some(_) => return Err(self.fault("expected `,` or `}`")),
            None => return Err(self.fault("EOF while parsing an object")),
        }
        match self.peek() {
            Some(b'"') => Ok(true),
            Some(b'}') => Err(self.fault("trailing comma")),
            Some(_) => Err(self.fault("key must be a string")),
            None => Err(self.fault("EOF while parsing an object")),
        }
    }

    #[inline(never)]
    fn colon(&mut self) -> Result<(), Error> {
        if self.pass(b':') {
            return Ok(());
        }
        Err(self.fault("expected `:`"))
    }

    /// Goes to the next element of an array, if there is one.
    #[inline(never)]
    fn next_element(&mut self, first: &mut bool) -> Result<bool, Error> {
        let first = std::mem::replace(first, false);
        match self.peek() {
            Some(b']') => Ok(false),
            Some(b',') if !first => {
                self.at += 1;
                match self.peek() {
                    Some(b']') => Err(self.fault("trailing comma")),
                    _ => Ok(true),
                }
            }
            Some(_) if first => Ok(true),
            Some(_) => Err(self.fault("expected `,` or `]`")),
            None => Err(self.fault("EOF while parsing a list")),
        }
    }

    #[cold]
    fn fault(&self, message: &str) -> Error {
        Error::new(message).or_at(self.json, self.at)
    }
}

#[cfg(test)]
mod tests;
