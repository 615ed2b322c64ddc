//! `tiller-guard install`: everything that runs in a cluster, applied and proven.
//!
//! The registrations come last, once there are pods that answer: before Kubernetes 1.28 every pod that is made waits for
//! an answer from then on.

mod pods;
mod policy;
mod print;
mod proof;
pub(super) mod tillers;

use std::io::{self, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::Value;
use tokio::time::Instant;

use super::Exit;
use super::confirm::confirmed;
use super::duration::duration;
use super::exit::of_cluster;
use super::interrupt::Steps;
use super::planned::{ContentArguments, PlanArguments, WrittenPolicy, only_here, writer};
use super::reach::{ReachArguments, connect, on_runtime};
use super::uninstall::remove_unwanted;
use super::waiting;
use crate::cluster::Cluster;
use crate::cluster::apply::{Applied, Change, Desired, Effect, Foreign, Writer};
use crate::cluster::install;
use crate::cluster::served::Served;
use crate::cluster::team::{is_leaving, namespace};
use crate::installation::{Installation, POLICY_FILE};
use crate::manifest::to_yaml;
use crate::report::unified_diff;
use policy::{Chosen, Wanted};
use print::{Format, minor, print};

/// Install tiller-guard into a cluster, or update it; wait, and prove that it refuses an unhardened Tiller
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Print the objects instead of applying them
    #[arg(long, short, value_name = "FORMAT", conflicts_with_all = ["dry_run", "diff", "adopt"])]
    output: Option<Format>,

    /// With --output: print for this version of Kubernetes, without a cluster
    #[arg(long, value_name = "1.MINOR", requires = "output", value_parser = minor)]
    kubernetes: Option<u16>,

    /// Show what would change, and change nothing; `server` has the API server check it (Kubernetes 1.13 or newer)
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<DryRun>,

    /// Show the changes of existing objects as a unified diff, and change nothing
    #[arg(long)]
    diff: bool,

    /// Take over existing objects of these names that tiller-guard did not make
    #[arg(long)]
    adopt: bool,

    /// How long to wait until the pods are ready and an unhardened Tiller is refused; 0 does not wait
    #[arg(long, alias = "wait", value_name = "DURATION", default_value = "2m", value_parser = duration)]
    timeout: Duration,

    /// Do not ask before installing a policy that loosens or tightens the installed one
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    plan: PlanArguments,

    #[command(flatten)]
    content: ContentArguments,

    #[command(flatten)]
    reach: ReachArguments,
}

/// Who tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DryRun {
    /// Compare with the objects in the cluster
    Client,
    /// Have the API server check the objects, without storing them
    Server,
}

impl DryRun {
    /// What is written.
    pub(super) fn effect(given: Option<Self>) -> Effect {
        match given {
            None => Effect::Write,
            Some(Self::Client) => Effect::Look,
            Some(Self::Server) => Effect::ServerDryRun,
        }
    }
}

/// Installs, or prints.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { plan, content, .. } = &arguments;
    if let (Some(format), Some(minor)) = (arguments.output, arguments.kubernetes) {
        let given = content.policy.as_deref().map(WrittenPolicy::of_file);
        let of_mode = || WrittenPolicy::of_mode(content.mode.unwrap_or_default());
        let policy = given.transpose()?.unwrap_or_else(of_mode);
        let planned = plan.clone().plan(minor, content.clone(), policy)?;
        print(format, &planned.objects())?;
        return Ok(Exit::Clean);
    }
    of_cluster(on_runtime(install(arguments)))
}

async fn install(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        output,
        kubernetes: _,
        dry_run,
        diff,
        adopt,
        timeout,
        yes,
        plan,
        content,
        reach,
    } = arguments;
    let cluster = match connect(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let effect = DryRun::effect(dry_run.or_else(|| diff.then_some(DryRun::Client)));
    if let Err(error) = effect.check(&cluster) {
        writeln!(io::stderr(), "error: {error}")?;
        return Ok(Exit::Failed);
    }
    let steps = Steps::of(effect);
    if output.is_none() {
        only_here(&cluster, &plan.namespace, true).await?;
        let found = namespace(&cluster, &plan.namespace).await?;
        anyhow::ensure!(
            !found.is_some_and(|it| is_leaving(&it)),
            "namespace {} is being deleted, and nothing can be made in it; nothing was changed: wait until it is removed, then \
             run this again",
            plan.namespace
        );
    }
    let wanted = Wanted {
        file: content.policy.clone(),
        mode: content.mode,
    };
    let chosen = wanted.choose(&cluster, &plan.namespace).await?;
    let minor = cluster.version().known_minor();
    let planned = plan.plan(minor, content, chosen.after.clone())?;
    if let Some(format) = output {
        let mut objects = planned.foundation();
        let registrations = install::webhook_configurations(&cluster, &planned).await;
        objects.extend(registrations.context("cannot get the webhook configurations")?);
        print(format, &objects)?;
        return Ok(Exit::Clean);
    }
    if let Some(prospects) = &chosen.prospects {
        prospects.tell(io::stdout())?;
    }
    if chosen.tell()? && effect == Effect::Write {
        if !yes && !confirmed("Install this policy?", "Nothing was changed.")? {
            return Ok(Exit::Findings);
        }
        chosen.check(&cluster).await?;
    }
    let installing = Installing {
        writer: writer(&cluster, adopt, effect),
        cluster,
        planned,
        chosen,
        diff,
        wait: (effect == Effect::Write && !timeout.is_zero()).then_some(timeout),
        steps,
    };
    let exit = installing.install().await?;
    installing.tell_mode()?;
    if effect == Effect::Write {
        waiting::print(&installing.cluster, &installing.chosen.after.policy).await?;
    }
    Ok(exit)
}

/// An installation on its way.
struct Installing {
    cluster: Cluster,
    writer: Writer,
    planned: Installation,
    chosen: Chosen,
    /// Whether changes are shown as diffs.
    diff: bool,
    /// How long to wait, if at all.
    wait: Option<Duration>,
    /// What Ctrl-C leaves half done.
    steps: Steps,
}

/// What the steps of an installation are about.
const STEPS: &str = "installation";

// === impl Installing ===

impl Installing {
    async fn install(&self) -> anyhow::Result<Exit> {
        let Self {
            cluster,
            writer,
            planned,
            chosen,
            ..
        } = self;
        let served = self.served().await?;
        self.steps
            .begin(STEPS, "objects; the webhook configurations are as before");
        let labelled = install::label_names(cluster, &planned.namespace, writer.effect).await?;
        for namespace in labelled {
            let done = writer.effect.done("labelled");
            writeln!(io::stdout(), "{done:<9} Namespace {namespace}")?;
        }
        let mut foundation = planned.foundation_over_another();
        if chosen.stays() {
            foundation.iter_mut().for_each(leave_policy);
        }
        foundation.retain(|object| served.has(object));
        self.apply(foundation).await?;
        remove_unwanted(writer, planned).await?;
        let Some(wait) = self.wait else {
            if writer.effect == Effect::Write {
                print::warn_of_pods(cluster).await?;
            }
            let registrations = self.registrations().await?;
            self.steps.begin(STEPS, "webhook configurations");
            self.apply(registrations.to_vec()).await?;
            self.steps.end(STEPS);
            return Ok(Exit::Clean);
        };
        let end = Instant::now() + wait;
        self.steps.begin(
            STEPS,
            "the pods are not ready yet; the webhook configurations are as before",
        );
        if !pods::are_ready(cluster, &planned.namespace, end).await? {
            pods::tell_missing(cluster, &planned.namespace).await?;
            // Webhooks of an installation before refuse nothing from now on if nobody answers.
            proof::give_way_if_unasked(cluster).await?;
            return Ok(Exit::TimedOut);
        }
        let end = end.max(Instant::now() + proof::SHORTEST);
        let enforces = chosen.after.enforces();
        let registered = install::registered(cluster).await;
        let is_new = registered
            .context("cannot get the webhook configurations")?
            .is_empty();
        if is_new && !self.is_proven(end).await? {
            return Ok(Exit::Findings);
        }
        let registrations = self.registrations().await?;
        self.steps.begin(STEPS, "webhook configurations");
        self.apply_as(registrations.to_vec(), is_new).await?;
        self.steps
            .begin(STEPS, "all objects are written and not checked yet");
        proof::examined(cluster, planned, enforces, end).await
    }

    /// What the API server serves of the kinds to write. Fails where one is missing that is needed; warns of each that is
    /// left out.
    async fn served(&self) -> anyhow::Result<Served> {
        let mut objects = self.planned.foundation();
        let configurations = install::webhook_configurations(&self.cluster, &self.planned).await;
        objects.extend(configurations.context("cannot get the webhook configurations")?);
        let served = Served::of(&self.cluster, &objects).await;
        served.check()?;
        for (kind, loss) in served.left_out() {
            writeln!(
                io::stderr(),
                "warning: the API server does not serve {kind}, which is left out; {loss}"
            )?;
        }
        Ok(served)
    }

    /// Registers the webhooks for the trial object only, and tries it. Nothing else is refused if they do not answer.
    async fn is_proven(&self, end: Instant) -> anyhow::Result<bool> {
        let Self {
            cluster,
            writer,
            planned,
            ..
        } = self;
        let mut registrations = self.registrations().await?;
        if !install::only_for_trials(cluster, &mut registrations) {
            return Ok(true);
        }
        writeln!(
            io::stdout(),
            "trying the webhooks with an unhardened Tiller"
        )?;
        self.steps.begin(
            STEPS,
            "the webhook configurations ask about tiller-guard's trial object only, and refuse nothing else",
        );
        for object in registrations {
            let foreign = Foreign::Refuse;
            writer.apply(&Desired { object, foreign }).await?;
        }
        let tried = proof::tried(cluster, end).await;
        let is_proven = !proof::is_disproof(&tried.mutate) && !proof::is_disproof(&tried.validate);
        if !is_proven {
            proof::take_back(writer, planned, tried).await?;
        }
        Ok(is_proven)
    }

    /// The webhook configurations, with the CAs that are known now.
    async fn registrations(&self) -> anyhow::Result<[Value; 2]> {
        let Self {
            cluster, planned, ..
        } = self;
        let bundle = install::bundle(cluster, &planned.namespace).await;
        let planned = Installation {
            ca_bundle: bundle
                .context("cannot get the webhook configurations and the guard's CA")?,
            ..planned.clone()
        };
        let registrations = install::webhook_configurations(cluster, &planned).await;
        let mut registrations = registrations.context("cannot get the webhook configurations")?;
        let owned = install::let_belong(cluster, &planned.namespace, &mut registrations).await;
        owned.with_context(|| format!("cannot get Namespace {}", planned.namespace))?;
        Ok(registrations)
    }

    async fn apply(&self, objects: Vec<Value>) -> anyhow::Result<()> {
        self.apply_as(objects, false).await
    }

    /// Applies objects and prints what was done. `is_new` if an earlier write was only for the trial.
    async fn apply_as(&self, objects: Vec<Value>, is_new: bool) -> anyhow::Result<()> {
        for object in objects {
            let foreign = match object.get("kind").and_then(Value::as_str) {
                Some("Namespace") if !self.writer.adopt => Foreign::Leave,
                _ => Foreign::Refuse,
            };
            let desired = Desired { object, foreign };
            let mut applied = self.writer.apply(&desired).await?;
            if is_new {
                applied.change = Change::Created;
            }
            self.tell(&applied, &desired.object)?;
        }
        Ok(())
    }

    fn tell(&self, applied: &Applied, desired: &Value) -> anyhow::Result<()> {
        let Applied { object, change } = applied;
        let done = self.writer.effect.done(change.as_str());
        writeln!(io::stdout(), "{done:<9} {object}")?;
        if let (true, Change::Updated { before }) = (self.diff, change) {
            let (before, after) = (to_yaml(before), to_yaml(desired));
            let changes = unified_diff(&object.to_string(), &before, &after);
            write!(io::stdout(), "{changes}")?;
        }
        Ok(())
    }

    /// What to do after a first installation that refuses nothing.
    fn tell_mode(&self) -> io::Result<()> {
        let Chosen { after, .. } = &self.chosen;
        if !self.chosen.is_first() || after.enforces() {
            return Ok(());
        }
        let mode = after.policy.modes.default.as_str();
        writeln!(
            io::stdout(),
            "mode      {mode}: Tillers are reported and none is refused. Once the findings are fixed: tiller-guard install \
             --mode enforce"
        )
    }
}

/// Removes the policy from the object, so that the installed one stays.
fn leave_policy(object: &mut Value) {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    if name == Some(POLICY_FILE)
        && let Some(object) = object.as_object_mut()
    {
        object.remove("data");
    }
}
