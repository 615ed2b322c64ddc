//! The traits of what is read, and of what it is read from: a JSON text, or a parsed value.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A JSON value to read. Each function but [`Source::what`] reads it; call one of them, once.
pub trait Source<'j> {
    /// How many bytes of text were read so far; `None` for a parsed value.
    fn position(&self) -> Option<usize>;

    /// The type of the value.
    fn what(&mut self) -> Result<Type, ReadError>;

    /// Calls `each` with the name and value of each member of an object; it must read the value. `null` has no members.
    fn members<F>(&mut self, each: F) -> Result<(), ReadError>
    where
        F: FnMut(&Cow<'j, str>, &mut Self) -> Result<(), ReadError>;

    /// Calls `each` with each element of a list; it must read the element. `null` has no elements.
    fn elements<F>(&mut self, each: F) -> Result<(), ReadError>
    where
        F: FnMut(&mut Self) -> Result<(), ReadError>;

    /// A string, borrowed unless it has escapes; `null` is an empty string.
    fn text(&mut self) -> Result<Cow<'j, str>, ReadError>;

    /// A whole number of 64 bits.
    fn integer(&mut self) -> Result<i64, ReadError>;

    /// `true` or `false`.
    fn boolean(&mut self) -> Result<bool, ReadError>;

    /// Skips the value.
    fn skip(&mut self) -> Result<(), ReadError>;
}

/// A type that can be read in place of its default.
pub trait Read<'j> {
    /// Reads the value.
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError>;
}

/// Reads the value.
pub fn read<'j, T: Read<'j> + Default, S: Source<'j>>(source: &mut S) -> Result<T, ReadError> {
    let mut value = T::default();
    value.read(source)?;
    Ok(value)
}

/// Marks a member as seen; an error if it was already, because JSON does not define which of two counts.
pub fn once(seen: &mut bool) -> Result<(), ReadError> {
    if std::mem::replace(seen, true) {
        Err(Problem::Twice.into())
    } else {
        Ok(())
    }
}

/// The types of JSON values (RFC 8259, 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    Text,
    /// An array.
    List,
    /// An object.
    Object,
}

/// A value that is present, whatever it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Presence;

/// What is wrong with JSON, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError(Box<Located>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Located {
    /// From the innermost outwards.
    path: Vec<Step>,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Member(Box<str>),
    Element(usize),
}

/// What is wrong with JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// It is no JSON.
    Syntax {
        /// What was expected.
        expected: &'static str,
        /// The line, from 1.
        line: usize,
        /// The byte of the line, from 1.
        column: usize,
    },
    /// It nests deeper than a reader goes.
    Depth,
    /// It is of the first type; the second was expected.
    Type(Type, &'static str),
    /// It is a string with a value that is not allowed.
    Value(&'static str),
    /// A list has more elements than are read.
    Many(usize),
    /// A member appears twice in its object.
    Twice,
}

// === impl Type ===

impl Type {
    fn as_str(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::Text => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

// === impl ReadError ===

impl ReadError {
    /// What is wrong.
    pub fn problem(&self) -> Problem {
        self.0.problem
    }

    /// The error, with the member in which it occurred.
    #[cold]
    #[must_use]
    pub fn in_member(mut self, name: &str) -> Self {
        self.0.path.push(Step::Member(name.into()));
        self
    }

    /// The error, with the element in which it occurred.
    #[cold]
    #[must_use]
    pub fn in_element(mut self, index: usize) -> Self {
        self.0.path.push(Step::Element(index));
        self
    }
}

impl From<Problem> for ReadError {
    #[cold]
    fn from(problem: Problem) -> Self {
        let path = Vec::new();
        Self(Box::new(Located { path, problem }))
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Located { path, problem } = &*self.0;
        for (index, step) in path.iter().rev().enumerate() {
            match step {
                Step::Member(name) if index == 0 => formatter.write_str(name)?,
                Step::Member(name) => write!(formatter, ".{name}")?,
                Step::Element(index) => write!(formatter, "[{index}]")?,
            }
        }
        if !path.is_empty() {
            formatter.write_str(": ")?;
        }
        match problem {
            Problem::Syntax {
                expected,
                line,
                column,
            } => write!(
                formatter,
                "expected {expected} at line {line} column {column}"
            ),
            Problem::Depth => formatter.write_str("nests too deep"),
            Problem::Type(found, expected) => {
                write!(formatter, "expected {expected}, found {}", found.as_str())
            }
            Problem::Value(expected) => write!(formatter, "expected {expected}"),
            Problem::Many(most) => write!(formatter, "more than {most} elements"),
            Problem::Twice => formatter.write_str("appears twice"),
        }
    }
}

impl std::error::Error for ReadError {}

// === impl Read ===

impl<'j> Read<'j> for bool {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        *self = source.boolean()?;
        Ok(())
    }
}

impl<'j> Read<'j> for i64 {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        *self = source.integer()?;
        Ok(())
    }
}

impl<'j> Read<'j> for Presence {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        source.skip()
    }
}

impl<'j, T: Read<'j> + Default> Read<'j> for Option<T> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        if source.what()? == Type::Null {
            return source.skip();
        }
        self.insert(T::default()).read(source)
    }
}

/// If a name appears twice, the last counts.
impl<'j, T: Read<'j> + Default> Read<'j> for BTreeMap<String, T> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        source.members(|name, value| {
            self.insert(name.to_string(), read(value)?);
            Ok(())
        })
    }
}

impl<'j, T: Read<'j>> Read<'j> for Box<T> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        (**self).read(source)
    }
}
