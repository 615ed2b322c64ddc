//! What an enforcing policy would do to the Tillers in the cluster.

use std::io::{self, Write};

use crate::audit::{AuditReport, AuditedTiller, Extent, ObjectName, Unseen};
use crate::cli::policy_options::now;
use crate::cluster::Cluster;
use crate::cluster::audit::audited;
use crate::policy::{Action, Mode, Policy};
use crate::report::title;

/// What enforcement would do to the Tillers of a cluster.
#[derive(Debug, Default)]
pub(in crate::cli) struct Prospects {
    /// The mode that refuses.
    mode: Mode,
    tillers: Vec<Prospect>,
    /// What could not be looked at: there may be more Tillers.
    unknown: Vec<Unseen>,
}

/// What enforcement would do to one Tiller.
#[derive(Debug)]
struct Prospect {
    /// Its kind, namespace and name.
    object: String,
    fate: Fate,
    /// The rules that decide this.
    rules: Vec<&'static str>,
    /// The Secret that its pods wait for then.
    missing_secret: Option<String>,
}

/// What happens to a Tiller if it is applied again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Refused,
    /// `waits`: until then its pods are refused.
    Hardened {
        waits: bool,
    },
    /// The mode of its namespace lets it pass as it is, or what was found is only reported.
    Left {
        mode: &'static str,
    },
    Allowed,
}

// === impl Prospects ===

impl Prospects {
    /// Audits the Tillers of the cluster by a policy. A policy that only reports counts as enforcing.
    pub(in crate::cli) async fn of(cluster: &Cluster, namespace: &str, mut policy: Policy) -> Self {
        if matches!(policy.modes.default, Mode::Audit | Mode::Warn) {
            policy.modes.default = Mode::Enforce;
        }
        let mode = policy.modes.default;
        let AuditReport {
            tillers, unknown, ..
        } = audited(cluster, (policy, now()), (namespace, Extent::Tillers)).await;
        let mut tillers: Vec<Prospect> = tillers.iter().map(Into::into).collect();
        tillers.sort_by(|one, other| (one.fate, &one.object).cmp(&(other.fate, &other.object)));
        Self {
            mode,
            tillers,
            unknown,
        }
    }

    /// Whether there are no Tillers for certain.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.tillers.is_empty() && self.unknown.is_empty()
    }

    /// Whether enforcement leaves all of them as they are, and their pods can start.
    pub(in crate::cli) fn are_allowed(&self) -> bool {
        let mut tillers = self.tillers.iter();
        tillers.all(|it| it.fate == Fate::Allowed && it.missing_secret.is_none())
    }

    /// Whether something could not be looked at and another account may see it.
    pub(in crate::cli) fn lacks_rights(&self) -> bool {
        self.unknown.iter().any(|it| it.is_forbidden)
    }

    /// Whether all was looked at.
    pub(in crate::cli) fn is_complete(&self) -> bool {
        self.unknown.is_empty()
    }

    /// One line for each Tiller and for what could not be looked at, after one for all.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let Self {
            mode,
            tillers,
            unknown,
        } = self;
        if self.is_empty() {
            return Vec::new();
        }
        let count = match tillers.len() {
            0 => "no Tillers, but not everything can be listed".to_owned(),
            1 => format!("1 Tiller; with mode {}", mode.as_str()),
            count => format!("{count} Tillers; with mode {}", mode.as_str()),
        };
        let mut lines = vec![format!("found {count}:")];
        lines.extend(tillers.iter().map(Prospect::line));
        let unknown = unknown.iter();
        lines.extend(unknown.map(|it| format!("  unknown   {}: {}", it.what, it.reason)));
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

impl From<&AuditedTiller> for Prospect {
    fn from(tiller: &AuditedTiller) -> Self {
        let ObjectName {
            kind,
            namespace,
            name,
        } = &tiller.object;
        let (restart, update) = (&tiller.next.restart, &tiller.next.update);
        let found = |action: Action| {
            let findings = tiller.findings.iter();
            let findings = findings.filter(move |it| it.action == action.as_str());
            findings.map(|it| it.rule)
        };
        let (fate, mut rules): (_, Vec<_>) = match update.answer {
            "refused" => (Fate::Refused, update.rules.clone()),
            "hardened" => {
                let waits = restart.answer == "refused";
                (Fate::Hardened { waits }, found(Action::Harden).collect())
            }
            "left" => {
                let acting = found(Action::Refuse).chain(found(Action::Harden));
                (Fate::Left { mode: tiller.mode }, acting.collect())
            }
            _ => (Fate::Allowed, Vec::new()),
        };
        rules.dedup();
        Self {
            object: title(kind, namespace.as_deref(), name),
            fate,
            rules,
            missing_secret: tiller.missing_secret.clone(),
        }
    }
}

impl Prospect {
    fn line(&self) -> String {
        let Self {
            object,
            fate,
            rules,
            missing_secret,
        } = self;
        let (rules, colon) = (rules.join(", "), if rules.is_empty() { "" } else { ": " });
        let line = match fate {
            Fate::Refused => format!("  refused   {object}{colon}{rules}"),
            Fate::Hardened { waits: true } => format!(
                "  hardened  {object}{colon}{rules}; until it is written again, its pods are refused when they restart"
            ),
            Fate::Hardened { waits: false } => format!("  hardened  {object}{colon}{rules}"),
            Fate::Left {
                mode: "enforce" | "freeze" | "forbid",
            } => format!("  left      {object}{colon}{rules}; what was found is only reported"),
            Fate::Left { mode } => {
                format!("  left      {object}{colon}{rules}; its namespace has mode {mode}")
            }
            Fate::Allowed => format!("  allowed   {object}"),
        };
        match (missing_secret, fate) {
            (Some(secret), Fate::Hardened { .. } | Fate::Allowed) => {
                let namespace = secret
                    .split_once('/')
                    .map_or("", |(namespace, _)| namespace);
                format!(
                    "{line}; there is no Secret {secret}, so its new pods cannot start: run tiller-guard provision NAME --adopt \
                     --tiller-namespace {namespace}"
                )
            }
            _ => line,
        }
    }
}
