//! `tiller-guard releases migrate`.

use std::io::{self, Write as _};

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::interrupt::unless_interrupted;
use super::super::reach::{ReachArguments, connect_patiently, on_runtime};
use super::movement::DryRun;
use super::place::{error, kubernetes_minor, namespace_in};
use crate::cluster::Cluster;
use crate::cluster::apply;
use crate::cluster::releases::{Effect, Migrate, Needed, Outcome, State, roles};
use crate::manifest::to_yaml;
use crate::releases::{Mapping, Migration};
use crate::report::unified_diff;

/// Migrate releases to Helm 3: all revisions, with their values, hooks, notes and times
///
/// Write Helm 3's records into the namespaces of the releases, read them back, and hide Helm 2's from Tiller by the label
/// OWNER=MIGRATED. No object of a release is touched. Run it again to go on where it ended.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(in crate::cli) struct Arguments {
    /// These releases [default: all that the Tiller has recorded]
    #[arg(value_name = "RELEASE")]
    releases: Vec<String>,

    /// To which Helm
    #[arg(long, value_name = "HELM")]
    to: Target,

    /// The Tiller's namespace [default: the context's]
    #[arg(long, short, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Report whether each release is ready, and why not
    #[arg(long, conflicts_with_all = ["dry_run", "print_roles"])]
    check: bool,

    /// Only report what would be done; with `server`, let the API server check the records without storing them
    #[arg(long, value_name = "HOW", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: Option<DryRun>,

    /// Replace API versions that Kubernetes no longer serves in the manifests of the records
    #[arg(long)]
    map_apis: bool,

    /// Show what --map-apis changes
    #[arg(long, requires = "map_apis")]
    diff: bool,

    /// The Kubernetes that is to serve the objects, such as 1.36 [default: the cluster's]
    #[arg(long, value_name = "VERSION", value_parser = kubernetes_minor)]
    kubernetes: Option<u16>,

    /// Migrate so many revisions of each release, the newest [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max: Option<u32>,

    /// Let Tiller go on seeing the releases: it can then still delete what Helm 3 runs
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    rights: RightsArguments,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Who is to work with Helm 3.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rights")]
struct RightsArguments {
    /// Print the Roles and RoleBindings that the people of --user and --group need for Helm 3, and change nothing
    #[arg(long, conflicts_with_all = ["dry_run", "diff", "keep"])]
    print_roles: bool,

    /// A user for --print-roles (repeatable)
    #[arg(long, value_name = "NAME", requires = "print_roles")]
    user: Vec<String>,

    /// A group for --print-roles (repeatable)
    #[arg(long, value_name = "NAME", requires = "print_roles")]
    group: Vec<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Target {
    /// Helm 3, whose records Helm 4 reads
    Helm3,
}

/// How releases fared.
#[derive(Default)]
struct Tally {
    /// All of them.
    seen: usize,
    migrated: usize,
    not_ready: usize,
    failed: usize,
    needed: Needed,
}

/// Migrates.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    on_runtime(migrate(arguments))
}

async fn migrate(arguments: Arguments) -> anyhow::Result<Exit> {
    let Target::Helm3 = arguments.to;
    let cluster = match connect_patiently(arguments.reach.clone()).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    if arguments.dry_run == Some(DryRun::Server)
        && let Err(unable) = apply::Effect::ServerDryRun.check(&cluster)
    {
        error(unable)?;
        return Ok(Exit::Unreachable);
    }
    let plan = plan(&arguments, &cluster);
    let mut tally = Tally::default();
    let work = plan.run(&cluster, |outcome| tally.take(&outcome, &arguments));
    let listed = unless_interrupted(work).await;
    let recorded = match listed {
        Ok(Ok(recorded)) => recorded,
        Err(exit) => {
            error(halfway(&plan, &tally))?;
            return Ok(exit);
        }
        Ok(Err(unlisted)) => {
            error(format_args!("{:#}", anyhow!(unlisted)))?;
            return Ok(Exit::Unreachable);
        }
    };
    if tally.seen == 0 {
        writeln!(
            io::stderr(),
            "no release is recorded in {}; tiller-guard releases list -A shows where Tillers have recorded some",
            plan.namespace
        )?;
        return Ok(Exit::Clean);
    }
    if arguments.rights.print_roles {
        let objects = roles(
            &tally.needed,
            &arguments.rights.user,
            &arguments.rights.group,
        );
        let texts: Vec<_> = objects.iter().map(to_yaml).collect();
        say(texts.join("---\n").trim_end());
    } else if plan.effect == Effect::Write && tally.migrated > 0 {
        say(&next_steps(&plan, recorded.saturating_sub(tally.migrated)));
    }
    Ok(match tally {
        Tally { failed: 1.., .. } => Exit::Unreachable,
        Tally { not_ready: 1.., .. } => Exit::Findings,
        Tally { .. } => Exit::Clean,
    })
}

/// What an interrupted migration leaves.
fn halfway(plan: &Migrate, tally: &Tally) -> String {
    if plan.effect != Effect::Write {
        return "interrupted; nothing was changed".to_owned();
    }
    format!(
        "interrupted after {}: a release that was on its way has records of Helm 2, of Helm 3, or both, and none is lost; run this \
         again to go on",
        match tally.migrated {
            1 => "1 release was migrated".to_owned(),
            number => format!("{number} releases were migrated"),
        }
    )
}

fn plan(arguments: &Arguments, cluster: &Cluster) -> Migrate {
    let looks = arguments.check || arguments.rights.print_roles;
    Migrate {
        namespace: namespace_in(cluster, arguments.namespace.as_deref()),
        releases: arguments.releases.clone(),
        migration: Migration {
            minor: arguments
                .kubernetes
                .unwrap_or_else(|| cluster.version().known_minor()),
            map_apis: arguments.map_apis,
            max: arguments.max.and_then(|max| usize::try_from(max).ok()),
        },
        keep: arguments.keep,
        effect: match arguments.dry_run {
            Some(DryRun::Server) => Effect::Try,
            Some(DryRun::Client) => Effect::Look,
            None if looks => Effect::Look,
            None => Effect::Write,
        },
    }
}

fn say(line: &str) {
    writeln!(io::stdout(), "{line}").ok();
}

impl Tally {
    fn take(&mut self, outcome: &Outcome, arguments: &Arguments) {
        let Outcome {
            release,
            state,
            remarks,
            mappings,
            newest,
        } = outcome;
        self.seen += 1;
        if let Some(newest) = newest {
            self.needed.add(newest);
        }
        let text = match state {
            State::NotReady(why) => {
                self.not_ready += 1;
                format!("not ready: {}", why.join("; "))
            }
            State::Ready(count) => format!("ready: {}", revisions(*count)),
            State::Migrated {
                written,
                unchanged,
                aside,
            } => {
                self.migrated += 1;
                let records = if *aside == 1 { "record" } else { "records" };
                format!(
                    "migrated: {} written, {unchanged} unchanged; {aside} {records} of Helm 2 set aside",
                    revisions(*written)
                )
            }
            State::Already => "migrated already: Tiller has no record of it since".to_owned(),
            State::Failed(why) => {
                self.failed += 1;
                writeln!(
                    io::stderr(),
                    "error: {release}: {why}; run this again to go on"
                )
                .ok();
                return;
            }
        };
        if arguments.rights.print_roles {
            return;
        }
        say(&format!("{release}: {text}"));
        for remark in remarks {
            say(&format!("  note: {remark}"));
        }
        for mapping in mappings {
            tell_mapping(release, mapping, arguments.diff);
        }
    }
}

fn revisions(count: usize) -> String {
    match count {
        1 => "1 revision".to_owned(),
        count => format!("{count} revisions"),
    }
}

fn tell_mapping(release: &str, mapping: &Mapping, diff: bool) {
    let Mapping {
        revision,
        before,
        after,
    } = mapping;
    for change in &after.changes {
        say(&format!("  revision {revision}: {change}"));
    }
    if diff {
        let name = format!("{release}.v{revision}");
        say(unified_diff(&name, before, &after.manifest).trim_end());
    }
}

/// What to do next, where so many recorded releases are not migrated yet.
fn next_steps(plan: &Migrate, left: usize) -> String {
    let namespace = &plan.namespace;
    let first = if plan.keep {
        "Tiller still sees these releases and can delete what runs: set its namespace to mode freeze in the policy file."
            .to_owned()
    } else {
        format!(
            "Tiller no longer sees these releases. To give one back to it, delete Helm 3's records first, since otherwise both \
             own the release; this deletes no object of it:\n  kubectl -n NAMESPACE delete secrets -l \
             owner=helm,name=RELEASE\n  kubectl -n {namespace} label configmaps,secrets -l OWNER=MIGRATED,NAME=RELEASE \
             OWNER=TILLER --overwrite"
        )
    };
    let next = match left {
        0 => format!(
            "remove Tiller with `tiller-guard deprovision TEAM`, or one that no team has with `kubectl -n {namespace} delete \
             deployment,service tiller-deploy`; then set mode forbid in the policy file."
        ),
        1 => format!("keep Tiller: 1 release in {namespace} is not migrated yet."),
        left => format!("keep Tiller: {left} releases in {namespace} are not migrated yet."),
    };
    format!(
        "{first}\nNext: check with `helm list -A`; {next}\nUpgrade each release once before you uninstall it with Helm 4: \
         Helm 4 deletes no objects of a release that was never upgraded since."
    )
}
