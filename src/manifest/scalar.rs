//! YAML scalars as kubectl resolves them: by the rules of go-yaml v2, which are YAML 1.1's with
//! exceptions. `0444` is 292, `yes`, `on` and `y` are true, `12:30` and `2001-01-01` are text.
//!
//! Source: `goyaml.v2/resolve.go` of sigs.k8s.io/yaml; the test's table was printed by kubectl 1.32.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
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

/// The value of a plain scalar without a tag.
pub(super) fn plain(text: &str) -> Result<Value, BadScalar> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => return Err(BadScalar::NotFinite),
        _ => {}
    }
    if let Some(value) = boolean(text) {
        return Ok(Value::Bool(value));
    }
    let number = match text.as_bytes().first() {
        Some(b'.') => float(text),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let digits = text.replace('_', "");
            integer(&digits).or_else(|| float(&digits))
        }
        _ => None,
    };
    Ok(number.map_or_else(|| Value::String(text.to_owned()), Value::Number))
}

/// The value of a scalar with a tag.
pub(super) fn tagged(tag: Tag, text: &str) -> Result<Value, BadScalar> {
    let value = match tag {
        Tag::Text => return Ok(Value::String(text.to_owned())),
        Tag::Binary => {
            // kubectl's JSON encoder puts U+FFFD where the bytes are no UTF-8.
            let joined: String = text.split_ascii_whitespace().collect();
            let bytes = STANDARD.decode(joined).map_err(|_| BadScalar::Tag)?;
            return Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        }
        Tag::Integer | Tag::Float | Tag::Bool | Tag::Null => plain(text)?,
    };
    let fits = match tag {
        Tag::Integer => value.is_i64() || value.is_u64(),
        Tag::Float => value.is_number(),
        Tag::Bool => value.is_boolean(),
        Tag::Null => value.is_null(),
        Tag::Text | Tag::Binary => true,
    };
    fits.then_some(value).ok_or(BadScalar::Tag)
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
fn integer(text: &str) -> Option<Number> {
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
        return Some(value.into());
    }
    // ParseUint takes no sign.
    if digits.len() < text.len() && text.starts_with(['+', '-']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Number::from)
}

/// Go's `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, parsed, unless it is out of range.
fn float(text: &str) -> Option<Number> {
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
    as_go_prints(value)
}

/// A float as it comes out of Go's JSON: without a fraction it is an integer there.
fn as_go_prints(value: f64) -> Option<Number> {
    if value.fract() == 0.0
        && value.abs() < 1e21
        && let Ok(whole) = format!("{value:.0}").parse::<i64>()
    {
        return Some(whole.into());
    }
    Number::from_f64(value)
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
            ("9999999999999999999", json!(9_999_999_999_999_999_999_u64)),
            ("99999999999999999999999", json!(1e23)),
            ("123456789012345678", json!(123_456_789_012_345_678_i64)),
            ("1e21", json!(1e21)),
            ("-", json!("-")),
            ("v2.17.0", json!("v2.17.0")),
        ];
        for (text, value) in table {
            assert_eq!(plain(text), Ok(value), "{text}");
        }
        assert_eq!(plain("-.inf"), Err(BadScalar::NotFinite));
    }

    #[test]
    fn tags_decide_or_refuse() {
        assert_eq!(tagged(Tag::Text, "123"), Ok(json!("123")));
        assert_eq!(tagged(Tag::Integer, "12"), Ok(json!(12)));
        assert_eq!(tagged(Tag::Float, "1"), Ok(json!(1)));
        assert_eq!(tagged(Tag::Bool, "yes"), Ok(json!(true)));
        assert_eq!(tagged(Tag::Null, ""), Ok(json!(null)));
        assert_eq!(tagged(Tag::Binary, "aGVsbG8="), Ok(json!("hello")));
        assert_eq!(tagged(Tag::Integer, "abc"), Err(BadScalar::Tag));
        assert_eq!(tagged(Tag::Binary, "a"), Err(BadScalar::Tag));
    }
}
