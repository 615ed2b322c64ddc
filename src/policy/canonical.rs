//! The one command line of a hardened Tiller.
//!
//! Every flag in it is known to each Tiller from 2.7.2 to 2.17.0; any other would make some version exit.

use std::borrow::Cow;

use crate::tiller::{Effective, Flag, Version};

/// The oldest Tiller that knows every flag of the canonical command line and means by it what it says.
pub(super) const OLDEST: Version = Version {
    major: 2,
    minor: 7,
    patch: 2,
};
/// The program, in every official image.
pub(super) const PROGRAM: &str = "/tiller";
/// Where the Secret with Tiller's certificates is mounted.
pub(super) const CERTIFICATE_DIRECTORY: &str = "/etc/certs";
/// The private key.
pub(super) const KEY: &str = "/etc/certs/tls.key";
/// The server's certificate.
pub(super) const CERTIFICATE: &str = "/etc/certs/tls.crt";
/// The certificates that clients are verified with.
pub(super) const CA_CERTIFICATE: &str = "/etc/certs/ca.crt";
/// The only directory that Tiller writes to.
pub(super) const SCRATCH_DIRECTORY: &str = "/tmp";
/// The user of official images from 2.13.0 on.
pub(super) const USER: i64 = 65534;

/// The arguments of the hardened Tiller that keeps what is legal in this configuration.
pub(super) fn arguments(effective: &Effective<'_>) -> Vec<Cow<'static, str>> {
    let listen = effective
        .listen
        .known()
        .map_or(":44134", |address| listen(address));
    let history_max = effective.history_max.known().copied().unwrap_or_default();
    let mut arguments: Vec<Cow<'static, str>> = vec![
        match listen {
            ":44134" => Cow::Borrowed("--listen=:44134"),
            _ => format!("--listen={listen}").into(),
        },
        "--storage=secret".into(),
        "--tls=true".into(),
        "--tls-verify=true".into(),
        "--tls-key=/etc/certs/tls.key".into(),
        "--tls-cert=/etc/certs/tls.crt".into(),
        "--tls-ca-cert=/etc/certs/ca.crt".into(),
        match history_max {
            0 => "--history-max=0".into(),
            _ => format!("--history-max={history_max}").into(),
        },
        "--trace=false".into(),
        "--experimental-release=false".into(),
    ];
    arguments.extend(
        effective
            .other_flags
            .iter()
            .filter_map(other)
            .map(Cow::Owned),
    );
    arguments
}

/// The address that a hardened Tiller listens on in place of this one: the same where it is one of those
/// that are allowed, else Tiller's port on the same side of the loopback border.
pub(super) fn listen(address: &str) -> &str {
    match address {
        ":44134" | "0.0.0.0:44134" | "127.0.0.1:44134" | "localhost:44134" | "[::1]:44134" => {
            address
        }
        _ if is_loopback(address) => "127.0.0.1:44134",
        _ => ":44134",
    }
}

/// The address that the probe server listens on in place of this one, by the same rule.
pub(super) fn probe_listen(address: &str) -> &str {
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
fn other(flag: &Flag<'_>) -> Option<String> {
    let value = match flag.name {
        // With releases in Secrets these only tell a database's password to whoever reads the manifest.
        "sql-dialect" | "sql-connection-string" => return None,
        "probe-listen" => probe_listen(&flag.value),
        _ => &flag.value,
    };
    Some(format!("--{}={}", flag.name, escape(value)))
}

/// The kubelet turns `$$` into `$`, and `$(NAME)` into a variable's value.
fn escape(value: &str) -> Cow<'_, str> {
    if value.contains('$') {
        value.replace('$', "$$").into()
    } else {
        value.into()
    }
}
