//! What is wrong with a JSON text, and where.

use std::fmt;

use serde::de;

/// A text is not JSON, or not what was to be read from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<Fault>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
struct Fault {
    message: String,
    place: Option<Place>,
}

/// Both count from 1; columns are bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

// === impl Error ===

impl Error {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Fault {
            message: message.into(),
            place: None,
        }))
    }

    /// Says where, unless that was said before: after so many bytes of this text.
    #[cold]
    pub(super) fn or_at(mut self, json: &str, offset: usize) -> Self {
        let read = json.as_bytes().get(..offset).unwrap_or_default();
        let mut lines = read.rsplit(|byte| *byte == b'\n');
        self.0.place.get_or_insert_with(|| Place {
            column: lines.next().map_or(0, <[u8]>::len),
            line: 1 + lines.count(),
        });
        self
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

// === impl Fault ===

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, place } = self;
        formatter.write_str(message)?;
        match place {
            Some(Place { line, column }) => {
                write!(formatter, " at line {line} column {column}")
            }
            None => Ok(()),
        }
    }
}
