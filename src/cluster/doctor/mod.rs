//! Whether an installation holds, and what to do where it does not.

mod before;
mod check;
mod deployment;
mod own_rights;
mod parts;
mod users;
mod webhook_configurations;

pub use check::{Check, Health};

use super::Cluster;
use super::proof::{Proof, Trial, prove};
use super::version::NEWEST;
use crate::installation::Installation;
use crate::k8s::webhook_configuration::{HAS_CONNECTIONS, MUTATE, VALIDATE};
use crate::policy::People;

/// Before an installation: whether it could be made.
///
/// `administrators` are those of the policy.
pub async fn before(
    cluster: &Cluster,
    planned: &Installation,
    administrators: &People,
) -> Vec<Check> {
    let mut checks = vec![version(cluster)];
    checks.extend(connections(cluster));
    checks.extend(before::checks(cluster, planned).await);
    checks.extend(before::administrator(cluster, administrators).await);
    checks.extend(users::check(cluster, planned.place.user).await);
    checks
}

/// An installation: whether it holds.
///
/// `installed` is the desired state. `enforces` says whether its policy refuses anything.
pub async fn examine(cluster: &Cluster, installed: &Installation, enforces: bool) -> Vec<Check> {
    let mut checks = vec![version(cluster)];
    checks.extend(connections(cluster));
    let deployment = parts::deployment(cluster, &installed.namespace).await;
    let release = deployment
        .as_ref()
        .ok()
        .and_then(|it| parts::release(it.as_ref()?));
    checks.extend(parts::checks(cluster, installed, &deployment).await);
    if let Ok(Some(found)) = &deployment {
        checks.push(deployment::check(installed, found, release.is_some()));
    }
    checks.push(own_rights::check(cluster, installed).await);
    checks.extend(users::check(cluster, installed.place.user).await);
    if !enforces {
        checks.push(Check::doubtful(
            "mode",
            "the policy reports Tillers and refuses none".to_owned(),
            "once the findings are fixed, run tiller-guard install --mode enforce",
        ));
    }
    let proof = prove(cluster).await;
    let has_pods = checks
        .iter()
        .any(|it| it.id == parts::PODS && it.health != Health::Bad);
    let [mutating, validating] = webhook_configurations::checks(cluster, installed, &proof).await;
    let absent = [mutating.is_absent, validating.is_absent];
    checks.extend([mutating.check, validating.check]);
    let watches = watches(&proof, &installed.namespace);
    // Pods of another place may have answered.
    checks.extend(watches.filter(|it| has_pods || it.health != Health::Good));
    let Proof {
        mutate,
        validate,
        validated,
    } = proof;
    let tiller = "an unhardened Tiller";
    let tried = [
        ("mutating-proof", (MUTATE, tiller), mutate),
        ("validating-proof", (VALIDATE, validated), validate),
    ];
    for ((id, tried, trial), is_absent) in tried.into_iter().zip(absent) {
        checks.push(match trial {
            Trial::LetIn if is_absent => unasked(id, tried),
            trial => proven(id, tried, trial),
        });
    }
    match release {
        Some(release) => checks
            .into_iter()
            .map(|it| it.by_chart(&release, &installed.namespace))
            .collect(),
        None => checks,
    }
}

fn version(cluster: &Cluster) -> Check {
    let version = cluster.version();
    if let Some(gave) = cluster.guessed_from() {
        return Check::doubtful(
            "api-server",
            format!("GET /version gave {gave}; taken for about {version} by its API groups"),
            "look at what answers GET /version: what depends on the version follows this guess",
        );
    }
    let message = format!("Kubernetes {version} answers");
    match (version.is_from(10), version.is_from(NEWEST + 1)) {
        (true, false) => Check::good("api-server", message),
        (true, true) => Check::doubtful(
            "api-server",
            message,
            &format!("this build knows Kubernetes 1.10 to 1.{NEWEST}; look for a newer one"),
        ),
        (false, _) => Check::bad("api-server", message, "use Kubernetes 1.10 or newer"),
    }
}

/// What no webhook holds on an old server.
fn connections(cluster: &Cluster) -> Option<Check> {
    (!cluster.version().is_from(HAS_CONNECTIONS)).then(|| {
        Check::doubtful(
            "connections",
            "exec, attach, port-forward and proxies to Tillers are not guarded: Kubernetes before 1.12 fails every \
             connection that a webhook is asked about"
                .to_owned(),
            "grant pods/exec, pods/attach, pods/portforward and pods/proxy in Tillers' namespaces only to those who may use \
             Tiller, or upgrade Kubernetes",
        )
    })
}

/// Whether the pods that answered see what changes; nothing where none answered, which other checks tell of.
fn watches(proof: &Proof, namespace: &str) -> Option<Check> {
    const ID: &str = "watches";
    let unwatched = proof.unwatched()?;
    if unwatched.is_empty() {
        let message = "the pods that answered see changes of every object that they judge by";
        return Some(Check::good(ID, message.to_owned()));
    }
    let message = format!(
        "a pod does not see changes of {}, and judges by what it knew before",
        unwatched.join(", ")
    );
    let hint = format!(
        "read the logs, which say why: kubectl -n {namespace} logs -l app.kubernetes.io/name=tiller-guard"
    );
    Some(Check::bad(ID, message, &hint))
}

/// The trial of a webhook that no configuration names.
fn unasked(id: &'static str, (webhook, what): (&str, &str)) -> Check {
    let message = format!(
        "{what} was allowed, and {webhook} was not asked: there is no webhook configuration for it"
    );
    Check::bad(id, message, "run tiller-guard install")
}

/// Whether this webhook refused what it was to refuse.
fn proven(id: &'static str, (webhook, what): (&str, &str), trial: Trial) -> Check {
    match trial {
        Trial::Refused { by, message, .. } if by == webhook => {
            let rule = message.split_once("denied the request: ");
            let rule = rule.map_or("", |(_, rest)| rest.lines().next().unwrap_or(rest));
            let message = format!("{webhook} refuses {what}: {rule}");
            Check::good(id, message)
        }
        Trial::Refused { by, .. } if webhook == MUTATE => Check::bad(
            id,
            format!("{webhook} did not answer: {by} refused what it should refuse or harden"),
            "look at the mutating configuration above, and at the log of the API server",
        ),
        Trial::Refused { by, .. } => Check::unknown(
            id,
            format!("{by} refuses what is tried for {webhook}"),
            "run tiller-guard install, so that pods of this version answer",
        ),
        // What is tried is refused in every mode.
        Trial::LetIn => Check::bad(
            id,
            format!("{what} was allowed, but {webhook} must refuse it"),
            "look at the configurations above, and whether the API server runs its admission plugins for webhooks",
        ),
        Trial::Unasked { cause, message } => Check {
            id,
            health: Health::Bad,
            message: format!("the API server cannot ask ({}): {message}", cause.as_str()),
            cause: Some(cause.as_str()),
            hint: Some(cause.hint().to_owned()),
        },
        Trial::Untried { message, hint } => {
            Check::unknown(id, format!("{what} could not be tried: {message}"), &hint)
        }
    }
}
