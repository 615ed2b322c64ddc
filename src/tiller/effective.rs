//! The configuration that a Tiller runs with.

use std::borrow::Cow;

use super::environment::{Environment, HISTORY_MAX, TLS_CERTS, TLS_ENABLE, TLS_VERIFY};
use super::flags::{CommandLine, Name, ParsedLine, parse_integer};
use super::path::join;
use super::start::{client_verification, start};
use super::version::gate;
use super::{Flag, ImageReference, Launch, Setting, Unknown, Version, launch};
use crate::pod::Container;

/// A Tiller container, read.
///
/// Where the version is unknown, all else is what Tiller 2.17.0 would make of it: good to tell people
/// what a manifest means to do, and no proof of what it does. An earlier Tiller may exit for a flag that
/// is taken here, keep records in memory for `--storage=secret`, or let in clients without certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiller<'a> {
    /// The version, from the image's tag.
    pub version: Setting<Version>,
    /// The words that start the process, or why they are not known.
    pub launch: Setting<Launch<'a>>,
    /// Whether Tiller starts on that command line.
    pub start: Setting<Start>,
    /// What it then runs with.
    pub effective: Effective<'a>,
}

/// What a Tiller container is read with beside itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Surroundings<'a> {
    /// The pod's namespace, where the manifest tells it.
    pub namespace: Option<&'a str>,
    /// The version that the image is known to hold, where its reference does not tell it.
    pub version: Option<Version>,
}

/// Whether a Tiller starts on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// It serves, unless for something that the manifest does not tell: a file in a volume, a name
    /// server, an address of the machine's, the API server.
    Serves,
    /// It exits at once.
    Exits {
        /// The process' exit code.
        code: u8,
        /// What Tiller prints, or its beginning.
        reason: String,
    },
}

/// The configuration that a Tiller runs with.
///
/// What a version has no flag for has the value that is fixed in it. The settings of a Tiller that exits
/// for its command line are [`Unknown::Exits`], except for the namespace, which no flag sets; those of
/// one that exits later are what it would have served with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective<'a> {
    /// Where releases are recorded.
    pub storage: Setting<Storage>,
    /// The address of the gRPC server, as given to Go's `net.Listen`.
    pub listen: Setting<Cow<'a, str>>,
    /// The address of the probe server, as given; fixed before 2.14.0.
    pub probe_listen: Setting<Cow<'a, str>>,
    /// The namespace of the release records.
    pub namespace: Setting<Cow<'a, str>>,
    /// How many revisions of a release are kept; zero and less is all.
    pub history_max: Setting<i64>,
    /// Whether the unauthenticated debug server on port 44136 runs.
    pub trace: Setting<bool>,
    /// Whether release actions go to a plaintext server on port 10001.
    pub experimental_release: Setting<bool>,
    /// Transport security of the gRPC server.
    pub tls: Tls<'a>,
    /// The flags given that are none of the guarded ones (see [`Flag::is_guarded`]), in order, the last
    /// of each name only. Where Tiller exits for a flag, those before it.
    pub other_flags: Vec<Flag<'a>>,
}

/// Transport security of Tiller's gRPC server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls<'a> {
    /// Whether it speaks TLS: `--tls` or `--tls-verify`.
    pub enabled: Setting<bool>,
    /// Whether clients must prove who they are.
    pub verify: Setting<ClientVerification>,
    /// The private key's path, as given or as Tiller derives it: relative to the working directory
    /// unless it begins with a slash. Empty before 2.3.0, as are the other two.
    pub key: Setting<Cow<'a, str>>,
    /// The certificate's path.
    pub cert: Setting<Cow<'a, str>>,
    /// The path of the CA certificates that client certificates are verified with; empty means the
    /// system's.
    pub ca: Setting<Cow<'a, str>>,
}

/// What Tiller asks of a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientVerification {
    /// Nothing.
    Off,
    /// A certificate is verified if the client sends one, and none is needed: 2.4.0 to 2.7.1.
    IfGiven,
    /// A certificate of the CA's is required.
    Required,
}

/// Where Tiller records releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// `ConfigMap`s in Tiller's namespace.
    ConfigMap,
    /// Secrets in Tiller's namespace (2.7.0 and later).
    Secret,
    /// The process' memory: also what every unknown value means.
    Memory,
    /// A `PostgreSQL` database (2.14.0 and later).
    Sql,
}

// === impl Storage ===

impl Storage {
    /// The value of `--storage` that means it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "configmap",
            Self::Secret => "secret",
            Self::Memory => "memory",
            Self::Sql => "sql",
        }
    }
}

/// The address of the probe server where no flag changes it.
const PROBE_LISTEN: &str = ":44135";

// === impl Tiller ===

impl<'a> Tiller<'a> {
    /// Reads a container as Kubernetes, the image and Tiller would.
    pub fn read(container: &'a Container<'a>, surroundings: Surroundings<'a>) -> Self {
        let image = ImageReference::parse(container.image.as_str());
        let version = match surroundings.version {
            Some(version) => Setting::Known(version),
            None => image.version(),
        };
        let reader = SettingsReader {
            version: version.known().copied().unwrap_or(gate::LAST),
            environment: Environment {
                container,
                surroundings,
            },
        };
        let (program, arguments) = match launch::words(container, &image, &version) {
            Setting::Known(words) => words,
            Setting::Unknown(reason) => {
                return Self {
                    version,
                    launch: Setting::Unknown(reason.clone()),
                    start: Setting::Unknown(reason.clone()),
                    effective: reader.unread(&reason, Vec::new()),
                };
            }
        };

        let line = CommandLine::read(&arguments, reader.version);
        let effective = match line.outcome {
            ParsedLine::Starts => reader.effective(&line),
            ParsedLine::PrintsVersion | ParsedLine::Exits { .. } => {
                reader.unread(&Unknown::Exits, line.others())
            }
        };
        let start = start(&line, &effective, container, &version);
        let ignored = arguments.len().saturating_sub(line.ignored);
        Self {
            version,
            start: Setting::Known(start),
            effective,
            launch: Setting::Known(Launch {
                program,
                ignored: arguments.get(ignored..).unwrap_or_default().to_vec(),
                arguments,
            }),
        }
    }
}

/// What settings are read with beside the command line.
struct SettingsReader<'a> {
    version: Version,
    environment: Environment<'a>,
}

// === impl SettingsReader ===

impl<'a> SettingsReader<'a> {
    /// The settings of a Tiller that starts with a command line.
    fn effective(&self, line: &CommandLine<'a>) -> Effective<'a> {
        let text = |name, default: &'static str| {
            let given = line.value(name).cloned();
            Setting::Known(given.unwrap_or(Cow::Borrowed(default)))
        };
        let switch = |name| Setting::Known(line.switch(name).unwrap_or(false));
        Effective {
            storage: Setting::Known(self.storage(line)),
            listen: text(Name::Listen, ":44134"),
            probe_listen: text(Name::ProbeListen, PROBE_LISTEN),
            namespace: self.namespace(),
            history_max: self.history_max(line),
            trace: switch(Name::Trace),
            experimental_release: switch(Name::ExperimentalRelease),
            tls: self.tls(line),
            other_flags: line.others(),
        }
    }

    /// The settings of a Tiller whose command line tells none, for a reason.
    fn unread(&self, reason: &Unknown, other_flags: Vec<Flag<'a>>) -> Effective<'a> {
        Effective {
            storage: Setting::Unknown(reason.clone()),
            listen: Setting::Unknown(reason.clone()),
            probe_listen: Setting::Unknown(reason.clone()),
            namespace: self.namespace(),
            history_max: Setting::Unknown(reason.clone()),
            trace: Setting::Unknown(reason.clone()),
            experimental_release: Setting::Unknown(reason.clone()),
            tls: Tls {
                enabled: Setting::Unknown(reason.clone()),
                verify: Setting::Unknown(reason.clone()),
                key: Setting::Unknown(reason.clone()),
                cert: Setting::Unknown(reason.clone()),
                ca: Setting::Unknown(reason.clone()),
            },
            other_flags,
        }
    }

    /// The environment starts out with the memory driver and `main` has no case for other values.
    fn storage(&self, line: &CommandLine<'a>) -> Storage {
        match line.value(Name::Storage).map(AsRef::as_ref) {
            None | Some("configmap") => Storage::ConfigMap,
            Some("secret") if self.version >= gate::SECRET_STORAGE => Storage::Secret,
            Some("sql") if self.version >= gate::SQL_STORAGE => Storage::Sql,
            Some(_) => Storage::Memory,
        }
    }

    fn namespace(&self) -> Setting<Cow<'a, str>> {
        if self.version < gate::NAMESPACE {
            Setting::Known("kube-system".into())
        } else {
            self.environment.namespace()
        }
    }

    fn history_max(&self, line: &CommandLine<'a>) -> Setting<i64> {
        if self.version < gate::SECRET_STORAGE {
            return Setting::Known(0);
        }
        match line.value(Name::HistoryMax) {
            Some(value) => Setting::Known(parse_integer(value).unwrap_or(0)),
            // Tiller logs a value that `strconv.Atoi` does not take, and goes on with 0.
            None => self
                .environment
                .variable(HISTORY_MAX)
                .map(|value| value.parse().unwrap_or(0)),
        }
    }

    fn tls(&self, line: &CommandLine<'a>) -> Tls<'a> {
        if self.version < gate::TLS {
            return Tls {
                enabled: Setting::Known(false),
                verify: Setting::Known(ClientVerification::Off),
                key: Setting::Known("".into()),
                cert: Setting::Known("".into()),
                ca: Setting::Known("".into()),
            };
        }
        // Any value is on, `0` and `false` included.
        let switch = |flag, variable| match line.switch(flag) {
            Some(value) => Setting::Known(value),
            None => self
                .environment
                .variable(variable)
                .map(|value| !value.is_empty()),
        };
        let path = |flag, file| match line.value(flag) {
            Some(path) => Setting::Known(path.clone()),
            None => self
                .environment
                .variable(TLS_CERTS)
                .map(|directory| match &*directory {
                    "" => Cow::Borrowed(file),
                    directory => Cow::Owned(join(directory, file)),
                }),
        };
        let verify = switch(Name::TlsVerify, TLS_VERIFY);
        Tls {
            enabled: either(switch(Name::Tls, TLS_ENABLE), &verify),
            verify: verify.map(|verifies| {
                if verifies {
                    client_verification(self.version)
                } else {
                    ClientVerification::Off
                }
            }),
            key: path(Name::TlsKey, "tls.key"),
            cert: path(Name::TlsCert, "tls.crt"),
            ca: path(Name::TlsCaCert, "ca.crt"),
        }
    }
}

/// Whether one of two is on: known as soon as one is known to be.
fn either(one: Setting<bool>, other: &Setting<bool>) -> Setting<bool> {
    match (one, other) {
        (Setting::Known(true), _) | (_, Setting::Known(true)) => Setting::Known(true),
        (Setting::Known(false), other) => other.clone(),
        (unknown @ Setting::Unknown(_), _) => unknown,
    }
}
