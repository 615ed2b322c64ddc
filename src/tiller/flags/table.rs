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
    /// Which one it is.
    pub(super) flag: Name,
    /// The name, without dashes.
    pub(super) name: &'static str,
    /// Which values it takes.
    pub(super) kind: Kind,
    /// The versions that have it.
    releases: &'static [RangeInclusive<Version>],
}

/// The flags of all versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::tiller) enum Name {
    Listen,
    Storage,
    Trace,
    Tls,
    TlsVerify,
    TlsKey,
    TlsCert,
    TlsCaCert,
    ExperimentalRelease,
    HistoryMax,
    Version,
    ProbeListen,
    SqlDialect,
    SqlConnectionString,
    Probe,
    LogToStderr,
    AlsoLogToStderr,
    Verbosity,
    StderrThreshold,
    VerbosityOfModules,
    LogBacktraceAt,
    LogDir,
    LogFile,
    SkipHeaders,
    SkipLogHeaders,
    LogFileMaxSize,
    AddDirHeader,
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

/// How many flags there are.
pub(super) const COUNT: usize = Name::AddDirHeader as usize + 1;

pub(super) static DEFINITIONS: [Definition; COUNT] = [
    define(Name::Listen, "listen", Kind::Text, ALL),
    define(Name::Storage, "storage", Kind::Text, ALL),
    define(Name::Trace, "trace", Kind::Bool, ALL),
    define(Name::Tls, "tls", Kind::Bool, TLS),
    define(Name::TlsVerify, "tls-verify", Kind::Bool, TLS),
    define(Name::TlsKey, "tls-key", Kind::Text, TLS),
    define(Name::TlsCert, "tls-cert", Kind::Text, TLS),
    define(Name::TlsCaCert, "tls-ca-cert", Kind::Text, TLS),
    define(
        Name::ExperimentalRelease,
        "experimental-release",
        Kind::Bool,
        STANDARD,
    ),
    define(Name::HistoryMax, "history-max", Kind::Integer, HISTORY),
    define(Name::Version, "version", Kind::Bool, VERSION),
    define(Name::ProbeListen, "probe-listen", Kind::Text, SQL),
    define(Name::SqlDialect, "sql-dialect", Kind::Text, SQL),
    define(
        Name::SqlConnectionString,
        "sql-connection-string",
        Kind::Text,
        SQL,
    ),
    define(Name::Probe, "probe", Kind::Bool, PROBE),
    define(Name::LogToStderr, "logtostderr", Kind::Bool, LOGGING),
    define(
        Name::AlsoLogToStderr,
        "alsologtostderr",
        Kind::Bool,
        LOGGING,
    ),
    define(Name::Verbosity, "v", Kind::Level, LOGGING),
    define(
        Name::StderrThreshold,
        "stderrthreshold",
        Kind::Severity,
        LOGGING,
    ),
    define(Name::VerbosityOfModules, "vmodule", Kind::Modules, LOGGING),
    define(
        Name::LogBacktraceAt,
        "log_backtrace_at",
        Kind::Location,
        LOGGING,
    ),
    define(Name::LogDir, "log_dir", Kind::Text, LOGGING),
    define(Name::LogFile, "log_file", Kind::Text, KLOG),
    define(Name::SkipHeaders, "skip_headers", Kind::Bool, KLOG),
    define(
        Name::SkipLogHeaders,
        "skip_log_headers",
        Kind::Bool,
        KLOG_LATER,
    ),
    define(
        Name::LogFileMaxSize,
        "log_file_max_size",
        Kind::Unsigned,
        KLOG_LATER,
    ),
    define(Name::AddDirHeader, "add_dir_header", Kind::Bool, KLOG_LAST),
];

const fn define(
    flag: Name,
    name: &'static str,
    kind: Kind,
    releases: &'static [RangeInclusive<Version>],
) -> Definition {
    Definition {
        flag,
        name,
        kind,
        releases,
    }
}

// === impl Name ===

impl Name {
    /// Whether the guard sets this flag itself: each Tiller from 2.7.2 on knows it.
    pub(super) fn is_guarded(self) -> bool {
        matches!(
            self,
            Self::Listen
                | Self::Storage
                | Self::Tls
                | Self::TlsVerify
                | Self::TlsKey
                | Self::TlsCert
                | Self::TlsCaCert
                | Self::HistoryMax
                | Self::Trace
                | Self::ExperimentalRelease
        )
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
