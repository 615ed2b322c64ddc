//! When an exception ends.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::reader::quoted;
use crate::policy::Timestamp;

/// Reads `2027-03-31`, which lasts to the end of that day (UTC), or `2027-03-31T12:00:00Z`.
pub(super) fn expiry(text: &str) -> Result<Timestamp, String> {
    let is_date = text.len() == "2027-03-31".len();
    let instant = if is_date {
        let start = OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339);
        start.ok().and_then(|it| it.checked_add(Duration::DAY))
    } else {
        OffsetDateTime::parse(text, &Rfc3339).ok()
    };
    instant
        .map(|it| Timestamp(it.unix_timestamp()))
        .ok_or_else(|| {
            format!(
                "\"{}\" is not a date; write one such as 2027-03-31 or 2027-03-31T12:00:00Z",
                quoted(text)
            )
        })
}
