//! What is known of the functions that a command line defines.

use std::collections::HashMap;

/// What ends a list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The text's end.
    Text,
    /// `)`.
    Parenthesis,
    /// `}`.
    Brace,
}

/// The functions by their names.
#[derive(Debug, Default)]
pub(super) struct Functions {
    pub(super) bodies: HashMap<String, Body>,
    /// Those that are being read.
    pub(super) open: Vec<String>,
}

/// The body of a function.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) text: String,
    pub(super) end: End,
    /// Whether it takes in what it is called with: `$1`, `"$@"`.
    pub(super) takes_arguments: bool,
}
