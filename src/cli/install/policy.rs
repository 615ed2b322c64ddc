//! The policy that `install` writes: the installed one, unless an option names another.

use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};
use serde_json::json;

use super::tillers::Prospects;
use crate::cli::planned::WrittenPolicy;
use crate::cluster::Cluster;
use crate::cluster::install::{Rollout, policy_text};
use crate::config::{Rejected, policy_changes};
use crate::manifest::{Stream, to_yaml};
use crate::policy::Mode;
use crate::report::unified_diff;

/// What was asked for.
pub(super) struct Wanted {
    /// The policy of this file.
    pub(super) file: Option<PathBuf>,
    /// This mode.
    pub(super) mode: Option<Mode>,
}

/// The policy to install.
pub(super) struct Chosen {
    /// The namespace that holds it.
    namespace: String,
    /// The installed policy, or why its text is invalid.
    before: Option<Result<WrittenPolicy, (String, Rejected)>>,
    /// The policy that `install` writes.
    pub(super) after: WrittenPolicy,
    /// What happens to each Tiller, if no policy refused anything before.
    pub(super) prospects: Option<Prospects>,
}

// === impl Wanted ===

impl Wanted {
    /// Chooses the policy, from the installed one and the Tillers in the cluster.
    pub(super) async fn choose(self, cluster: &Cluster, namespace: &str) -> anyhow::Result<Chosen> {
        let Self { file, mode } = self;
        let text = policy_text(cluster, namespace).await;
        let text = text.context("cannot read the installed policy")?;
        let before =
            text.map(|text| WrittenPolicy::read(text.clone()).map_err(|rejected| (text, rejected)));
        let given = file.as_deref().map(WrittenPolicy::of_file).transpose()?;
        let after = match (given, mode, &before) {
            (Some(given), _, _) => Some(given),
            (None, None, Some(Ok(before))) => Some(before.clone()),
            (None, Some(mode), Some(Ok(before))) => Some(with_mode(before, mode)?),
            (None, _, Some(Err((_, rejected)))) => bail!(
                "the policy in ConfigMap {namespace}/tiller-guard-policy is invalid; correct it, or pass --policy FILE:\n{}",
                rejected.lines("policy.yaml")
            ),
            (None, Some(mode), None) => Some(WrittenPolicy::of_mode(mode)),
            // The Deployment is made after the policy, and deleted before it.
            (None, None, None) => {
                anyhow::ensure!(
                    Rollout::look(cluster, namespace).await?.is_none(),
                    "tiller-guard is installed, and its policy is missing: pass --mode MODE, with the mode that it had, or \
                     --policy FILE (there is no policy.yaml in ConfigMap {namespace}/tiller-guard-policy)"
                );
                None
            }
        };
        let enforced = matches!(&before, Some(Ok(before)) if before.enforces());
        let refuses = after.as_ref().is_none_or(WrittenPolicy::enforces);
        let prospects = if enforced || !refuses && before.is_some() {
            None
        } else {
            let judged_by = after.clone().unwrap_or_default();
            Some(Prospects::of(cluster, namespace, judged_by.policy).await)
        };
        let after = after.unwrap_or_else(|| first(prospects.as_ref()));
        Ok(Chosen {
            namespace: namespace.to_owned(),
            before,
            after,
            prospects,
        })
    }
}

/// The first policy. It only reports if the cluster already has Tillers, or may have some that cannot be listed.
fn first(prospects: Option<&Prospects>) -> WrittenPolicy {
    let has_tillers = prospects.is_some_and(|it| !it.is_empty());
    WrittenPolicy::of_mode(if has_tillers {
        Mode::Audit
    } else {
        Mode::default()
    })
}

/// The same policy in another mode, with its comments.
fn with_mode(before: &WrittenPolicy, mode: Mode) -> anyhow::Result<WrittenPolicy> {
    let stream = Stream::new("policy.yaml", before.text.clone().into_bytes());
    let document = stream.documents().next();
    let document = document.context("the installed policy is empty; pass --policy FILE")?;
    let mut value = document.value();
    let fields = value.as_object_mut();
    let fields = fields.context("the installed policy has no keys; pass --policy FILE")?;
    fields.insert("mode".to_owned(), json!(mode.as_str()));
    let text = document
        .edited(stream.text_of(&document), &value)
        .unwrap_or_else(|| to_yaml(&value));
    WrittenPolicy::read(text).map_err(|rejected| {
        let lines = rejected.lines("policy.yaml");
        anyhow!("cannot set the mode of the installed policy; pass --policy FILE:\n{lines}")
    })
}

// === impl Chosen ===

impl Chosen {
    /// Whether the installed policy stays as it is.
    pub(super) fn stays(&self) -> bool {
        matches!(&self.before, Some(Ok(before)) if *before == self.after)
    }

    /// Whether this is the first one.
    pub(super) fn is_first(&self) -> bool {
        self.before.is_none()
    }

    /// Prints the difference to the installed policy, and what it loosens or tightens. True if it does either.
    pub(super) fn tell(&self) -> anyhow::Result<bool> {
        let Self {
            namespace,
            before: Some(before),
            after,
            prospects: _,
        } = self
        else {
            return Ok(false);
        };
        let text = match before {
            Ok(before) => &before.text,
            Err((text, _)) => text,
        };
        if *text == after.text {
            return Ok(false);
        }
        let mut out = io::stdout().lock();
        let name = format!("ConfigMap {namespace}/tiller-guard-policy");
        write!(out, "{}", unified_diff(&name, text, &after.text))?;
        let before = match before {
            Ok(before) => before,
            Err((_, rejected)) => {
                let lines = rejected.lines("policy.yaml");
                writeln!(
                    out,
                    "the installed policy is invalid, so that it cannot be compared:\n{lines}"
                )?;
                return Ok(true);
            }
        };
        let mut changes = policy_changes(&before.policy, &after.policy);
        changes.sort_by_key(|change| change.direction);
        for change in &changes {
            writeln!(out, "{:<9} {}", change.direction.as_str(), change.what)?;
        }
        Ok(!changes.is_empty())
    }

    /// Fails if somebody has changed the policy that was shown.
    pub(super) async fn check(&self, cluster: &Cluster) -> anyhow::Result<()> {
        let now = policy_text(cluster, &self.namespace).await;
        let now = now.context("cannot read the installed policy")?;
        let shown = self.before.as_ref().map(|before| match before {
            Ok(before) => &before.text,
            Err((text, _)) => text,
        });
        if now.as_ref() != shown {
            bail!("the installed policy was changed meanwhile; run this again");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_set_where_it_stands_and_comments_stay() {
        let text = "# ours\napiVersion: tiller-guard.io/v1\nkind: Policy\nmode: audit # for now\nrequireTeam: true\n";
        let before = WrittenPolicy::read(text.to_owned()).unwrap();
        let after = with_mode(&before, Mode::Enforce).unwrap();
        assert_eq!(after.text, text.replace("mode: audit", "mode: enforce"));
        assert_eq!(after.policy.modes.default, Mode::Enforce);
        assert!(after.policy.settings.require_team);
        let unsaid = WrittenPolicy::read(text.replace("mode: audit # for now\n", "")).unwrap();
        let after = with_mode(&unsaid, Mode::Warn).unwrap();
        assert_eq!(after.policy.modes.default, Mode::Warn);
    }
}
