//! The Helm that a person has, and what it needs to use a bundle.

use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::finding::{Wrong, wrong};
use super::home::told;
use crate::provision::{Bundle, quoted};
use crate::tiller::Version;

/// The first Helm that reads `HELM_TLS_ENABLE` and the like.
///
/// Source: `pkg/helm/environment/environment.go`; 2.10.0 has the flags alone.
const READS_ENVIRONMENT: Version = Version {
    major: 2,
    minor: 11,
    patch: 0,
};
/// How long Helm may take to say its version to a check.
pub(super) const BRIEFLY: Duration = Duration::from_millis(600);
/// How long it may take where files are written for it.
pub(super) const PATIENTLY: Duration = Duration::from_secs(5);
/// By this line a wrapper is known, of whichever team.
const WRAPPER_LINE: &str =
    "# Made by tiller-guard configure: passes --tls to a Helm that ignores HELM_TLS_ENABLE.";
/// The folder of a bundle's wrapper.
pub(super) const PROGRAMS: &str = "bin";

/// The client that a person would use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HelmClient {
    /// There is no `helm` in `PATH`.
    Absent,
    /// A Helm 2.
    Helm2 {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
    /// It did not say what it is in time.
    Silent {
        /// The program.
        path: PathBuf,
        /// How long it had.
        patience: Duration,
    },
    /// Something else: a newer Helm, or one that does not say what it is.
    Other {
        /// The program.
        path: PathBuf,
        /// What it said.
        said: String,
    },
}

// === impl HelmClient ===

impl HelmClient {
    /// Asks the given program, or the first `helm` in `PATH` that is no wrapper of ours.
    pub(super) fn find(given: Option<&Path>, patience: Duration) -> Self {
        let path = match given {
            Some(path) => Some(path.to_owned()),
            None => in_path(),
        };
        path.map_or(Self::Absent, |path| Self::ask(path, patience))
    }

    fn ask(path: PathBuf, patience: Duration) -> Self {
        let said = match version_of(&path, patience) {
            Said::Line(said) => said,
            Said::Nothing => String::new(),
            Said::TooLate => return Self::Silent { path, patience },
        };
        let number = said
            .strip_prefix("Client: ")
            .and_then(|text| text.split('+').next());
        match number.and_then(|text| Version::from_tag(text).ok()) {
            Some(version) => Self::Helm2 { path, version },
            None => Self::Other { path, said },
        }
    }

    /// The wrapper for a Helm that does not read the settings of `env`, or may not.
    pub(super) fn wrapper(&self, home: &str) -> Option<String> {
        match self {
            Self::Helm2 { path, version } if *version < READS_ENVIRONMENT => {
                Some(wrapper(&path.to_string_lossy(), home))
            }
            Self::Silent { path, .. } => Some(wrapper(&path.to_string_lossy(), home)),
            Self::Absent | Self::Helm2 { .. } | Self::Other { .. } => None,
        }
    }

    /// Whether this client can speak to that Tiller with the bundle in the folder: one with a newer minor version refuses to.
    pub(super) fn usable_for(
        &self,
        tiller: Option<Version>,
        folder: &Path,
        again: &str,
    ) -> Result<String, Wrong> {
        let (version, path) = match self {
            Self::Helm2 { version, path } => (version, path.display()),
            unknown => return Err(unknown.unusable()),
        };
        if let Some(tiller) = tiller.filter(|tiller| version.minor > tiller.minor) {
            return Err(wrong(
                format!("Helm {version} is newer than Tiller {tiller}, and refuses it"),
                format!("use Helm {tiller}"),
            ));
        }
        if *version < READS_ENVIRONMENT && !is_wrapped(folder) {
            let message = format!(
                "Helm {version} ignores HELM_TLS_ENABLE, and the first helm in PATH is not the wrapper of this folder"
            );
            let wrapper = folder.join(PROGRAMS).join("helm");
            let sources = format!(
                ". {}",
                quoted(&folder.join(Bundle::ENVIRONMENT).to_string_lossy())
            );
            let remedy = if is_wrapper(&wrapper) {
                format!("run: {sources}")
            } else {
                format!("run: {again}; then: {sources}")
            };
            return Err(wrong(message, remedy));
        }
        Ok(match tiller {
            Some(tiller) => format!("{path} is Helm {version}, for Tiller {tiller}"),
            None => format!("{path} is Helm {version}"),
        })
    }

    fn unusable(&self) -> Wrong {
        const PASS: &str = "install Helm 2, or pass its path with --helm";
        match self {
            Self::Silent { path, patience } => wrong(
                format!(
                    "{} did not say its version within {} ms",
                    path.display(),
                    patience.as_millis()
                ),
                "run: helm version --client; if that prints one, all is well",
            ),
            Self::Other { path, said } => wrong(
                format!(
                    "{} is not Helm 2{}, and only Helm 2 uses Tiller",
                    path.display(),
                    told(said)
                ),
                PASS,
            ),
            Self::Absent | Self::Helm2 { .. } => wrong("there is no helm in PATH", PASS),
        }
    }
}

/// Whether a shell that sourced `env` finds the wrapper of this folder first.
fn is_wrapped(folder: &Path) -> bool {
    let folders = env::var_os("PATH").unwrap_or_default();
    let first = env::split_paths(&folders)
        .map(|it| it.join("helm"))
        .find(|it| it.is_file());
    let wrapper = folder.join(PROGRAMS).join("helm");
    first.is_some_and(|first| is_wrapper(&first) && first == wrapper)
}

fn in_path() -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join("helm"))
        .find(|path| path.is_file() && !is_wrapper(path))
        .and_then(|path| fs::canonicalize(path).ok())
}

/// Whether this is a wrapper, which would call itself.
fn is_wrapper(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(256).read_to_end(&mut start));
    read.is_ok() && String::from_utf8_lossy(&start).contains(WRAPPER_LINE)
}

/// What a program says of its version.
enum Said {
    /// Its first line: `Client: v2.9.1+g20adb27`.
    Line(String),
    /// It cannot be run, or its output not read.
    Nothing,
    /// It had not ended in time.
    TooLate,
}

fn version_of(path: &Path, patience: Duration) -> Said {
    let started = Command::new(path)
        .args(["version", "--client", "--short"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = started else {
        return Said::Nothing;
    };
    let begin = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if begin.elapsed() < patience => sleep(Duration::from_millis(5)),
            ended => {
                child.kill().ok();
                child.wait().ok();
                return ended.map_or(Said::Nothing, |_| Said::TooLate);
            }
        }
    }
    let mut said = String::new();
    let read = child
        .stdout
        .take()
        .map(|output| output.take(1024).read_to_string(&mut said));
    match read {
        Some(Ok(_)) => Said::Line(said.lines().next().unwrap_or_default().trim().to_owned()),
        _ => Said::Nothing,
    }
}

/// A program that calls Helm with the flags in place of the settings, for the commands that know these flags.
/// Before the command Helm takes a flag only with `=`.
fn wrapper(helm: &str, home: &str) -> String {
    let helm = quoted(helm);
    let file = |name: &str| quoted(&format!("{home}/{name}"));
    let [ca, certificate, key] = Bundle::NAMES.map(file);
    format!(
        "#!/bin/sh\n\
         {WRAPPER_LINE}\n\
         skip=\n\
         for word do\n\
         \x20 if [ -n \"$skip\" ]; then skip=; continue; fi\n\
         \x20 case $word in\n\
         \x20   --home|--host|--kube-context|--tiller-namespace|--tiller-connection-timeout) skip=yes ;;\n\
         \x20   -*) ;;\n\
         \x20   delete|del|get|history|hist|install|list|ls|reset|rollback|status|test|upgrade|version)\n\
         \x20     exec {helm} --tls=true --tls-verify=true --tls-ca-cert={ca} --tls-cert={certificate} --tls-key={key} \"$@\" ;;\n\
         \x20   *) break ;;\n\
         \x20 esac\n\
         done\n\
         exec {helm} \"$@\"\n"
    )
}
