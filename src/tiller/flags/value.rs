//! The values that flags take, and Go's words for those that they do not.
//!
//! Source: `src/flag/flag.go`, `src/strconv` of Go; `glog.go` of `github.com/golang/glog`, from which klog
//! is forked.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::num::{IntErrorKind, ParseIntError};

use super::table::Kind;

pub(super) const SYNTAX: &str = "invalid syntax";
const RANGE: &str = "value out of range";
const MODULES: &str = "syntax error: expect comma-separated list of filename=N";
const LOCATION: &str = "syntax error: expect file.go:234";

/// Checks a value as the standard flag of a kind does.
pub(super) fn check(kind: Kind, value: &str) -> Result<(), Cow<'static, str>> {
    // The standard kinds say only which of the two errors it was.
    let brief = |error: &'static str| {
        Cow::Borrowed(if error == SYNTAX {
            "parse error"
        } else {
            error
        })
    };
    match kind {
        Kind::Text => Ok(()),
        Kind::Bool => parse_bool(value).map(drop).ok_or_else(|| brief(SYNTAX)),
        Kind::Integer => parse_integer(value).map(drop).map_err(brief),
        Kind::Unsigned => parse_unsigned(value).map(drop).map_err(brief),
        Kind::Level => decimal(value)
            .map(drop)
            .map_err(|error| number_error("Atoi", value, error).into()),
        Kind::Severity => severity(value),
        Kind::Modules => modules(value).map_err(Cow::Borrowed),
        Kind::Location => location(value).map_err(Cow::Borrowed),
    }
}

/// `strconv.ParseBool`.
pub(in crate::tiller) fn parse_bool(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// `strconv.ParseInt` with base 0: decimal, `0x…`, `0…`, and as of Go 1.13 `0b…`, `0o…` and `_` between
/// digits. Earlier Tillers exit for the latter, so that nothing is taken for set that is not.
pub(in crate::tiller) fn parse_integer(value: &str) -> Result<i64, &'static str> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let magnitude = i128::from(parse_unsigned(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).map_err(|_| RANGE)
}

/// `strconv.ParseUint` with base 0.
fn parse_unsigned(value: &str) -> Result<u64, &'static str> {
    let (radix, digits) = match value.as_bytes() {
        [] => return Err(SYNTAX),
        [b'0', b'x' | b'X', digits @ ..] if !digits.is_empty() => (16, digits),
        [b'0', b'b' | b'B', digits @ ..] if !digits.is_empty() => (2, digits),
        [b'0', b'o' | b'O', digits @ ..] if !digits.is_empty() => (8, digits),
        [b'0', digits @ ..] => (8, digits),
        digits => (10, digits),
    };
    // `_` separates digits, and a prefix, the octal `0` included, counts as one.
    let mut after_digit = radix != 10;
    let mut number = 0_u64;
    for byte in digits {
        if *byte == b'_' {
            if !after_digit {
                return Err(SYNTAX);
            }
            after_digit = false;
            continue;
        }
        after_digit = true;
        let digit = char::from(*byte).to_digit(radix).ok_or(SYNTAX)?;
        number = number
            .checked_mul(u64::from(radix))
            .and_then(|number| number.checked_add(u64::from(digit)))
            .ok_or(RANGE)?;
    }
    if after_digit { Ok(number) } else { Err(SYNTAX) }
}

/// `strconv.Atoi`.
fn decimal(value: &str) -> Result<i64, &'static str> {
    value
        .parse()
        .map_err(|error: ParseIntError| match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => RANGE,
            _ => SYNTAX,
        })
}

fn severity(value: &str) -> Result<(), Cow<'static, str>> {
    let is_name = ["INFO", "WARNING", "ERROR", "FATAL"]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(value));
    if is_name {
        return Ok(());
    }
    match decimal(value) {
        Ok(_) => Ok(()),
        Err(error) => Err(number_error("Atoi", value, error).into()),
    }
}

fn modules(value: &str) -> Result<(), &'static str> {
    for module in value.split(',').filter(|module| !module.is_empty()) {
        let (pattern, level) = module.split_once('=').ok_or(MODULES)?;
        if pattern.is_empty() {
            return Err(MODULES);
        }
        if decimal(level).map_err(|_| MODULES)? < 0 {
            return Err("negative value for vmodule level");
        }
    }
    Ok(())
}

fn location(value: &str) -> Result<(), &'static str> {
    let (file, line) = value.split_once(':').ok_or(LOCATION)?;
    if !file.contains('.') {
        return Err(LOCATION);
    }
    if decimal(line).map_err(|_| LOCATION)? <= 0 {
        return Err("negative or zero value for level");
    }
    Ok(())
}

/// A `strconv.NumError` as text.
pub(super) fn number_error(function: &str, value: &str, error: &str) -> String {
    format!("strconv.{function}: parsing {}: {error}", quote(value))
}

/// A text as Go's `%q` prints it.
pub(in crate::tiller) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{c}' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\u{b}' => quoted.push_str("\\v"),
            _ if letter.is_control() => push_escape(&mut quoted, letter),
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn push_escape(quoted: &mut String, letter: char) {
    let code = u32::from(letter);
    // Writing to a string cannot fail.
    let written = if letter.is_ascii() {
        write!(quoted, "\\x{code:02x}")
    } else {
        write!(quoted, "\\u{code:04x}")
    };
    debug_assert!(written.is_ok());
}
