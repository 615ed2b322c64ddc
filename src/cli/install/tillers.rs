//! What an enforcing policy would do to the Tillers in the cluster.

use std::io::{self, Write};

use serde_json::json;

use crate::cli::policy_options::now;
use crate::cluster::{Cluster, tillers};
use crate::manifest::{ManifestObject, Stream};
use crate::offline::Judging;
use crate::offline::judge::{Judgement, judge};
use crate::offline::learn::knowing;
use crate::policy::{Action, Finding, Knowledge, Mode, Policy};

/// What enforcement would do to the Tillers of a cluster.
#[derive(Debug, Default)]
pub(in crate::cli) struct Prospects {
    /// The mode that refuses.
    mode: Option<Mode>,
    tillers: Vec<Prospect>,
}

/// What enforcement would do to one Tiller.
#[derive(Debug)]
struct Prospect {
    /// Its kind, namespace and name.
    object: String,
    fate: Fate,
    /// The rules that decide this.
    rules: Vec<&'static str>,
}

/// What happens to a Tiller if it is applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Refused,
    Hardened,
    Allowed,
}

// === impl Prospects ===

impl Prospects {
    /// Judges the Tillers of the cluster by a policy. A policy that only reports counts as enforcing.
    pub(in crate::cli) async fn of(
        cluster: &Cluster,
        namespace: &str,
        policy: Policy,
    ) -> anyhow::Result<Self> {
        let found = tillers(cluster, namespace).await?;
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": found }).to_string();
        let stream = Stream::new("the cluster", list.into_bytes());
        let Policy {
            settings,
            mut modes,
            break_glass: _,
        } = policy;
        if matches!(modes.default, Mode::Audit | Mode::Warn) {
            modes.default = Mode::Enforce;
        }
        let mode = Some(modes.default);
        let judging = Judging {
            settings,
            modes,
            now: now(),
            namespace: None,
            knowledge: Knowledge::default(),
        };
        let judging = knowing(judging, &[&stream]);
        let objects: Vec<ManifestObject> = stream
            .documents()
            .flat_map(|document| document.objects())
            .flatten()
            .collect();
        let mut tillers: Vec<Prospect> = objects
            .iter()
            .filter_map(|object| Prospect::of(object, &judging))
            .collect();
        tillers.sort_by(|one, other| (one.fate, &one.object).cmp(&(other.fate, &other.object)));
        Ok(Self { mode, tillers })
    }

    /// Whether there are no Tillers.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.tillers.is_empty()
    }

    /// One line for each Tiller, after one for all.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let Self { mode, tillers } = self;
        if tillers.is_empty() {
            return Vec::new();
        }
        let count = match tillers.len() {
            1 => "1 Tiller".to_owned(),
            count => format!("{count} Tillers"),
        };
        let mode = mode.unwrap_or_default().as_str();
        let mut lines = vec![format!("found {count}; with mode {mode}:")];
        lines.extend(tillers.iter().map(Prospect::line));
        lines
    }

    /// Writes the lines.
    pub(super) fn tell(&self, mut out: impl Write) -> io::Result<()> {
        for line in self.lines() {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

// === impl Prospect ===

impl Prospect {
    /// `None` if the object carries no Tiller. An object that cannot be judged is refused.
    fn of(object: &ManifestObject, judging: &Judging) -> Option<Self> {
        let ManifestObject {
            kind,
            namespace,
            name,
            ..
        } = object;
        let object_name = match namespace {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        };
        let (fate, findings) = match judge(object, judging) {
            Ok(Judgement { tillers, .. }) if tillers.is_empty() => return None,
            Ok(judgement) => fate(judgement.findings),
            Err(_) => (Fate::Refused, Vec::new()),
        };
        let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule.id).collect();
        rules.dedup();
        Some(Self {
            object: object_name,
            fate,
            rules,
        })
    }

    fn line(&self) -> String {
        let Self {
            object,
            fate,
            rules,
        } = self;
        let (rules, colon) = (rules.join(", "), if rules.is_empty() { "" } else { ": " });
        match fate {
            Fate::Refused => format!("  refused   {object}{colon}{rules}"),
            Fate::Hardened => format!(
                "  hardened  {object}{colon}{rules}; until it is written again, its pods are refused when they restart"
            ),
            Fate::Allowed => format!("  allowed   {object}"),
        }
    }
}

/// What happens to a Tiller, and the findings that decide it.
fn fate(findings: Vec<Finding>) -> (Fate, Vec<Finding>) {
    for (action, fate) in [
        (Action::Refuse, Fate::Refused),
        (Action::Harden, Fate::Hardened),
    ] {
        if findings.iter().any(|finding| finding.action == action) {
            let on_account = findings.into_iter().filter(|it| it.action == action);
            return (fate, on_account.collect());
        }
    }
    (Fate::Allowed, Vec::new())
}
