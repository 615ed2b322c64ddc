//! What is read from JSON, and from what: a text, or a value that was read before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A place in JSON where a value stands. Each of its functions but [`Source::what`] reads that value, once.
pub trait Source<'j> {
    /// How many bytes of text were read so far; nothing where the JSON is in memory already.
    fn position(&self) -> Option<usize>;

    /// What the value is.
    fn what(&mut self) -> Result<Type, ReadError>;

    /// Gives each member of an object, with the place of its value, which has to be read; none of `null`.
    fn members<F>(&mut self, each: F) -> Result<(), ReadError>
    where
        F: FnMut(&Cow<'j, str>, &mut Self) -> Result<(), ReadError>;

    /// Gives the place of each element of a list, which has to be read; none of `null`.
    fn elements<F>(&mut self, each: F) -> Result<(), ReadError>
    where
        F: FnMut(&mut Self) -> Result<(), ReadError>;

    /// A string, borrowed where no escape had to be resolved; an empty one for `null`.
    fn text(&mut self) -> Result<Cow<'j, str>, ReadError>;

    /// A whole number of 64 bits.
    fn integer(&mut self) -> Result<i64, ReadError>;

    /// `true` or `false`.
    fn boolean(&mut self) -> Result<bool, ReadError>;

    /// Passes over any value.
    fn skip(&mut self) -> Result<(), ReadError>;
}

/// What can be read in place of its default.
pub trait Read<'j> {
    /// Reads what stands at a place.
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError>;
}

/// Reads what stands at a place.
pub fn read<'j, T: Read<'j> + Default, S: Source<'j>>(source: &mut S) -> Result<T, ReadError> {
    let mut value = T::default();
    value.read(source)?;
    Ok(value)
}

/// Marks a member as seen; an error if it was before, as JSON leaves open which of two counts.
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

/// A value that is there; what it is, is passed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Presence;

/// JSON that is not as it has to be, and where.
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
        /// What has to stand there.
        expected: &'static str,
        /// The line, from 1.
        line: usize,
        /// The byte of the line, from 1.
        column: usize,
    },
    /// It nests deeper than a reader goes.
    Depth,
    /// It is of one type and has to be of another.
    Type(Type, &'static str),
    /// It is a string that says none of what it may say.
    Value(&'static str),
    /// A list has more elements than are read.
    Many(usize),
    /// A member stands twice in its object.
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

    /// The error, of a member of what is read.
    #[cold]
    #[must_use]
    pub fn in_member(mut self, name: &str) -> Self {
        self.0.path.push(Step::Member(name.into()));
        self
    }

    /// The error, of an element of what is read.
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

/// Of a name that comes twice, the last counts.
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
