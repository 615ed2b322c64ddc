//! Addresses that Go's `net.Listen` refuses on any machine.
//!
//! Source: `src/net/ipsock.go`, `port.go`, `lookup.go` and `dnsclient.go` of Go.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::text::rsplit_once;

/// The services that Go knows by itself.
const SERVICES: [&str; 15] = [
    "domain",
    "ftp",
    "ftps",
    "gopher",
    "http",
    "https",
    "imap2",
    "imap3",
    "imaps",
    "pop3",
    "pop3s",
    "smtp",
    "ssh",
    "submissions",
    "telnet",
];

/// The error of `net.Listen("tcp", address)`, where the address alone decides it. The empty address is a
/// free port on all interfaces. A name that a resolver may know, and an address that the machine may not
/// have, are no errors here.
pub(super) fn listen_error(address: &str) -> Option<String> {
    // Nearly all listen on a port of all interfaces, by its number.
    let is_number = |port: &str| port.parse::<u16>().is_ok();
    if address.is_empty() || address.strip_prefix(':').is_some_and(is_number) {
        return None;
    }
    let error = match split_host_port(address) {
        Err(error) => Some(format!("address {address}: {error}")),
        Ok((host, port)) => port_error(port).or_else(|| host_error(host)),
    };
    error.map(|error| format!("listen tcp: {error}"))
}

/// `net.SplitHostPort`.
fn split_host_port(address: &str) -> Result<(&str, &str), &'static str> {
    const MISSING_PORT: &str = "missing port in address";
    const TOO_MANY_COLONS: &str = "too many colons in address";

    let (before, port) = rsplit_once(address, b':').ok_or(MISSING_PORT)?;
    let host = match address.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or("missing ']' in address")?;
            match after.strip_prefix(':') {
                None => return Err(MISSING_PORT),
                Some(rest) if rest.contains(':') => return Err(TOO_MANY_COLONS),
                Some(_) => host,
            }
        }
        None if before.contains(':') => return Err(TOO_MANY_COLONS),
        None => before,
    };
    let unbracketed = address.strip_prefix('[').unwrap_or(address);
    if unbracketed.contains('[') {
        return Err("unexpected '[' in address");
    }
    let after_host = address.strip_prefix('[').map_or(address, |_| port);
    if after_host.contains(']') {
        return Err("unexpected ']' in address");
    }
    Ok((host, port))
}

/// The error of `Resolver.LookupPort`. The image's `/etc/services` may name more services than Go does.
fn port_error(port: &str) -> Option<String> {
    let digits = port.strip_prefix(['+', '-']).unwrap_or(port);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let is_known = SERVICES
            .iter()
            .any(|service| service.eq_ignore_ascii_case(port));
        return (!is_known).then(|| format!("lookup tcp/{port}: unknown port"));
    }
    let number = digits.bytes().fold(0_u32, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(u32::from(digit - b'0'))
    });
    let is_negative = port.starts_with('-') && number > 0;
    (is_negative || number > u32::from(u16::MAX)).then(|| format!("address {port}: invalid port"))
}

/// The error of looking a host up that no resolver is asked for.
fn host_error(host: &str) -> Option<String> {
    let is_answerable = host.is_empty() || is_ipv4(host) || is_ipv6(host) || is_domain_name(host);
    (!is_answerable).then(|| format!("lookup {host}: no such host"))
}

/// An address with four decimal parts; Go before 1.17 reads `010` as ten.
fn is_ipv4(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok()
        || host.split('.').count() == 4
            && host.split('.').all(|part| {
                part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u8>().is_ok()
            })
}

/// An address with or without a zone.
fn is_ipv6(host: &str) -> bool {
    let address = match host.rsplit_once('%') {
        Some((address, zone)) if !zone.is_empty() => address,
        _ => host,
    };
    address.parse::<Ipv6Addr>().is_ok()
}

/// `isDomainName`: labels of letters, digits, `-` and `_`, not all of them digits.
fn is_domain_name(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let has_letter = name.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b'.'));
    let are_labels = name.split('.').all(|label| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    });
    name.len() <= 253 && has_letter && are_labels
}
