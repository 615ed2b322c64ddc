//! Tiller's flags and the parsers that read them.
use std::borrow::Cow;

/// A flag as a parser read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag<'a> {
    /// The name, without dashes.
    pub name: &'a str,
    /// The value; `true` for a flag that was given without one.
    pub value: Cow<'a, str>,
}

impl Flag<'_> {
    /// Whether the guard sets this flag itself: `listen`, `storage`, `tls`, `tls-verify`, `tls-key`,
    /// `tls-cert`, `tls-ca-cert`, `history-max`, `trace` and `experimental-release`.
    pub fn is_guarded(&self) -> bool {
        todo!()
    }
}
