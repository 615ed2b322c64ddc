//! The `?timeout=10s` that the API server adds to a webhook's URL: a whole number of seconds.

use std::time::Duration;

/// The time that a request's query says its client waits; nothing if it says none, or one that is not above zero.
pub(super) fn of(query: Option<&str>) -> Option<Duration> {
    let mut pairs = query?.split('&');
    let value = pairs.find_map(|pair| pair.strip_prefix("timeout="))?;
    let timeout = humantime::parse_duration(value).ok()?;
    Some(timeout).filter(|timeout| !timeout.is_zero())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::of;

    /// Those with a decimal point or several units are what Go prints for times that are no whole seconds.
    #[test]
    fn a_timeout_is_read_as_go_writes_it() {
        for (query, milliseconds) in [
            ("timeout=10s", 10_000),
            ("timeout=30s", 30_000),
            ("timeout=500ms", 500),
            ("timeout=1m30s", 90_000),
            ("timeout=1.5s", 1_500),
            ("timeout=1h0m0.25s", 3_600_250),
            ("a=b&timeout=1m0s", 60_000),
        ] {
            assert_eq!(
                of(Some(query)),
                Some(Duration::from_millis(milliseconds)),
                "{query}"
            );
        }
    }

    #[test]
    fn only_a_time_above_zero_counts() {
        for query in [
            "timeout=0s",
            "timeout=",
            "timeout=10",
            "timeout=-1s",
            "timeout=soon",
            "timeout=99999999999999999999s",
            "notimeout=5s",
        ] {
            assert_eq!(of(Some(query)), None, "{query}");
        }
        assert_eq!(of(None), None);
    }
}
