//! The one command line of a hardened Tiller.
//!
//! Every flag in it is known to each Tiller from 2.7.2 to 2.17.0; any other would make some version exit.

use std::borrow::Cow;

use crate::policy::case::Case;
use crate::policy::finding::LaunchPart;
use crate::tiller::{ClientVerification, Effective, Flag, Storage, Version};

/// The oldest Tiller that knows every flag of the canonical command line and means by it what it says.
pub(in crate::policy) const OLDEST: Version = Version {
    major: 2,
    minor: 7,
    patch: 2,
};
/// The program, in every official image.
pub(in crate::policy) const PROGRAM: &str = "/tiller";
/// Where the Secret with Tiller's certificates is mounted.
pub(in crate::policy) const CERTIFICATE_DIRECTORY: &str = "/etc/certs";
/// The private key.
pub(in crate::policy) const KEY: &str = "/etc/certs/tls.key";
/// The server's certificate.
pub(in crate::policy) const CERTIFICATE: &str = "/etc/certs/tls.crt";
/// The certificates that clients are verified with.
pub(in crate::policy) const CA_CERTIFICATE: &str = "/etc/certs/ca.crt";
/// The only directory that Tiller writes to.
pub(in crate::policy) const SCRATCH_DIRECTORY: &str = "/tmp";
/// The user of official images from 2.13.0 on.
pub(in crate::policy) const USER: i64 = 65534;
/// The highest verbosity at which Tiller's Kubernetes client logs no request.
pub(in crate::policy) const VERBOSITY: i64 = 4;
/// Flags for verbosity by source file, and for where a stack is logged.
pub(in crate::policy) const BY_FILE: [&str; 2] = ["vmodule", "log_backtrace_at"];
/// Flags that say where a log file is, and how large.
pub(in crate::policy) const LOG_FILES: [&str; 3] = ["log_dir", "log_file", "log_file_max_size"];

/// The arguments of the hardened Tiller that keeps what is legal in this configuration, what an exception lets it
/// keep, and a storage that releases would be hidden without.
pub(in crate::policy) fn arguments(
    case: &Case<'_>,
    effective: &Effective<'_>,
) -> Vec<Cow<'static, str>> {
    let kept = |part| case.exemptions.keep(part);
    let keeps_storage = kept(LaunchPart::Storage) || case.holds_storage(effective);
    let Effective {
        storage,
        listen: address,
        probe_listen: _,
        namespace: _,
        history_max,
        trace,
        experimental_release,
        tls,
        other_flags,
    } = effective;
    let mut arguments = Vec::with_capacity(10 + other_flags.len());
    arguments.extend(if kept(LaunchPart::Listen) {
        keep("listen", address.known().map(AsRef::as_ref))
    } else {
        Some(match address.known().map_or(":44134", |it| listen(it)) {
            ":44134" => "--listen=:44134".into(),
            other => format!("--listen={other}").into(),
        })
    });
    arguments.extend(if keeps_storage {
        keep("storage", storage.known().map(|it| it.as_str()))
    } else {
        Some("--storage=secret".into())
    });
    arguments.extend(if kept(LaunchPart::Tls) {
        keep("tls", tls.enabled.known().map(|it| switch(*it)))
    } else {
        Some("--tls=true".into())
    });
    arguments.extend(if kept(LaunchPart::TlsVerify) {
        let verify = tls.verify.known();
        keep(
            "tls-verify",
            verify.map(|it| switch(*it != ClientVerification::Off)),
        )
    } else {
        Some("--tls-verify=true".into())
    });
    arguments.extend(
        if kept(LaunchPart::CertificatePaths) {
            [
                keep("tls-key", tls.key.known().map(AsRef::as_ref)),
                keep("tls-cert", tls.cert.known().map(AsRef::as_ref)),
                keep("tls-ca-cert", tls.ca.known().map(AsRef::as_ref)),
            ]
        } else {
            [
                Some("--tls-key=/etc/certs/tls.key".into()),
                Some("--tls-cert=/etc/certs/tls.crt".into()),
                Some("--tls-ca-cert=/etc/certs/ca.crt".into()),
            ]
        }
        .into_iter()
        .flatten(),
    );
    arguments.push(match history_max.known().copied().unwrap_or_default() {
        0 => "--history-max=0".into(),
        number => format!("--history-max={number}").into(),
    });
    arguments.extend(if kept(LaunchPart::Trace) {
        keep("trace", trace.known().map(|it| switch(*it)))
    } else {
        Some("--trace=false".into())
    });
    arguments.extend(if kept(LaunchPart::ExperimentalRelease) {
        let experimental = experimental_release.known();
        keep("experimental-release", experimental.map(|it| switch(*it)))
    } else {
        Some("--experimental-release=false".into())
    });
    let keeps_database = keeps_storage && storage.is(&Storage::Sql);
    let keeps_logging = kept(LaunchPart::Logging);
    let keeps_probe_listen = kept(LaunchPart::Listen);
    arguments.extend(other_flags.iter().filter_map(|flag| match flag.name {
        // With releases in Secrets these only tell a database's password to whoever reads the manifest.
        "sql-dialect" | "sql-connection-string" if !keeps_database => None,
        "probe-listen" if !keeps_probe_listen => Some(word(flag, probe_listen(&flag.value))),
        _ if keeps_logging => Some(word(flag, &flag.value)),
        _ => bounded(flag).map(|value| word(flag, &value)),
    }));
    arguments
}

/// A setting as it is. One that no flag sets and that is not known stays what the environment makes of it.
fn keep(name: &str, value: Option<&str>) -> Option<Cow<'static, str>> {
    value.map(|value| format!("--{name}={}", escape(value)).into())
}

fn switch(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

/// The address that a hardened Tiller listens on in place of this one: the same where it is one of those
/// that are allowed, else Tiller's port on the same side of the loopback border.
pub(in crate::policy) fn listen(address: &str) -> &str {
    match address {
        ":44134" | "0.0.0.0:44134" | "127.0.0.1:44134" | "localhost:44134" | "[::1]:44134" => {
            address
        }
        _ if is_loopback(address) => "127.0.0.1:44134",
        _ => ":44134",
    }
}

/// The address that the probe server listens on in place of this one, by the same rule.
pub(in crate::policy) fn probe_listen(address: &str) -> &str {
    match address {
        ":44135" | "0.0.0.0:44135" | "127.0.0.1:44135" | "localhost:44135" | "[::1]:44135" => {
            address
        }
        _ if is_loopback(address) => "127.0.0.1:44135",
        _ => ":44135",
    }
}

fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// A flag that the guard does not set itself, as it is kept.
fn word(flag: &Flag<'_>, value: &str) -> Cow<'static, str> {
    format!("--{}={}", flag.name, escape(value)).into()
}

/// The kubelet turns `$$` into `$`, and `$(NAME)` into a variable's value.
fn escape(value: &str) -> Cow<'_, str> {
    if value.contains('$') {
        value.replace('$', "$$").into()
    } else {
        value.into()
    }
}

/// The value that a hardened Tiller has of one of its other flags; nothing where it has no such flag.
fn bounded<'f>(flag: &'f Flag<'_>) -> Option<Cow<'f, str>> {
    match flag.name {
        "v" if is_verbose(&flag.value) => Some(Cow::Owned(VERBOSITY.to_string())),
        name if BY_FILE.contains(&name) || LOG_FILES.contains(&name) => None,
        _ => Some(Cow::Borrowed(&flag.value)),
    }
}

/// Whether a value of `--v` logs too much. Tiller exits for a value that is no number.
pub(in crate::policy) fn is_verbose(value: &str) -> bool {
    value.parse::<i64>().is_ok_and(|level| level > VERBOSITY)
}
