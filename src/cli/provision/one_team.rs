//! One team, by options.

use anyhow::{Context as _, bail};
use clap::Args;

use crate::config;
use crate::provision::{ExtraRule, TeamSpec};
use crate::tiller::Version;

const SUBCOMMANDS: [&str; 7] = [
    "status", "list", "certs", "renew", "rotate", "grant", "revoke",
];

/// The options of one team.
#[derive(Debug, Args)]
#[command(next_help_heading = "Team")]
pub(super) struct OneTeamArguments {
    /// Namespace of the team's Tiller, and of nothing else
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "file")]
    tiller_namespace: Option<String>,

    /// Namespace that Tiller releases to (repeatable)
    #[arg(
        long,
        value_name = "NAMESPACE",
        value_delimiter = ',',
        conflicts_with = "file"
    )]
    target_namespace: Vec<String>,

    /// Service account of Tiller [default: tiller]
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    service_account: Option<String>,

    /// User who may use Tiller, with the name that Kubernetes knows (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    user: Vec<String>,

    /// Group whose members may use Tiller, with one certificate that they share (repeatable)
    #[arg(long, value_name = "NAME", conflicts_with = "file")]
    group: Vec<String>,

    /// Version of Tiller [default: v2.17.0]
    #[arg(long, value_name = "VERSION", value_parser = config::tiller_version, conflicts_with = "file")]
    tiller_version: Option<Version>,

    /// Repository of Tiller's image, without a tag [default: ghcr.io/helm/tiller]
    #[arg(long, value_name = "REPOSITORY", value_parser = config::image_repository, conflicts_with = "file")]
    image: Option<String>,

    /// Number of revisions of a release that Tiller keeps; 0 keeps all [default: 200]
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    history_max: Option<u32>,

    /// Make everything except Tiller itself, and print the `helm init` that makes it
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "BOOLEAN",
        hide_possible_values = true,
        conflicts_with = "file"
    )]
    no_tiller: Option<bool>,

    /// Right that the charts need beyond the usual ones, such as get,list:certificates.cert-manager.io (repeatable)
    #[arg(long, value_name = "VERBS:RESOURCES", conflicts_with = "file")]
    allow_rule: Vec<String>,
}

impl OneTeamArguments {
    /// What to add to make a new team, which comes with its namespaces.
    fn lacks(&self, name: &str) -> Option<String> {
        let lacking = match (&self.tiller_namespace, self.target_namespace.as_slice()) {
            (None, []) => "--tiller-namespace and --target-namespace",
            (None, _) => "--tiller-namespace",
            (Some(_), []) => "--target-namespace",
            (Some(_), _) => return None,
        };
        let name = name.escape_debug();
        let tiller = self.tiller_namespace.as_ref();
        let tiller = tiller.map_or_else(|| format!("{name}-tiller"), Clone::clone);
        let targets = match self.target_namespace.as_slice() {
            [] => name.to_string(),
            targets => targets.join(","),
        };
        Some(format!(
            "pass {lacking}, such as: tiller-guard provision {name} --tiller-namespace {tiller} --target-namespace {targets}"
        ))
    }

    /// The team of this name. Options that are left out keep what is stored of it, if the cluster was asked for that.
    pub(super) fn spec(
        &self,
        name: &str,
        stored: Option<TeamSpec>,
        is_asked: bool,
    ) -> anyhow::Result<TeamSpec> {
        if let (None, Some(lacks)) = (&stored, self.lacks(name)) {
            let meant = SUBCOMMANDS.iter().find(|it| reads_like(name, it));
            let meant = meant.map_or_else(String::new, |it| format!("did you mean {it}? "));
            let name = name.escape_debug();
            if is_asked {
                bail!(
                    "there is no team \"{name}\" to take its namespaces from: {meant}To make it, {lacks}"
                );
            }
            bail!(
                "the namespaces of team \"{name}\" are not known, since the cluster is not read: {meant}Use --diff or \
                 --dry-run=server, or {lacks}"
            );
        }
        let Self {
            tiller_namespace,
            target_namespace,
            service_account,
            user,
            group,
            tiller_version,
            image,
            history_max,
            no_tiller,
            allow_rule,
        } = self;
        let mut spec = stored.unwrap_or_else(|| {
            TeamSpec::new(
                name.to_owned(),
                tiller_namespace.clone().unwrap_or_default(),
                target_namespace.clone(),
            )
        });
        let mut rules = Vec::new();
        for text in allow_rule {
            rules.extend(ExtraRule::parse(text).with_context(|| format!("--allow-rule {text}"))?);
        }
        replace(&mut spec.extra_rules, &rules);
        replace(&mut spec.target_namespaces, target_namespace);
        replace(&mut spec.users, user);
        replace(&mut spec.groups, group);
        set(&mut spec.tiller_namespace, tiller_namespace.as_ref());
        set(&mut spec.service_account, service_account.as_ref());
        set(&mut spec.tiller_version, tiller_version.as_ref());
        set(&mut spec.image, image.as_ref());
        set(&mut spec.history_max, history_max.as_ref());
        set(&mut spec.with_tiller, no_tiller.map(|it| !it).as_ref());
        Ok(spec)
    }
}

/// Whether a word has the same letters, but for one.
fn reads_like(word: &str, other: &str) -> bool {
    let lacks = |word: &str, other: &str| {
        let mut rest: Vec<char> = other.chars().collect();
        let letters = word.chars();
        let missing = letters.filter(|letter| match rest.iter().position(|it| it == letter) {
            Some(at) => {
                rest.swap_remove(at);
                false
            }
            None => true,
        });
        missing.count()
    };
    lacks(word, other) <= 1 && lacks(other, word) <= 1
}

/// Takes what was given.
fn set<T: Clone>(field: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        field.clone_from(given);
    }
}

/// Takes a list, if there is anything in it.
fn replace<T: Clone>(field: &mut Vec<T>, given: &[T]) {
    if !given.is_empty() {
        *field = given.to_vec();
    }
}
