//! Times of records.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::hapi::Timestamp;

/// A time in RFC 3339, with the fraction that it has: `2026-11-29T20:51:57.114983243Z`. None where none was set, or the
/// calendar has none such.
pub(super) fn rfc3339(time: Option<&Timestamp>) -> Option<String> {
    let time = time?;
    let whole = OffsetDateTime::from_unix_timestamp(time.seconds).ok()?;
    let exact = whole.checked_add(Duration::nanoseconds(i64::from(time.nanos)))?;
    exact.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_its_fraction_and_no_zeros_after_it() {
        let told = |seconds, nanos| {
            let time = Timestamp {
                seconds,
                nanos,
                ..Timestamp::default()
            };
            rfc3339(Some(&time)).unwrap_or_default()
        };
        assert_eq!(
            told(1_795_985_517, 114_983_243),
            "2026-11-29T20:51:57.114983243Z"
        );
        assert_eq!(told(1_795_985_517, 114_000_000), "2026-11-29T20:51:57.114Z");
        assert_eq!(told(1_795_985_517, 0), "2026-11-29T20:51:57Z");
        assert_eq!(told(i64::MAX, 0), "");
        assert_eq!(rfc3339(None), None);
    }
}
