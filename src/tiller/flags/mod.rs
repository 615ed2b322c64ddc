//! Tiller's flags and the parsers that read them.

mod cobra;
mod standard;
mod table;
mod value;

use std::borrow::Cow;

use super::Version;
use super::text::split_once;
use super::version::gate;

use table::{COUNT, DEFINITIONS};

pub(super) use table::Name;
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
    /// The last value of each flag, by the flag's number.
    given: [Option<Given<'a>>; COUNT],
    /// How many values were read.
    read: usize,
    /// How many of the last words were never looked at.
    pub(super) ignored: usize,
    /// What came of it.
    pub(super) outcome: ParsedLine,
}

/// A flag's value, where it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Given<'a> {
    /// How many values were read before.
    place: usize,
    value: Cow<'a, str>,
}

/// What came of reading a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParsedLine {
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

// === impl Flag ===

impl Flag<'_> {
    /// Whether the guard sets this flag itself: `listen`, `storage`, `tls`, `tls-verify`, `tls-key`,
    /// `tls-cert`, `tls-ca-cert`, `history-max`, `trace` and `experimental-release`.
    pub fn is_guarded(&self) -> bool {
        let mut guarded = DEFINITIONS.iter().filter(|it| it.flag.is_guarded());
        guarded.any(|it| it.name == self.name)
    }
}

/// Whether a word is a flag that the guard sets itself, with one dash or two and with a value or without.
pub(super) fn is_guarded_flag(word: &str) -> bool {
    let name = word
        .strip_prefix('-')
        .map(|it| it.strip_prefix('-').unwrap_or(it));
    let name = name.map(|it| it.split_once('=').map_or(it, |(name, _)| name));
    let mut guarded = DEFINITIONS.iter().filter(|it| it.flag.is_guarded());
    name.is_some_and(|name| guarded.any(|it| it.name == name))
}

// === impl CommandLine ===

impl<'a> CommandLine<'a> {
    /// Reads the words after the program as the Tiller of a version does.
    pub(super) fn read(words: &[Cow<'a, str>], version: Version) -> Self {
        let mut line = Self {
            given: [const { None }; COUNT],
            read: 0,
            ignored: 0,
            outcome: ParsedLine::Starts,
        };
        let standard = version >= gate::STANDARD_FLAGS;
        let stop = if standard {
            standard::parse(words, version, &mut line).err()
        } else {
            cobra::parse(words, version, &mut line).err()
        };
        line.outcome = match stop {
            None if line.switch(Name::Version) == Some(true) => ParsedLine::PrintsVersion,
            None => ParsedLine::Starts,
            // Go before 1.15 exits with 2 for `--help`; the Tillers that were tried exit with 0.
            Some(Stop::Help) => ParsedLine::Exits {
                code: 0,
                reason: "Usage of /tiller:".to_owned(),
            },
            Some(Stop::Error(reason)) => ParsedLine::Exits {
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
    pub(super) fn value(&self, flag: Name) -> Option<&Cow<'a, str>> {
        Some(&self.given(flag)?.value)
    }

    /// A boolean flag's value, where it is given.
    pub(super) fn switch(&self, flag: Name) -> Option<bool> {
        self.value(flag).and_then(|value| parse_bool(value))
    }

    /// The flags given that are none of the guarded ones, in order, the last of each name only.
    pub(super) fn others(&self) -> Vec<Flag<'a>> {
        let others = DEFINITIONS.iter().filter(|it| !it.flag.is_guarded());
        let given = others.filter_map(|it| Some((it.name, self.given(it.flag)?)));
        let mut given: Vec<_> = given.collect();
        given.sort_unstable_by_key(|(_, given)| given.place);
        let flag = |(name, given): (&'static str, &Given<'a>)| Flag {
            name,
            value: given.value.clone(),
        };
        given.into_iter().map(flag).collect()
    }

    fn given(&self, flag: Name) -> Option<&Given<'a>> {
        self.given.get(flag as usize)?.as_ref()
    }

    /// Takes a flag in; it replaces an earlier one of its name.
    fn set(&mut self, flag: Name, value: Cow<'a, str>) {
        if let Some(given) = self.given.get_mut(flag as usize) {
            let place = self.read;
            *given = Some(Given { place, value });
            self.read += 1;
        }
    }
}

/// The end of a word from a byte on.
fn tail<'a>(word: &Cow<'a, str>, start: usize) -> Cow<'a, str> {
    match word {
        Cow::Borrowed(word) => Cow::Borrowed(word.get(start..).unwrap_or_default()),
        Cow::Owned(word) => Cow::Owned(word.get(start..).unwrap_or_default().to_owned()),
    }
}
