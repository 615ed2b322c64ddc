//! From `command` and `args` to the words that the process gets.
use std::borrow::Cow;

/// The words that start Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch<'a> {
    /// The program's path.
    pub program: Cow<'a, str>,
    /// The words after it.
    pub arguments: Vec<Cow<'a, str>>,
    /// The words at the end that the flag parser never reads: those after the first that is no flag.
    pub ignored: Vec<Cow<'a, str>>,
}
