//! YAML scalars as kubectl resolves them: by the rules of go-yaml v2, which are YAML 1.1's with
//! exceptions. `0444` is 292, `yes`, `on` and `y` are true, `12:30` and `2001-01-01` are text.
//!
//! Source: `resolve.go` of go-yaml v2; the test's table was printed by kubectl 1.32, and
//! `tests/it/clients` compares with other kubectls.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Number, Value};

/// What an explicit tag asks of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// `!!str`, `!` or a tag of one's own.
    Text,
    /// `!!int`.
    Integer,
    /// `!!float`.
    Float,
    /// `!!bool`.
    Bool,
    /// `!!null`.
    Null,
    /// `!!binary`: base64.
    Binary,
}

/// What a scalar is. Two keys of different variants are two keys to kubectl, whatever their text in JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number that no `i64` holds.
    Large(u64),
    /// Another number, infinite or none.
    Float(f64),
    /// A string.
    Text(String),
}

/// A scalar has no value that JSON could hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadScalar {
    /// Infinity or not a number.
    #[error("a number that JSON cannot hold")]
    NotFinite,
    /// The text is not of the tag's type.
    #[error("the value is not what its tag says")]
    Tag,
}

/// Go's `base64.StdEncoding`, which does not look at the bits that padding leaves over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

// === impl Tag ===

impl Tag {
    /// The tag of a full name, such as `tag:yaml.org,2002:int`.
    pub(super) fn find(name: &str) -> Self {
        match name.strip_prefix("tag:yaml.org,2002:") {
            Some("int") => Self::Integer,
            Some("float") => Self::Float,
            Some("bool") => Self::Bool,
            Some("null") => Self::Null,
            Some("binary") => Self::Binary,
            _ => Self::Text,
        }
    }
}

// === impl Scalar ===

impl Scalar {
    /// A plain scalar without a tag.
    pub(super) fn plain(text: Cow<'_, str>) -> Self {
        match text.as_ref() {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            ".nan" | ".NaN" | ".NAN" => return Self::Float(f64::NAN),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
                return Self::Float(f64::INFINITY);
            }
            "-.inf" | "-.Inf" | "-.INF" => return Self::Float(f64::NEG_INFINITY),
            _ => {}
        }
        if let Some(value) = boolean(&text) {
            return Self::Bool(value);
        }
        let number = match text.as_bytes().first() {
            Some(b'.') => float(&text),
            Some(b'0'..=b'9' | b'+' | b'-') => {
                let digits = text.replace('_', "");
                integer(&digits)
                    .or_else(|| float(&digits))
                    .or_else(|| signed_binary(&digits))
            }
            _ => None,
        };
        number.unwrap_or_else(|| Self::Text(text.into_owned()))
    }

    /// A scalar with a tag, however it is written.
    pub(super) fn tagged(tag: Tag, text: &str) -> Result<Self, BadScalar> {
        match (tag, Self::plain(text.into())) {
            (Tag::Text, _) => Ok(Self::Text(text.to_owned())),
            (Tag::Binary, _) => {
                let joined: String = text.split(['\n', '\r']).collect();
                let bytes = BASE64.decode(joined).map_err(|_| BadScalar::Tag)?;
                Ok(Self::Text(as_go_prints_bytes(&bytes)))
            }
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest number is what kubectl takes"
            )]
            (Tag::Float, Self::Integer(whole)) => Ok(Self::Float(whole as f64)),
            (Tag::Integer, found @ (Self::Integer(_) | Self::Large(_)))
            | (Tag::Float, found @ Self::Float(_))
            | (Tag::Bool, found @ Self::Bool(_))
            | (Tag::Null, found @ Self::Null) => Ok(found),
            _ => Err(BadScalar::Tag),
        }
    }

    /// The value that kubectl sends.
    pub(super) fn into_value(self) -> Result<Value, BadScalar> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(value),
            Self::Integer(whole) => whole.into(),
            // Kubernetes knows no other whole numbers.
            #[expect(
                clippy::cast_precision_loss,
                reason = "the nearest number is what kubectl takes"
            )]
            Self::Large(whole) => Value::Number(number(whole as f64).ok_or(BadScalar::NotFinite)?),
            Self::Float(value) => Value::Number(number(value).ok_or(BadScalar::NotFinite)?),
            Self::Text(text) => Value::String(text),
        })
    }
}

/// A float as it comes out of Go's JSON: without a fraction it is a whole number there, up to 21 digits.
pub(super) fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 1e21 {
        // The shortest digits that are this number and no other, then zeros: in Rust as in Go.
        let whole = value.to_string();
        if let Ok(whole) = whole.parse::<i64>() {
            return Some(whole.into());
        }
        if let Ok(whole) = whole.parse::<u64>() {
            return Some(whole.into());
        }
    }
    Number::from_f64(value)
}

/// Bytes as Go's JSON writes them: each that is part of no character is U+FFFD.
fn as_go_prints_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let broken = chunk.invalid().len();
        text.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, broken));
    }
    text
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(false)
        }
        _ => None,
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`, then `ParseUint`.
fn integer(text: &str) -> Option<Scalar> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => ("-", text.get(1..)?),
        b'+' => ("", text.get(1..)?),
        _ => ("", text),
    };
    let prefix = unsigned.get(..2).map(str::to_ascii_lowercase);
    let (radix, digits) = match prefix.as_deref() {
        Some("0x") => (16, unsigned.get(2..)?),
        Some("0o") => (8, unsigned.get(2..)?),
        Some("0b") => (2, unsigned.get(2..)?),
        _ if unsigned.len() > 1 && unsigned.starts_with('0') => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    if !digits.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        return Some(Scalar::Integer(value));
    }
    // ParseUint takes no sign.
    if digits.len() < text.len() && text.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Scalar::Large)
}

/// Go's `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, parsed, unless it is out of range.
fn float(text: &str) -> Option<Scalar> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, unsigned.get(at + 1..)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let has_digits = !whole.is_empty() || fraction.is_some_and(|part| !part.is_empty());
    let has_exponent = exponent.is_none_or(|part| {
        let part = part.strip_prefix(['-', '+']).unwrap_or(part);
        !part.is_empty() && digits(part)
    });
    if !(has_digits && has_exponent && digits(whole) && fraction.is_none_or(digits)) {
        return None;
    }
    let value: f64 = text.parse().ok()?;
    value.is_finite().then_some(Scalar::Float(value))
}

/// `0b-1`, which go-yaml reads after all else.
fn signed_binary(text: &str) -> Option<Scalar> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(positive) => ("-", positive.strip_prefix("0b")?),
        None => ("", text.strip_prefix("0b")?),
    };
    i64::from_str_radix(&format!("{sign}{digits}"), 2)
        .ok()
        .map(Scalar::Integer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Printed by `kubectl label --local -o json` 1.32.4 from a manifest of these scalars.
    #[test]
    fn plain_scalars_are_what_kubectl_makes_of_them() {
        let table = [
            ("0444", json!(292)),
            ("yes", json!(true)),
            ("y", json!(true)),
            ("on", json!(true)),
            ("Yes", json!(true)),
            ("n", json!(false)),
            ("NO", json!(false)),
            ("oN", json!("oN")),
            ("nUll", json!("nUll")),
            ("~", json!(null)),
            ("", json!(null)),
            ("0o17", json!(15)),
            ("0O17", json!(15)),
            ("0o8", json!("0o8")),
            ("0b11", json!(3)),
            ("0B1", json!(1)),
            ("-0b11", json!(-3)),
            ("0b", json!("0b")),
            ("1_000", json!(1000)),
            ("1_", json!(1)),
            ("1__0", json!(10)),
            ("_1", json!("_1")),
            ("0_7", json!(7)),
            ("0x1F", json!(31)),
            ("0X1f", json!(31)),
            ("0x_1", json!(1)),
            ("-0x1f", json!(-31)),
            ("+0x1f", json!(31)),
            ("0x", json!("0x")),
            ("0x1p4", json!("0x1p4")),
            ("0xffffffffffffffffff", json!("0xffffffffffffffffff")),
            ("1e3", json!(1000)),
            ("1E3", json!(1000)),
            ("1e+3", json!(1000)),
            (".e3", json!(".e3")),
            (".5", json!(0.5)),
            ("-.5", json!(-0.5)),
            ("0.", json!(0)),
            ("1.", json!(1)),
            ("1.0", json!(1)),
            ("3.0e2", json!(300)),
            ("1_000.5", json!(1000.5)),
            ("12:30", json!("12:30")),
            ("190:20:30", json!("190:20:30")),
            ("2001-01-01", json!("2001-01-01")),
            ("2001-01-01T00:00:00Z", json!("2001-01-01T00:00:00Z")),
            ("089", json!(89)),
            ("08.5", json!(8.5)),
            ("-0444", json!(-292)),
            ("+0444", json!(292)),
            ("+12", json!(12)),
            ("-0", json!(0)),
            ("00", json!(0)),
            ("0", json!(0)),
            ("=", json!("=")),
            ("<<", json!("<<")),
            ("infinity", json!("infinity")),
            ("NaN", json!("NaN")),
            ("1e400", json!("1e400")),
            ("9999999999999999999", json!(10_000_000_000_000_000_000_u64)),
            ("99999999999999999999999", json!(1e23)),
            ("123456789012345678", json!(123_456_789_012_345_678_i64)),
            ("1e21", json!(1e21)),
            ("-", json!("-")),
            ("v2.17.0", json!("v2.17.0")),
        ];
        for (text, value) in table {
            assert_eq!(Scalar::plain(text.into()).into_value(), Ok(value), "{text}");
        }
        assert_eq!(
            Scalar::plain("-.inf".into()).into_value(),
            Err(BadScalar::NotFinite)
        );
    }

    /// Printed by kubectl 1.37.1.
    #[test]
    fn tags_decide_or_refuse() {
        let table = [
            (Tag::Text, "123", Some(json!("123"))),
            (Tag::Text, "~", Some(json!("~"))),
            (Tag::Integer, "12", Some(json!(12))),
            (Tag::Integer, "1.0", None),
            (Tag::Integer, "abc", None),
            (Tag::Integer, "", None),
            (Tag::Float, "1", Some(json!(1))),
            (
                Tag::Float,
                "9007199254740993",
                Some(json!(9_007_199_254_740_992_i64)),
            ),
            (Tag::Float, "9223372036854775808", None),
            (Tag::Bool, "yes", Some(json!(true))),
            (Tag::Bool, "1", None),
            (Tag::Null, "", Some(json!(null))),
            (Tag::Null, "x", None),
            (Tag::Binary, "aGVsbG8=", Some(json!("hello"))),
            (Tag::Binary, "aGVs\nbG8=\n", Some(json!("hello"))),
            (Tag::Binary, "aGVsbG9=", Some(json!("hello"))),
            (Tag::Binary, "aGVs bG8=", None),
            (Tag::Binary, "aGVsbG8", None),
            (Tag::Binary, "4oI=", Some(json!("\u{fffd}\u{fffd}"))),
        ];
        for (tag, text, value) in table {
            let read = Scalar::tagged(tag, text).and_then(Scalar::into_value);
            assert_eq!(read.ok(), value, "{tag:?} {text}");
        }
    }
}
