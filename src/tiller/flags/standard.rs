//! The grammar of Go's package `flag`, which reads the command line since 2.5.0. The first word that is
//! no flag ends the reading, and nobody looks at what follows it.
//!
//! Source: `parseOne` in `src/flag/flag.go` of Go 1.8 to 1.15.

use std::borrow::Cow;

use super::table::{self, Definition, Kind};
use super::{CommandLine, Stop, Version, quote, split_once, tail, value};

/// Reads the words into the command line, up to an error or a word that is no flag.
pub(super) fn parse<'a>(
    words: &[Cow<'a, str>],
    version: Version,
    line: &mut CommandLine<'a>,
) -> Result<(), Stop> {
    let mut rest = words;
    while let Some((word, following)) = rest.split_first() {
        rest = following;
        let Some(body) = body(word) else {
            line.ignored = rest.len();
            break;
        };
        if matches!(body.as_bytes(), [b'-' | b'=', ..]) {
            return Err(Stop::Error(format!("bad flag syntax: {word}")));
        }
        let (name, attached) = match split_once(body, b'=') {
            Some((name, value)) => (name, Some(tail(word, word.len() - value.len()))),
            None => (body, None),
        };
        let Some(definition) = table::find(name, version) else {
            return Err(match name {
                "help" | "h" => Stop::Help,
                _ => Stop::Error(format!("flag provided but not defined: -{name}")),
            });
        };
        let value = match (definition.kind, attached) {
            (_, Some(value)) => value,
            (Kind::Bool, None) => "true".into(),
            // The next word is the value, whatever it looks like.
            (_, None) => match rest.split_first() {
                None => return Err(Stop::Error(format!("flag needs an argument: -{name}"))),
                Some((value, following)) => {
                    rest = following;
                    value.clone()
                }
            },
        };
        check(definition, &value)?;
        line.set(definition.flag, value);
    }
    Ok(())
}

/// What follows a flag's one or two dashes; nothing for a word that is no flag.
fn body(word: &str) -> Option<&str> {
    match word.strip_prefix('-')? {
        "" | "-" => None,
        dashed => Some(dashed.strip_prefix('-').unwrap_or(dashed)),
    }
}

fn check(definition: &Definition, value: &str) -> Result<(), Stop> {
    let Definition { name, kind, .. } = definition;
    value::check(*kind, value).map_err(|error| {
        let value = quote(value);
        Stop::Error(match kind {
            Kind::Bool => format!("invalid boolean value {value} for -{name}: {error}"),
            _ => format!("invalid value {value} for flag -{name}: {error}"),
        })
    })
}
