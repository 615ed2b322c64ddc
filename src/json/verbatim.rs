//! A part of a JSON text as it stands there.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// A value that is left unread until it is known how, or whether, to read it. A [`Reader`](super::Reader) alone gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verbatim<'a>(&'a str);

/// What tells a [`Reader`](super::Reader) that a value is wanted as it stands.
pub(super) const VERBATIM: &str = "tiller_guard::json::Verbatim";

impl<'a> Verbatim<'a> {
    /// The JSON of the value.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Verbatim<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VERBATIM, VerbatimVisitor)
    }
}

struct VerbatimVisitor;

impl<'de> Visitor<'de> for VerbatimVisitor {
    type Value = Verbatim<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_borrowed_str<E: de::Error>(self, json: &'de str) -> Result<Self::Value, E> {
        Ok(Verbatim(json))
    }
}
