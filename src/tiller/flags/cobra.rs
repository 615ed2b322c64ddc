//! The grammar of cobra and pflag, which read the command line up to 2.4.2. Long flags need two dashes,
//! one dash begins shorthands, and words that are no flags may stand anywhere before `--`.
//!
//! Source: `parseArgs` in `flag.go` of `github.com/spf13/pflag` of 2016 and 2017.

use std::borrow::Cow;

use super::table::{self, Definition, Kind};
use super::{CommandLine, Stop, Version, parse_bool, quote, split_once, tail, value};

/// The one flag of Tiller's own that has a shorthand.
const SHORTHAND: (char, &str) = ('l', "listen");

/// A parser between two words.
struct Parser<'w, 'a> {
    /// The word that is read.
    word: &'w Cow<'a, str>,
    /// Those that follow it.
    rest: &'w [Cow<'a, str>],
    version: Version,
    /// cobra's own flag, with the shorthand `h`: looked at when all has been read.
    help: bool,
    line: &'w mut CommandLine<'a>,
}

/// Reads the words into the command line, up to an error or to `--`.
pub(super) fn parse<'a>(
    words: &[Cow<'a, str>],
    version: Version,
    line: &mut CommandLine<'a>,
) -> Result<(), Stop> {
    let Some((word, rest)) = words.split_first() else {
        return Ok(());
    };
    let mut parser = Parser {
        word,
        rest,
        version,
        help: false,
        line,
    };
    loop {
        match parser.word.strip_prefix('-') {
            Some("-") => {
                parser.line.ignored = parser.rest.len();
                break;
            }
            None | Some("") => {}
            Some(dashed) => match dashed.strip_prefix('-') {
                Some(body) => parser.long(body)?,
                None => parser.short(dashed)?,
            },
        }
        match parser.next() {
            Some(word) => parser.word = word,
            None => break,
        }
    }
    if parser.help { Err(Stop::Help) } else { Ok(()) }
}

// === impl Parser ===

impl<'w, 'a> Parser<'w, 'a> {
    /// Reads what follows two dashes.
    fn long(&mut self, body: &str) -> Result<(), Stop> {
        if body.starts_with(['-', '=']) {
            return Err(Stop::Error(format!("bad flag syntax: {}", self.word)));
        }
        let (name, attached) = match split_once(body, b'=') {
            Some((name, value)) => (name, Some(value)),
            None => (body, None),
        };
        if name == "help" {
            self.help = switch(attached, self.word)?;
            return Ok(());
        }
        let Some(definition) = table::find(name, self.version) else {
            return Err(Stop::Error(format!("unknown flag: --{name}")));
        };
        let value = match (definition.kind, attached) {
            (_, Some(value)) => self.end(value),
            (Kind::Bool, None) => "true".into(),
            (_, None) => self
                .next()
                .cloned()
                .ok_or_else(|| Stop::Error(format!("flag needs an argument: {}", self.word)))?,
        };
        self.set(definition, value, self.word)
    }

    /// Reads what follows one dash: `-h` may be followed by another shorthand, `-l` takes it for its value.
    fn short(&mut self, shorthands: &str) -> Result<(), Stop> {
        let (listen, name) = SHORTHAND;
        let mut remaining = shorthands;
        while let Some(letter) = remaining.chars().next() {
            let after = remaining.strip_prefix(letter).unwrap_or_default();
            // A lone `=` at the end is a value, not a separator.
            let assigned = after.strip_prefix('=').filter(|value| !value.is_empty());
            if letter == 'h' {
                self.help = switch(assigned, remaining)?;
                remaining = assigned.map_or(after, |_| "");
                continue;
            }
            let known = table::find(name, self.version).filter(|_| letter == listen);
            let Some(definition) = known else {
                return Err(Stop::Error(format!(
                    "unknown shorthand flag: '{letter}' in -{remaining}"
                )));
            };
            let value = match assigned.unwrap_or(after) {
                "" => self.next().cloned().ok_or_else(|| {
                    Stop::Error(format!(
                        "flag needs an argument: '{letter}' in -{remaining}"
                    ))
                })?,
                value => self.end(value),
            };
            return self.set(definition, value, remaining);
        }
        Ok(())
    }

    /// Takes the next word.
    fn next(&mut self) -> Option<&'w Cow<'a, str>> {
        let (word, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(word)
    }

    /// The end of the word, borrowed as the word is.
    fn end(&self, value: &str) -> Cow<'a, str> {
        tail(self.word, self.word.len() - value.len())
    }

    fn set(
        &mut self,
        definition: &'static Definition,
        value: Cow<'a, str>,
        origin: &str,
    ) -> Result<(), Stop> {
        if definition.kind == Kind::Bool {
            switch(Some(&value), origin)?;
        }
        self.line.set(definition.flag, value);
        Ok(())
    }
}

/// Reads a truth value as pflag does, which passes on the errors of `strconv`. The Tillers that use it
/// have flags for truth values and texts only.
fn switch(value: Option<&str>, origin: &str) -> Result<bool, Stop> {
    let value = value.unwrap_or("true");
    parse_bool(value).ok_or_else(|| {
        let error = value::number_error("ParseBool", value, value::SYNTAX);
        let value = quote(value);
        Stop::Error(format!("invalid argument {value} for {origin}: {error}"))
    })
}
