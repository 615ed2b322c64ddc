//! Whether a Tiller whose command line is read starts to serve.

use super::address::listen_error;
use super::flags::{CommandLine, Name, ParsedLine, quote};
use super::path::{clean, is_within, join};
use super::setting::excerpt;
use super::version::gate;
use super::{ClientVerification, Effective, Setting, Start, Tls, Version};
use crate::pod::Container;

/// Directories of the image with files or links that a certificate's path can lead through.
const REACHING: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/var"];
/// Directories of the image with CA certificates.
const TRUSTING: [&str; 2] = ["/etc", "/usr"];

/// What comes of the start, in the order in which Tiller fails: command line, certificates, listener,
/// probe listener.
pub(super) fn start(
    line: &CommandLine<'_>,
    effective: &Effective<'_>,
    container: &Container<'_>,
    version: &Setting<Version>,
) -> Start {
    match &line.outcome {
        ParsedLine::PrintsVersion => {
            return match version {
                Setting::Known(version) => exits(0, &format!("v{version}")),
                Setting::Unknown(_) => exits(0, "the version"),
            };
        }
        ParsedLine::Exits { code, reason } => return exits(*code, reason),
        ParsedLine::Starts => {}
    }
    if let Some(error) = certificate_error(&effective.tls, container) {
        return exits(
            1,
            &format!("Could not create server TLS configuration: {error}"),
        );
    }
    if let Some(error) = effective.listen.known().and_then(|to| listen_error(to)) {
        return exits(1, &format!("Server died: {error}"));
    }
    let probes = line.switch(Name::Probe).unwrap_or(true);
    let probe_listen = effective.probe_listen.known().filter(|_| probes);
    if let Some(error) = probe_listen.and_then(|to| listen_error(to)) {
        // `main` returns when the probe server ends.
        return exits(0, &format!("Probes server died: {error}"));
    }
    Start::Serves
}

fn exits(code: u8, reason: &str) -> Start {
    Start::Exits {
        code,
        reason: excerpt(reason),
    }
}

/// The error of loading the certificates, where the manifest alone decides it: TLS is on and nothing can
/// be at the path. Files that a volume or the image may hold are not judged.
fn certificate_error(tls: &Tls<'_>, container: &Container<'_>) -> Option<String> {
    let Tls {
        enabled,
        verify,
        key,
        cert,
        ca,
    } = tls;
    if !enabled.is(&true) {
        return None;
    }
    if let (Setting::Known(cert), Setting::Known(key)) = (cert, key) {
        // Go loads the certificate first.
        let missing = [cert, key]
            .into_iter()
            .find(|path| is_missing(path, container, &REACHING));
        if let Some(path) = missing {
            return Some(format!(
                "could not read x509 key pair (cert: {}, key: {}): can't load key pair from cert \
                 {cert} and key {key}: open {path}: no such file or directory",
                quote(cert),
                quote(key),
            ));
        }
    }
    let verifies = matches!(
        verify,
        Setting::Known(ClientVerification::IfGiven | ClientVerification::Required)
    );
    match ca {
        // An empty path is no path: client certificates are verified with the system's roots.
        Setting::Known(ca) if verifies && !ca.is_empty() => {
            let missing =
                is_missing(ca, container, &REACHING) && is_missing(ca, container, &TRUSTING);
            missing.then(|| format!("can't read CA file: {ca}"))
        }
        _ => None,
    }
}

/// Whether nothing can be at a path: it is empty, or relative and resolves to where neither a volume is
/// mounted nor the image has anything.
fn is_missing(path: &str, container: &Container<'_>, possible: &[&str]) -> bool {
    if path.is_empty() {
        return true;
    }
    let working_directory = match container.working_dir.as_str() {
        "" => "/",
        directory => directory,
    };
    if path.starts_with('/') || !working_directory.starts_with('/') {
        return false;
    }
    let resolved = join(working_directory, path);
    let is_mounted = container.volume_mounts.as_slice().iter().any(|mount| {
        let directory = format!("/{}", mount.mount_path.as_str());
        is_within(&resolved, &clean(&directory))
    });
    let is_possible = possible
        .iter()
        .any(|directory| is_within(&resolved, directory));
    !is_mounted && !is_possible
}

/// Whether, and how, `--tls-verify` of a version asks clients for certificates.
pub(super) fn client_verification(version: Version) -> ClientVerification {
    if (gate::VERIFY_IF_GIVEN..gate::VERIFY_REQUIRED).contains(&version) {
        ClientVerification::IfGiven
    } else {
        ClientVerification::Required
    }
}
