//! Tiller's flags and the parsers that read them.

mod cobra;
mod standard;
mod table;
mod value;

use std::borrow::Cow;

use super::Version;
use super::text::split_once;
use super::version::gate;

pub(super) use value::{parse_bool, parse_integer, quote};

/// A flag as a parser read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag<'a> {
    /// The name, without dashes.
    pub name: &'a str,
    /// The value; `true` for a flag that was given without one.
    pub value: Cow<'a, str>,
}

/// A command line, read to its end or to the word that ends Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CommandLine<'a> {
    /// The last flag of each name, in the order of these last ones.
    pub(super) flags: Vec<Flag<'a>>,
    /// How many of the last words were never looked at.
    pub(super) ignored: usize,
    /// What came of it.
    pub(super) outcome: Outcome,
}

/// What came of reading a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Tiller starts with what was read.
    Starts,
    /// Tiller prints its version and exits with code 0.
    PrintsVersion,
    /// Tiller exits.
    Exits {
        /// The process' exit code.
        code: u8,
        /// The line above the usage.
        reason: String,
    },
}

/// Why a parser stopped.
enum Stop {
    /// `-h` or `--help`.
    Help,
    /// A word that it does not take, in its own words.
    Error(String),
}

/// The flags that the guard sets itself: those that each Tiller from 2.7.2 on knows.
const GUARDED: [&str; 10] = [
    "listen",
    "storage",
    "tls",
    "tls-verify",
    "tls-key",
    "tls-cert",
    "tls-ca-cert",
    "history-max",
    "trace",
    "experimental-release",
];

// === impl Flag ===

impl Flag<'_> {
    /// Whether the guard sets this flag itself: `listen`, `storage`, `tls`, `tls-verify`, `tls-key`,
    /// `tls-cert`, `tls-ca-cert`, `history-max`, `trace` and `experimental-release`.
    pub fn is_guarded(&self) -> bool {
        GUARDED.contains(&self.name)
    }
}

// === impl CommandLine ===

impl<'a> CommandLine<'a> {
    /// Reads the words after the program as the Tiller of a version does.
    pub(super) fn read(words: &[Cow<'a, str>], version: Version) -> Self {
        let mut line = Self {
            flags: Vec::with_capacity(words.len()),
            ignored: 0,
            outcome: Outcome::Starts,
        };
        let standard = version >= gate::STANDARD_FLAGS;
        let stop = if standard {
            standard::parse(words, version, &mut line).err()
        } else {
            cobra::parse(words, version, &mut line).err()
        };
        line.outcome = match stop {
            None if line.is_on("version") => Outcome::PrintsVersion,
            None => Outcome::Starts,
            // Go before 1.15 exits with 2 for `--help`; the Tillers that were tried exit with 0.
            Some(Stop::Help) => Outcome::Exits {
                code: 0,
                reason: "Usage of /tiller:".to_owned(),
            },
            Some(Stop::Error(reason)) => Outcome::Exits {
                code: match version {
                    _ if standard => 2,
                    // `main` drops what cobra's `Execute` returns.
                    version if version < gate::NAMESPACE => 0,
                    _ => 1,
                },
                reason,
            },
        };
        line
    }

    /// A flag's value, where it is given.
    pub(super) fn value(&self, name: &str) -> Option<&Cow<'a, str>> {
        let flag = self.flags.iter().find(|flag| flag.name == name)?;
        Some(&flag.value)
    }

    /// A boolean flag's value, where it is given.
    pub(super) fn switch(&self, name: &str) -> Option<bool> {
        self.value(name).and_then(|value| parse_bool(value))
    }

    fn is_on(&self, name: &str) -> bool {
        self.switch(name) == Some(true)
    }

    /// Takes a flag in; it replaces an earlier one of its name.
    fn set(&mut self, name: &'static str, value: Cow<'a, str>) {
        let earlier = self.flags.iter().position(|flag| flag.name == name);
        if let Some(earlier) = earlier {
            self.flags.remove(earlier);
        }
        self.flags.push(Flag { name, value });
    }
}

/// The end of a word from a byte on.
fn tail<'a>(word: &Cow<'a, str>, start: usize) -> Cow<'a, str> {
    match word {
        Cow::Borrowed(word) => Cow::Borrowed(word.get(start..).unwrap_or_default()),
        Cow::Owned(word) => Cow::Owned(word.get(start..).unwrap_or_default().to_owned()),
    }
}
