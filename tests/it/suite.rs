//! What the API server under test has, and what cannot be tried without it.

use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::thread;

use kube::api::{Api, DeleteParams, DynamicObject, PostParams, Preconditions, PropagationPolicy};

/// The API server's version: `(1, 20)`.
pub(crate) type Version = (u16, u16);

/// What API servers have from some Kubernetes 1.x on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Feature {
    /// Requests that store nothing.
    DryRun,
    /// Server-side apply.
    Apply,
    /// A webhook's port other than 443 of its Service.
    ServicePort,
    /// Ephemeral containers.
    EphemeralContainers,
    /// `apiextensions.k8s.io/v1`.
    Definitions,
    /// Warnings in answers.
    Warnings,
    /// `seccompProfile`.
    SeccompField,
    /// Webhooks for connections, which break none.
    Connections,
    /// Events about a namespace in that namespace.
    EventsOfNamespaces,
    /// Refusals by mutating webhooks that come as they were given, and not as internal errors.
    MutatingRefusals,
    /// Telling who asks.
    WhoAmI,
}

// === impl Feature ===

impl Feature {
    fn since(self) -> u16 {
        match self {
            Self::EventsOfNamespaces => 11,
            Self::Connections => 12,
            Self::DryRun => 13,
            Self::MutatingRefusals => 14,
            Self::ServicePort => 15,
            Self::Apply | Self::EphemeralContainers | Self::Definitions => 16,
            Self::Warnings | Self::SeccompField => 19,
            Self::WhoAmI => 28,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::WhoAmI => "self subject reviews",
            Self::DryRun => "dry run",
            Self::Apply => "server-side apply",
            Self::ServicePort => "port of a webhook's Service",
            Self::EphemeralContainers => "ephemeral containers",
            Self::Definitions => "apiextensions.k8s.io/v1",
            Self::Warnings => "warnings",
            Self::SeccompField => "field seccompProfile",
            Self::Connections => "webhooks for connections",
            Self::EventsOfNamespaces => "events about a namespace in that namespace",
            Self::MutatingRefusals => "refusals by mutating webhooks as they were given",
        }
    }

    /// Whether a server has it.
    pub(crate) fn is_in(self, version: Version) -> bool {
        version >= (1, self.since())
    }

    /// Whether a server lacks it: the test that asks is then skipped.
    pub(crate) fn is_missing(self, version: Version) -> bool {
        let missing = !self.is_in(version);
        if missing {
            let (name, since) = (self.name(), self.since());
            skip(&format!("no {name} before Kubernetes 1.{since}"));
        }
        missing
    }
}

/// Counts the test that runs as skipped, for a reason; `make test` tells of all of them at its end.
#[expect(
    clippy::print_stderr,
    reason = "who runs one test alone is to see it too"
)]
pub(crate) fn skip(reason: &str) {
    let thread = thread::current();
    let line = format!("{}: {reason}\n", thread.name().unwrap_or("a test"));
    let told = env::var_os("TILLER_GUARD_SKIPPED").map(|path| {
        let file = OpenOptions::new().append(true).create(true).open(path);
        file.unwrap().write_all(line.as_bytes()).unwrap();
    });
    if told.is_none() {
        eprint!("skipped {line}");
    }
}

/// What an API server said of a webhook, in the words of the newer ones.
pub(crate) fn in_new_words(message: &str) -> String {
    // Up to Kubernetes 1.13.
    message.replace("failed calling admission webhook", "failed calling webhook")
}

/// Tries to create an object, of which nothing stays: by dry run, or it is deleted again at once.
pub(crate) async fn trial(
    version: Version,
    api: &Api<DynamicObject>,
    object: &DynamicObject,
) -> kube::Result<DynamicObject> {
    let dry_run = Feature::DryRun.is_in(version);
    let parameters = PostParams {
        dry_run,
        ..PostParams::default()
    };
    let created = api.create(&parameters, object).await?;
    if let (false, Some(name)) = (dry_run, &created.metadata.name) {
        let now = DeleteParams {
            grace_period_seconds: Some(0),
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Some(Preconditions {
                uid: created.metadata.uid.clone(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        api.delete(name, &now).await?;
    }
    Ok(created)
}
