//! `tiller-guard releases migrate`.

use std::collections::BTreeSet;
use std::io::{self, Write as _};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::super::Exit;
use super::super::interrupt::unless_interrupted;
use super::super::reach::{ReachArguments, connect_patiently, on_runtime};
use super::afterwards::{
    BESIDE_HELM_3, halfway, is_barred, next_steps, of_tillers, tell_cluster_wide, unmigrated,
};
use super::movement::DryRun;
use super::place::{again, error, kubernetes_minor, namespace_in, waits};
use crate::cluster::Cluster;
use crate::cluster::apply;
use crate::cluster::releases::{Effect, Hold, Migrate, Needed, Outcome, State, Tillers, roles};
use crate::manifest::to_yaml;
use crate::releases::{Mapping, Migration};
use crate::report::{OneLine as _, unified_diff};

/// Migrate releases to Helm 3: all revisions, with their values, hooks, notes and times
///
/// Write Helm 3's records into the namespaces of the releases, read them back, and set Helm 2's aside, where Tiller does not
/// find them: as RECORD.migrated, labelled OWNER=MIGRATED. No object of a release is touched. Run it again to go on where it
/// ended; `releases restore` gives releases back to Tiller.
///
/// Exit with 1 if a release is not ready or Tiller runs, and with 4 if something failed
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

    /// Migrate so many revisions of each release, the newest, and the one that is deployed [default: all]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    max: Option<u32>,

    /// Let Tiller go on seeing the releases: it can then still delete what Helm 3 runs
    #[arg(long)]
    keep: bool,

    /// Stop Tiller if it runs, and start it again only if it has releases left
    #[arg(long, conflicts_with_all = ["check", "dry_run", "keep", "print_roles"])]
    stop_tiller: bool,

    /// How long Tiller may take to stop, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    timeout: u64,

    #[command(flatten)]
    rights: RightsArguments,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Who is to work with Helm 3.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rights")]
#[group(skip)]
#[command(group(clap::ArgGroup::new("people").args(["user", "group"]).multiple(true)))]
struct RightsArguments {
    /// Print the Roles and RoleBindings that the people of --user and --group need for Helm 3, and change nothing
    #[arg(long, requires = "people", conflicts_with_all = ["dry_run", "diff", "keep"])]
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
    migrated: BTreeSet<String>,
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
        return Ok(Exit::Failed);
    }
    let plan = plan(&arguments, &cluster);
    let mut tally = Tally::default();
    let work = plan.run(&cluster, |outcome| tally.take(&outcome, &arguments));
    let listed = unless_interrupted(work).await;
    let summary = match listed {
        Ok(Ok(summary)) => summary,
        Err(exit) => {
            error(halfway(&plan, &cluster, tally.migrated.len()).await)?;
            return Ok(exit);
        }
        Ok(Err(failed)) => return unmigrated(failed, &plan),
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
        if !texts.is_empty() {
            say(texts.join("---\n").trim_end());
        }
        tell_cluster_wide(&tally.needed)?;
    } else {
        let is_silent = match summary.tillers {
            Tillers::Held { ref why, .. } => *why == Hold::Others,
            Tillers::Running(_) => plan.keep,
            _ => false,
        };
        let note = of_tillers(&summary.tillers, &plan.namespace);
        if let Some(note) = note.filter(|_| !is_silent) {
            if is_barred(&summary.tillers) {
                error(note)?;
            } else {
                say(&note);
            }
        }
        let is_restarted = summary.tillers == Tillers::Restarted;
        if is_restarted && !tally.migrated.is_empty() {
            say(BESIDE_HELM_3);
        }
        if plan.effect == Effect::Write && !tally.migrated.is_empty() {
            say(&next_steps(&plan, summary.left));
        }
    }
    if is_barred(&summary.tillers) {
        return Ok(Exit::Unreachable);
    }
    Ok(match tally {
        Tally { failed: 1.., .. } => Exit::Unreachable,
        Tally { not_ready: 1.., .. } => Exit::Findings,
        Tally { .. } => Exit::Clean,
    })
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
        stops_tiller: arguments.stop_tiller,
        timeout: Duration::from_secs(arguments.timeout),
        effect: match arguments.dry_run {
            Some(DryRun::Server) => Effect::Try,
            Some(DryRun::Client) => Effect::Look,
            None if looks => Effect::Look,
            None => Effect::Write,
        },
        waits,
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
            namespaces,
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
            State::Ready(count) => format!(
                "ready: {} for {}",
                revisions(*count),
                namespaces.join(" and ")
            ),
            State::Migrated {
                written,
                unchanged,
                aside,
            } => {
                self.migrated.insert(release.clone());
                let records = if *aside == 1 { "record" } else { "records" };
                format!(
                    "migrated to {}: {} written, {unchanged} unchanged; {aside} {records} of Helm 2 set aside",
                    namespaces.join(" and "),
                    revisions(*written)
                )
            }
            State::Already => "migrated already: Tiller has no record of it since".to_owned(),
            State::Gone(missing) => format!(
                "migrated before, and probably uninstalled since: Helm 3 has no record of it in {}",
                missing.join(" and ")
            ),
            State::Failed { reason, is_passing } => {
                self.failed += 1;
                // What was migrated may have gone back.
                self.migrated.remove(release);
                let next = again(reason, *is_passing);
                complain(&format!("{release}: {reason}{next}"));
                return;
            }
        };
        if arguments.rights.print_roles {
            if matches!(state, State::NotReady(_)) {
                complain(&format!("{release}: {text}"));
            }
            return;
        }
        say(&format!("{release}: {text}").one_line());
        for remark in remarks {
            say(&format!("  note: {}", remark.one_line()));
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
        hook,
        after,
    } = mapping;
    let of_hook = hook.as_ref().map(|hook| format!(", hook {hook}"));
    let of_hook = of_hook.unwrap_or_default();
    for change in &after.changes {
        say(&format!("  revision {revision}{of_hook}: {change}").one_line());
    }
    let documents = after.documents.iter().filter(|_| diff);
    for (before, after) in documents {
        let name = format!("{release}.v{revision}{of_hook}").one_line();
        say(unified_diff(&name, before, after).visible().trim_end());
    }
}

/// Prints what went wrong with one release.
fn complain(text: &str) {
    writeln!(io::stderr(), "error: {}", text.one_line()).ok();
}
