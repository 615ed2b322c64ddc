//! The two text formats of metrics, and which of them a scraper accepts.
//!
//! Source: Prometheus' text format 0.0.4, OpenMetrics 1.0.0, RFC 9110 (12.5.1, `Accept`).

use std::fmt::Write as _;

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum Format {
    /// Prometheus' own, which everything that scrapes reads.
    Prometheus,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

/// The media type of [`Format::OpenMetrics`].
const OPEN_METRICS: &str = "application/openmetrics-text";

// === impl Format ===

impl Format {
    /// `OpenMetrics` if a client names it, and prefers nothing to it; the format that all know otherwise.
    pub(in crate::server) fn accepted<'h>(headers: impl Iterator<Item = &'h str>) -> Self {
        let (mut open_metrics, mut text) = (0, 0);
        for range in headers.flat_map(|header| header.split(',')) {
            let Range {
                media_type,
                version,
                quality,
            } = Range::read(range);
            match (media_type.as_str(), version) {
                (OPEN_METRICS, None | Some("1.0.0")) => open_metrics = open_metrics.max(quality),
                ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => {
                    text = text.max(quality);
                }
                _ => {}
            }
        }
        if open_metrics > 0 && open_metrics >= text {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    /// The value of `Content-Type`.
    pub(in crate::server) fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// A media range of an `Accept` header.
struct Range<'h> {
    /// In lower case.
    media_type: String,
    version: Option<&'h str>,
    /// From 0 to 1000. What cannot be read is 0: not acceptable.
    quality: u16,
}

// === impl Range ===

impl<'h> Range<'h> {
    fn read(text: &'h str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let (mut version, mut quality) = (None, 1000);
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            if name.eq_ignore_ascii_case("version") {
                version = Some(value.trim_matches('"'));
            } else if name.eq_ignore_ascii_case("q") {
                quality = thousandths(value);
            }
        }
        Self {
            media_type,
            version,
            quality,
        }
    }
}

/// A quality such as `0.5` in thousandths.
fn thousandths(quality: &str) -> u16 {
    let (whole, fraction) = quality.split_once('.').unwrap_or((quality, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    match (whole, format!("{fraction:0<3}").parse()) {
        ("0", Ok(thousandths)) if digits => thousandths,
        ("1", Ok(0)) if digits => 1000,
        _ => 0,
    }
}

/// Prometheus' text from `OpenMetrics`: a family is called as its samples are, there are no units, no end and
/// no type `info`.
pub(super) fn to_prometheus(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            help = described.split_once(' ');
        } else if let Some((name, kind)) = typed(line) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            // Writing to a String cannot fail.
            if let Some((_, help)) = help.take().filter(|(described, _)| *described == name) {
                let _written = writeln!(text, "# HELP {name}{suffix} {help}");
            }
            let _written = writeln!(text, "# TYPE {name}{suffix} {kind}");
        } else if !line.starts_with('#') {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

fn typed(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("# TYPE ")?.split_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(header: &str) -> Format {
        Format::accepted([header].into_iter())
    }

    #[test]
    fn open_metrics_is_for_those_who_ask_for_it() {
        for header in [
            OPEN_METRICS,
            "Application/OpenMetrics-Text; Version=1.0.0",
            // Prometheus 2.49 and 3.5.
            "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        ] {
            assert_eq!(accepted(header), Format::OpenMetrics, "{header}");
        }
    }

    #[test]
    fn everybody_else_gets_the_text_that_everything_reads() {
        for header in [
            "",
            "*/*",
            "text/plain",
            "text/html, application/xhtml+xml, */*;q=0.8",
            // Prometheus 2.20, which knows another version of OpenMetrics.
            "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=much",
            "application/openmetrics-text;q=0.3, text/plain;q=0.300, application/openmetrics-text;q=0.299, text/plain;q=1.0",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7",
            "application/json",
            ";;=,,;q",
        ] {
            assert_eq!(accepted(header), Format::Prometheus, "{header}");
        }
        assert_eq!(Format::accepted([].into_iter()), Format::Prometheus);
    }

    #[test]
    fn a_header_may_come_in_parts() {
        let parts = ["text/plain;q=0.5", "application/openmetrics-text;q=0.7"];
        assert_eq!(Format::accepted(parts.into_iter()), Format::OpenMetrics);
    }

    #[test]
    fn families_are_called_as_their_samples() {
        let open_metrics = "\
# HELP a Some a.\n# TYPE a counter\na_total{b=\"c\"} 1\n\
# HELP i Of b.\n# TYPE i info\ni_info{version=\"1\"} 1\n\
# HELP s Time.\n# TYPE s histogram\n# UNIT s seconds\ns_sum 0.5\ns_count 1\ns_bucket{le=\"+Inf\"} 1\n\
# TYPE u unknown\nu 2\n# EOF\n";
        let expected = "\
# HELP a_total Some a.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n\
# HELP i_info Of b.\n# TYPE i_info gauge\ni_info{version=\"1\"} 1\n\
# HELP s Time.\n# TYPE s histogram\ns_sum 0.5\ns_count 1\ns_bucket{le=\"+Inf\"} 1\n\
# TYPE u untyped\nu 2\n";
        assert_eq!(to_prometheus(open_metrics), expected);
    }
}
