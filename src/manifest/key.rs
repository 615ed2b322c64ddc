//! Keys of mappings: JSON has texts only, YAML has numbers and more.

use super::scalar::Scalar;

/// A mapping's key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    /// Its text in JSON.
    pub(super) text: String,
    /// What it is in YAML, unless it is just that text.
    pub(super) scalar: Option<Scalar>,
}

/// What cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadKey {
    /// Nothing.
    #[error("a key that is null")]
    Null,
    /// More than an `i64` holds.
    #[error("a key that is a number over 9223372036854775807")]
    Large,
    /// It equals zero and is written otherwise.
    #[error("a key that is a negative zero")]
    NegativeZero,
    /// Bytes that are no text.
    #[error("a key that is not a string")]
    Binary,
}

// === impl Key ===

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self { text, scalar: None }
    }
}

impl TryFrom<Scalar> for Key {
    type Error = BadKey;

    fn try_from(scalar: Scalar) -> Result<Self, BadKey> {
        let text = match scalar {
            Scalar::Text(text)
                if !text.is_ascii() && text.contains(char::REPLACEMENT_CHARACTER) =>
            {
                return Err(BadKey::Binary);
            }
            Scalar::Text(text) => return Ok(text.into()),
            Scalar::Null => return Err(BadKey::Null),
            Scalar::Large(_) => return Err(BadKey::Large),
            Scalar::Bool(value) => value.to_string(),
            Scalar::Integer(whole) => whole.to_string(),
            Scalar::Float(value) if value == 0.0 && value.is_sign_negative() => {
                return Err(BadKey::NegativeZero);
            }
            Scalar::Float(value) => short(value),
        };
        let scalar = Some(scalar);
        Ok(Self { text, scalar })
    }
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 32)`: the shortest text that is the same in 32 bits, as a power
/// of ten below 0.0001 and from a million on. Source: `sigs.k8s.io/yaml`, `convertToJSONableObject`.
fn short(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a key over the range of 32 bits is infinite to kubectl too"
    )]
    let value = value as f32;
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(power) if !(-4..6).contains(&power) => {
            let sign = if power < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", power.abs())
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by kubectl 1.37.1 of a manifest with these keys.
    #[test]
    fn floats_as_keys_are_gos() {
        let table = [
            ("1.5", "1.5"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("123456.5", "123456.5"),
            ("1234567.5", "1.2345675e+06"),
            ("999999.0", "999999"),
            ("1e6", "1e+06"),
            ("1e20", "1e+20"),
            ("123456789.125", "1.2345679e+08"),
            ("16777217.0", "1.6777216e+07"),
            ("21000000.0", "2.1e+07"),
            ("1e39", ".inf"),
            ("-1e39", "-.inf"),
            ("1e-46", "0"),
            ("1e-40", "1e-40"),
            (".nan", ".nan"),
            ("-2.50", "-2.5"),
            ("9223372036854775807", "9223372036854775807"),
        ];
        for (text, key) in table {
            assert_eq!(
                Key::try_from(Scalar::plain(text.into())).map(|key| key.text),
                Ok(key.to_owned()),
                "{text}"
            );
        }
    }
}
