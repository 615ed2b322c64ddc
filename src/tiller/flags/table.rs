//! Which flags the Tiller of each version has.
//!
//! Source: `cmd/tiller/tiller.go`, and the versions of glog and klog that each release vendors. Tillers
//! before 2.5.0 may have more, from cobra's global set.

use std::ops::RangeInclusive;

use super::Version;
use super::gate;

/// A flag that Tiller has.
#[derive(Debug)]
pub(super) struct Definition {
    /// The name, without dashes.
    pub(super) name: &'static str,
    /// Which values it takes.
    pub(super) kind: Kind,
    /// The versions that have it.
    releases: &'static [RangeInclusive<Version>],
}

/// Which values a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A truth value, after `=` only.
    Bool,
    /// Any text.
    Text,
    /// A Go integer.
    Integer,
    /// A Go integer that is not negative.
    Unsigned,
    /// A decimal number: glog's `Level`.
    Level,
    /// A severity's name or number: glog's `severity`.
    Severity,
    /// `file=N,…`: glog's `moduleSpec`.
    Modules,
    /// `file.go:234`: glog's `traceLocation`.
    Location,
}

const ALL: &[RangeInclusive<Version>] = &[gate::FIRST..=gate::LAST];
const TLS: &[RangeInclusive<Version>] = &[gate::TLS..=gate::LAST];
const STANDARD: &[RangeInclusive<Version>] = &[gate::STANDARD_FLAGS..=gate::LAST];
const HISTORY: &[RangeInclusive<Version>] = &[gate::SECRET_STORAGE..=gate::LAST];
const VERSION: &[RangeInclusive<Version>] = &[gate::VERSION_FLAG..=gate::LAST];
const SQL: &[RangeInclusive<Version>] = &[gate::SQL_STORAGE..=gate::LAST];
const PROBE: &[RangeInclusive<Version>] = &[gate::PROBE..=gate::LAST];
/// glog registers itself; klog has to be asked to, and 2.13.0 does not.
const LOGGING: &[RangeInclusive<Version>] = &[
    gate::STANDARD_FLAGS..=gate::LAST_GLOG,
    gate::KLOG..=gate::LAST,
];
const KLOG: &[RangeInclusive<Version>] = &[gate::KLOG..=gate::LAST];
const KLOG_LATER: &[RangeInclusive<Version>] = &[gate::PROBE..=gate::LAST];
const KLOG_LAST: &[RangeInclusive<Version>] = &[gate::KLOG_DIRECTORY_HEADER..=gate::LAST];

static DEFINITIONS: [Definition; 27] = [
    define("listen", Kind::Text, ALL),
    define("storage", Kind::Text, ALL),
    define("trace", Kind::Bool, ALL),
    define("tls", Kind::Bool, TLS),
    define("tls-verify", Kind::Bool, TLS),
    define("tls-key", Kind::Text, TLS),
    define("tls-cert", Kind::Text, TLS),
    define("tls-ca-cert", Kind::Text, TLS),
    define("experimental-release", Kind::Bool, STANDARD),
    define("history-max", Kind::Integer, HISTORY),
    define("version", Kind::Bool, VERSION),
    define("probe-listen", Kind::Text, SQL),
    define("sql-dialect", Kind::Text, SQL),
    define("sql-connection-string", Kind::Text, SQL),
    define("probe", Kind::Bool, PROBE),
    define("logtostderr", Kind::Bool, LOGGING),
    define("alsologtostderr", Kind::Bool, LOGGING),
    define("v", Kind::Level, LOGGING),
    define("stderrthreshold", Kind::Severity, LOGGING),
    define("vmodule", Kind::Modules, LOGGING),
    define("log_backtrace_at", Kind::Location, LOGGING),
    define("log_dir", Kind::Text, LOGGING),
    define("log_file", Kind::Text, KLOG),
    define("skip_headers", Kind::Bool, KLOG),
    define("skip_log_headers", Kind::Bool, KLOG_LATER),
    define("log_file_max_size", Kind::Unsigned, KLOG_LATER),
    define("add_dir_header", Kind::Bool, KLOG_LAST),
];

const fn define(
    name: &'static str,
    kind: Kind,
    releases: &'static [RangeInclusive<Version>],
) -> Definition {
    Definition {
        name,
        kind,
        releases,
    }
}

/// The flag of a name, where the version has it. Names are case-sensitive and never abbreviated.
pub(super) fn find(name: &str, version: Version) -> Option<&'static Definition> {
    DEFINITIONS.iter().find(|definition| {
        definition.name == name
            && definition
                .releases
                .iter()
                .any(|range| range.contains(&version))
    })
}
