//! Durations as they are typed.

use std::time::Duration;

/// Reads a duration, such as `30s` or `1h30m`; a number alone counts seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let duration = match text.parse() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => humantime::parse_duration(text).ok(),
    };
    duration.ok_or_else(|| "expected a duration such as 30s, 5m or 1h30m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_as_kubectl_reads_it_and_a_number_as_seconds() {
        for (text, seconds) in [
            ("30s", 30.0),
            ("5m", 300.0),
            ("1h30m", 5400.0),
            ("0.5s", 0.5),
            ("250ms", 0.25),
            ("7d", 604_800.0),
            ("0", 0.0),
            ("120", 120.0),
            ("0.5", 0.5),
        ] {
            assert_eq!(
                duration(text),
                Ok(Duration::from_secs_f64(seconds)),
                "{text}"
            );
        }
        for text in [
            "",
            "-1",
            "-1s",
            "inf",
            "NaN",
            "5 apples",
            "s",
            "1e30",
            "99999999999999999999y",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
