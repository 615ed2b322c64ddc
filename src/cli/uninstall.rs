//! `tiller-guard uninstall`: the webhook configurations first, so that nothing is refused for want of an answer.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::Exit;
use super::confirm::confirmed;
use super::exit::of_cluster;
use super::install::DryRun;
use super::interrupt::Steps;
use super::planned::{only_here, writer};
use super::reach::{ReachArguments, connect, on_runtime};
use crate::cluster::Cluster;
use crate::cluster::apply::{Applied, ApplyError, Change, Effect, Writer};
use crate::cluster::audit_reports;
use crate::cluster::install::{
    LABELS_NAMESPACES, has_namespace, is_labelled, policy_text, webhook_configurations,
};
use crate::cluster::lease;
use crate::cluster::team::recorded;
use crate::cluster::told::chain;
use crate::installation::{self, CA_SECRET, IMAGE, Installation, POLICY, Platform, SERVICE_PORT};
use crate::k8s::webhook_configuration::{NAME_LABEL, SYSTEM_NAMESPACE};

/// Remove tiller-guard from a cluster, whether it still answers or not, with its policy. The namespace stays, with the teams
/// in it
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Namespace of tiller-guard
    #[arg(long, short, value_name = "NAME", default_value = installation::NAMESPACE)]
    namespace: String,

    /// Delete the namespace too, with the teams that are recorded in it, their CAs and bundles
    #[arg(long)]
    delete_namespace: bool,

    /// With --delete-namespace: delete what is recorded of teams without asking
    #[arg(long, requires = "delete_namespace")]
    yes: bool,

    /// Also delete objects of these names that install did not make, such as those of the chart
    #[arg(long)]
    adopt: bool,

    /// Show what would be deleted, and delete nothing; `server` has the API server check it (Kubernetes 1.13 or newer)
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<DryRun>,

    #[command(flatten)]
    reach: ReachArguments,
}

/// What the steps of a removal are about.
const STEPS: &str = "removal";

/// Removes everything.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    of_cluster(on_runtime(uninstall(arguments)))
}

async fn uninstall(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        namespace,
        delete_namespace,
        yes,
        adopt,
        dry_run,
        reach,
    } = arguments;
    let cluster = match connect(reach).await? {
        Ok(cluster) => cluster,
        Err(exit) => return Ok(exit),
    };
    let installed = Installation {
        minor: cluster.version().known_minor(),
        namespace,
        image: IMAGE.to_owned(),
        replicas: 1,
        service_port: SERVICE_PORT,
        policy: POLICY.to_owned(),
        account_patterns: Vec::new(),
        certificate_secret: String::new(),
        ca_bundle: None,
        renew_certificates: false,
        place: Platform::default(),
    };
    let effect = DryRun::effect(dry_run);
    if let Err(error) = effect.check(&cluster) {
        writeln!(io::stderr(), "error: {error}")?;
        return Ok(Exit::Failed);
    }
    only_here(&cluster, &installed.namespace, false).await?;
    let writer = writer(&cluster, adopt, effect);
    let configurations = webhook_configurations(&cluster, &installed).await;
    let configurations = configurations.context("cannot get the webhook configurations")?;
    let mut foundation = installed.foundation();
    foundation.reverse();
    let (own_namespace, others): (Vec<_>, Vec<_>) = foundation
        .into_iter()
        .partition(|object| object.get("kind").and_then(Value::as_str) == Some("Namespace"));
    let mut objects = others;
    objects.push(ca_secret(&installed));
    // Whoever may not read it leaves it.
    let lease = lease::find(&cluster, &installed.namespace).await;
    objects.extend(lease.ok().flatten());
    let reports = audit_reports::written(&cluster).await;
    objects.extend(reports.unwrap_or_default());
    let own_namespace = own_namespace.into_iter().filter(|_| delete_namespace);
    let own_namespace: Vec<_> = own_namespace.collect();
    if !are_ours(&writer, configurations.iter().chain(&own_namespace)).await? {
        writeln!(io::stderr(), "nothing was deleted")?;
        return Ok(Exit::Findings);
    }
    objects.extend(own_namespace);
    if delete_namespace {
        let recorded = recorded(&cluster, &installed.namespace).await?;
        tell(&recorded)?;
        let asks = effect == Effect::Write && !yes && !recorded.is_empty();
        if asks && !confirmed("Delete the namespace with them?", "Nothing was deleted.")? {
            return Ok(Exit::Findings);
        }
    }
    let policy = own_policy(&cluster, &installed).await;
    let steps = Steps::of(effect);
    steps.begin(STEPS, "webhook configurations");
    if !remove(&writer, configurations.to_vec()).await? {
        writeln!(
            io::stderr(),
            "nothing else is deleted: without tiller-guard's Service a webhook configuration that stays has requests \
             refused. Delete both webhook configurations first, as an administrator of the cluster"
        )?;
        return Ok(Exit::Findings);
    }
    steps.begin(
        STEPS,
        "the webhook configurations are deleted, so that nothing is refused; other objects are left",
    );
    let mut failed = !remove_renewal(&writer, &installed).await?;
    failed |= !remove(&writer, objects).await?;
    steps.end(STEPS);
    if let (Effect::Write, Some(text)) = (effect, policy) {
        tell_policy(&text)?;
    }
    if !delete_namespace && has_namespace(&cluster, &installed.namespace).await? {
        let namespace = &installed.namespace;
        writeln!(
            io::stdout(),
            "kept      Namespace {namespace} (--delete-namespace deletes it)"
        )?;
    }
    if !cluster.version().is_from(LABELS_NAMESPACES)
        && is_labelled(&cluster, SYSTEM_NAMESPACE).await?
    {
        writeln!(
            io::stdout(),
            "kept      label {NAME_LABEL} of Namespace {SYSTEM_NAMESPACE} (other tools may use it)"
        )?;
    }
    Ok(if failed { Exit::Findings } else { Exit::Clean })
}

/// Prints a policy that was deleted, and how to install it again.
fn tell_policy(text: &str) -> io::Result<()> {
    writeln!(
        io::stderr(),
        "the policy is deleted; to install it again, save it and pass it with --policy FILE:\n{text}"
    )
}

/// The policy before it is deleted. None if the user may not read it, or if it is still the policy of a first installation.
async fn own_policy(cluster: &Cluster, installed: &Installation) -> Option<String> {
    let text = policy_text(cluster, &installed.namespace).await.ok()??;
    (text != POLICY).then_some(text)
}

/// Whether these objects may be deleted by their labels; prints the first that may not.
async fn are_ours(writer: &Writer, objects: impl IntoIterator<Item = &Value>) -> io::Result<bool> {
    let looking = Writer {
        effect: Effect::Look,
        ..writer.clone()
    };
    for object in objects {
        if let Err(error) = looking.delete(object).await {
            undeleted(&error)?;
            return Ok(false);
        }
    }
    Ok(true)
}

/// Prints which objects of teams are deleted with the namespace.
fn tell(recorded: &[String]) -> io::Result<()> {
    if recorded.is_empty() {
        return Ok(());
    }
    let mut out = io::stderr().lock();
    writeln!(out, "The namespace holds what nobody can restore:")?;
    for line in recorded {
        writeln!(out, "  {line}")?;
    }
    writeln!(
        out,
        "Without its CA, a team's Tiller runs on until its certificate expires; tiller-guard provision makes new \
         certificates for everybody."
    )
}

/// Deletes objects, and continues after an error. True if all are deleted.
pub(super) async fn remove(writer: &Writer, objects: Vec<Value>) -> anyhow::Result<bool> {
    let mut all = true;
    for object in objects {
        match writer.delete(&object).await {
            Ok(Applied { object, change }) => {
                // It goes once all that is in it is gone.
                let goes_on = object.kind == "Namespace"
                    && change == Change::Deleted
                    && writer.effect == Effect::Write;
                if goes_on {
                    writeln!(
                        io::stdout(),
                        "deleting  {object} (the API server deletes what is in it first)"
                    )?;
                    continue;
                }
                let done = writer.effect.done(change.as_str());
                writeln!(io::stdout(), "{done:<9} {object}")?;
            }
            Err(error) => {
                all = false;
                undeleted(&error)?;
            }
        }
    }
    Ok(all)
}

/// Deletes the CronJob that renews certificates, and what it needs, where install made them. True if none is left.
async fn remove_renewal(writer: &Writer, installed: &Installation) -> anyhow::Result<bool> {
    let looking = Writer {
        effect: Effect::Look,
        ..writer.clone()
    };
    let mut there = Vec::new();
    for object in installed.renewal().into_iter().rev() {
        match looking.delete(&object).await.map(|it| it.change) {
            Ok(Change::Absent) | Err(ApplyError::NotOurs { .. }) => {}
            Ok(_) | Err(_) => there.push(object),
        }
    }
    remove(writer, there).await
}

/// The same after an installation that is to have none.
pub(super) async fn remove_unwanted(writer: &Writer, planned: &Installation) -> anyhow::Result<()> {
    if !planned.renew_certificates {
        let _none_left = remove_renewal(writer, planned).await?;
    }
    Ok(())
}

fn undeleted(error: &ApplyError) -> io::Result<()> {
    let next = match error {
        ApplyError::NotOurs { .. } => "; pass --adopt to delete it",
        _ => "",
    };
    writeln!(io::stderr(), "error: {}{next}", chain(error))
}

/// The Secret that the guard has made for itself.
fn ca_secret(installed: &Installation) -> Value {
    let mut labels = serde_json::Map::new();
    for label in installation::OWNER_LABELS {
        labels.insert(label.to_owned(), json!("tiller-guard"));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": CA_SECRET,
            "namespace": installed.namespace,
            "labels": labels,
        },
    })
}
