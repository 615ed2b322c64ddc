//! Tiller's versions, and what each of them brought.

use std::fmt;
use std::str::FromStr;

use super::text::split_once;

/// A released version of Tiller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Always 2.
    pub major: u16,
    /// The minor version.
    pub minor: u16,
    /// The patch version.
    pub patch: u16,
}

/// Why a text names no released version of Tiller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// A tag that is given to one build after the other.
    #[error("its tag moves from build to build")]
    Moving,
    /// Not `MAJOR.MINOR.PATCH`.
    #[error("its tag is not of the form v2.17.0")]
    Syntax,
    /// Tiller is a part of Helm 2 only.
    #[error("its tag is not of Helm 2")]
    Major,
    /// A build from before the release that it is named after, or from between two releases.
    #[error("its tag names a build that is not a release")]
    PreRelease,
    /// Later than the last release.
    #[error("its tag is later than 2.17.0, the last of Helm 2")]
    NeverReleased,
}

/// The first or last version of each behaviour that changed.
///
/// Source: `cmd/tiller/tiller.go` and `rootfs/Dockerfile` at the tags of each minor version.
pub(super) mod gate {
    use super::Version;

    /// The first release.
    pub(crate) const FIRST: Version = Version::of(2, 0, 0);
    /// The last release.
    pub(crate) const LAST: Version = Version::of(2, 17, 0);

    /// `TILLER_NAMESPACE` is read; before, records are in `kube-system`. A command line that cannot be
    /// read ends Tiller with exit code 1; before, with 0.
    pub(crate) const NAMESPACE: Version = Version::of(2, 2, 0);
    /// The TLS flags and variables.
    pub(crate) const TLS: Version = Version::of(2, 3, 0);
    /// `--tls-verify` asks for a certificate and takes a client without one…
    pub(crate) const VERIFY_IF_GIVEN: Version = Version::of(2, 4, 0);
    /// …until it demands one again.
    pub(crate) const VERIFY_REQUIRED: Version = Version::of(2, 7, 2);
    /// Go's package `flag` reads the command line; before, cobra. `--experimental-release`, and glog's
    /// flags.
    pub(crate) const STANDARD_FLAGS: Version = Version::of(2, 5, 0);
    /// `--storage=secret` and `--history-max`.
    pub(crate) const SECRET_STORAGE: Version = Version::of(2, 7, 0);
    /// `--version`.
    pub(crate) const VERSION_FLAG: Version = Version::of(2, 8, 0);
    /// The image has an `ENTRYPOINT`; before, only a `CMD`.
    pub(crate) const ENTRYPOINT: Version = Version::of(2, 10, 0);
    /// The last version with glog's flags.
    pub(crate) const LAST_GLOG: Version = Version::of(2, 12, 3);
    /// klog's flags; 2.13.0 links klog and registers none.
    pub(crate) const KLOG: Version = Version::of(2, 13, 1);
    /// `--probe-listen`, `--storage=sql` and its flags.
    pub(crate) const SQL_STORAGE: Version = Version::of(2, 14, 0);
    /// `--probe`, and the flags of klog 0.3.1.
    pub(crate) const PROBE: Version = Version::of(2, 15, 0);
    /// The flags of klog 0.4.0.
    pub(crate) const KLOG_DIRECTORY_HEADER: Version = Version::of(2, 16, 0);
}

// === impl Version ===

impl Version {
    /// A version by its parts.
    pub const fn of(major: u16, minor: u16, patch: u16) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads an image tag: `v2.17.0`, `2.17.0`, or either with a suffix.
    ///
    /// Mirrors add the platform or their own build to the tag (`v2.14.3-arm`, `v2.12.3-icp-3.2.0`) and
    /// hold that release. A suffix that semantic versions use for what comes before a release
    /// (`-rc.1`), or that `git describe` prints (`-3-g1a2b3c4`), is of no release.
    pub fn from_tag(tag: &str) -> Result<Self, VersionError> {
        if matches!(tag, "latest" | "canary") {
            return Err(VersionError::Moving);
        }
        match split_once(tag, b'-') {
            None => tag.parse(),
            Some((release, suffix)) => {
                let version = release.parse()?;
                if suffix.split(['-', '.', '_']).any(is_pre_release) {
                    Err(VersionError::PreRelease)
                } else {
                    Ok(version)
                }
            }
        }
    }
}

impl FromStr for Version {
    type Err = VersionError;

    /// Reads `2.17.0` and `v2.17.0`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let version = parts(text.strip_prefix('v').unwrap_or(text)).ok_or(VersionError::Syntax)?;
        if version.major != gate::FIRST.major {
            Err(VersionError::Major)
        } else if version > gate::LAST {
            Err(VersionError::NeverReleased)
        } else {
            Ok(version)
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
        } = self;
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

/// Three numbers with dots between.
fn parts(text: &str) -> Option<Version> {
    let (major, rest) = split_once(text, b'.')?;
    let (minor, patch) = split_once(rest, b'.')?;
    Some(Version::of(number(major)?, number(minor)?, number(patch)?))
}

/// A number as semantic versions write it: digits, without sign and leading zeros.
fn number(text: &str) -> Option<u16> {
    match text.as_bytes() {
        [b'0'] | [b'1'..=b'9', ..] => text.parse().ok(),
        _ => None,
    }
}

/// Whether a part of a tag's suffix says that the build is no release: `rc`, `rc1`, `g1a2b3c4`.
fn is_pre_release(part: &str) -> bool {
    let word = part.trim_end_matches(|end: char| end.is_ascii_digit());
    let names_stage = [
        "rc",
        "alpha",
        "beta",
        "a",
        "b",
        "pre",
        "preview",
        "prerelease",
        "dev",
        "snapshot",
        "nightly",
        "experimental",
        "edge",
        "master",
        "main",
        "canary",
        "git",
        "sha",
        "unstable",
    ]
    .iter()
    .any(|stage| stage.eq_ignore_ascii_case(word));
    let names_commit = part
        .strip_prefix('g')
        .is_some_and(|hash| hash.len() >= 7 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
    names_stage || names_commit
}
