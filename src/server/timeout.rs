//! The `?timeout=10s` that the API server adds to a webhook's URL, in Go's duration syntax
//! (`time.ParseDuration`).

use std::time::Duration;

/// The longest first: `ms` is not `m`.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// The time that a request's query says its client waits. Nothing where it does not say so, or says
/// what is no time above zero.
pub(super) fn of(query: Option<&str>) -> Option<Duration> {
    let value = query?
        .split('&')
        .find_map(|pair| pair.strip_prefix("timeout="))?;
    go_duration(value).filter(|timeout| !timeout.is_zero())
}

/// Reads `1m30s`, `1.5h`, `500ms`. Nothing negative: no wait is.
fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut total = 0_u64;
    loop {
        let (whole, after) = digits(rest);
        let (fraction, after) = after.strip_prefix('.').map_or(("", after), digits);
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (unit, after) = UNITS
            .iter()
            .find_map(|(name, unit)| Some((*unit, after.strip_prefix(name)?)))?;
        total = total.checked_add(nanoseconds(whole, fraction, unit)?)?;
        if after.is_empty() {
            return Some(Duration::from_nanos(total));
        }
        rest = after;
    }
}

/// The digits that `text` begins with, and what follows them.
fn digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `whole.fraction` of a unit.
fn nanoseconds(whole: &str, fraction: &str, unit: u64) -> Option<u64> {
    let mut total = match whole {
        "" => 0,
        digits => digits.parse::<u64>().ok()?.checked_mul(unit)?,
    };
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        total = total.checked_add(place.checked_mul(u64::from(digit.wrapping_sub(b'0')))?)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{go_duration, of};

    #[test]
    fn durations_are_read_as_go_reads_them() {
        let cases = [
            ("10s", Some(10_000_000_000)),
            ("1m", Some(60_000_000_000)),
            ("500ms", Some(500_000_000)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            (".5s", Some(500_000_000)),
            ("2.s", Some(2_000_000_000)),
            ("1h0m0.25s", Some(3_600_250_000_000)),
            ("7us", Some(7_000)),
            ("7\u{b5}s", Some(7_000)),
            ("0", Some(0)),
            ("0s", Some(0)),
            ("", None),
            ("10", None),
            ("s", None),
            (".s", None),
            ("-1s", None),
            ("1 s", None),
            ("1d", None),
            ("10sx", None),
            ("99999999999999999999s", None),
            ("9999999999999999h", None),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(
                go_duration(text),
                nanoseconds.map(Duration::from_nanos),
                "{text}"
            );
        }
    }

    #[test]
    fn only_a_time_above_zero_counts() {
        assert_eq!(of(Some("timeout=5s")), Some(Duration::from_secs(5)));
        assert_eq!(of(Some("a=b&timeout=1m")), Some(Duration::from_mins(1)));
        assert_eq!(of(Some("timeout=0s")), None);
        assert_eq!(of(Some("timeout=soon")), None);
        assert_eq!(of(Some("notimeout=5s")), None);
        assert_eq!(of(None), None);
    }
}
