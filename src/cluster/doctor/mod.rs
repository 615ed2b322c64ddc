//! Whether an installation holds, and what to do where it does not.

mod before;
mod parts;
mod registrations;
mod users;

use super::Cluster;
use super::install::get;
use super::proof::{Proof, prove};
use crate::installation::Installation;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it is to be.
    Good,
    /// It holds, but not for every case.
    Doubtful,
    /// It could not be looked at.
    Unknown,
    /// It does not hold.
    Bad,
}

/// What was looked at, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// A stable word for programs.
    pub id: &'static str,
    /// How it went.
    pub health: Health,
    /// What was found.
    pub message: String,
    /// Why an API server cannot ask: a stable word for programs.
    pub cause: Option<&'static str>,
    /// What to do, where something is to be done.
    pub hint: Option<String>,
}

/// Before an installation: whether it could be made.
pub async fn before(cluster: &Cluster, planned: &Installation) -> Vec<Check> {
    let mut checks = vec![version(cluster)];
    checks.extend(before::checks(cluster, planned).await);
    checks.extend(users::check(cluster, planned.place.user).await);
    checks
}

/// The policy file that is installed, if it can be read.
pub async fn policy_text(cluster: &Cluster, namespace: &str) -> Option<String> {
    let kind = ("", "v1", "ConfigMap");
    let found = get(cluster, kind, Some(namespace), "tiller-guard-policy").await;
    let text = found
        .ok()??
        .pointer("/data/policy.yaml")?
        .as_str()?
        .to_owned();
    Some(text)
}

/// An installation: whether it holds.
///
/// `installed` is what it is to be. `enforces` tells whether its policy refuses anything.
pub async fn examine(cluster: &Cluster, installed: &Installation, enforces: bool) -> Vec<Check> {
    let mut checks = vec![version(cluster)];
    checks.extend(parts::checks(cluster, installed).await);
    checks.extend(users::check(cluster, installed.place.user).await);
    let proof = prove(cluster).await;
    let asks = matches!(proof, Proof::Refused(_));
    checks.extend(registrations::checks(cluster, installed, asks).await);
    checks.push(proven(proof, enforces));
    checks
}

fn version(cluster: &Cluster) -> Check {
    let version = cluster.version();
    let message = format!("Kubernetes {version} answers");
    match (version.is_from(10), version.is_from(37)) {
        (true, false) => Check::good("api-server", message),
        (true, true) => Check::doubtful(
            "api-server",
            message,
            "this build knows Kubernetes 1.10 to 1.36; look for a newer one",
        ),
        (false, _) => Check::bad("api-server", message, "use Kubernetes 1.10 or newer"),
    }
}

fn proven(proof: Proof, enforces: bool) -> Check {
    const ID: &str = "proof";
    match proof {
        Proof::Refused(message) => {
            let rule = message.split_once("denied the request: ");
            let rule = rule.map_or("", |(_, rest)| rest.lines().next().unwrap_or(rest));
            Check::good(ID, format!("an unhardened Tiller is refused: {rule}"))
        }
        Proof::LetIn if enforces => Check::bad(
            ID,
            "an unhardened Tiller is let in".to_owned(),
            "look at the registrations above, and at the policy in ConfigMap tiller-guard-policy",
        ),
        Proof::LetIn => Check::doubtful(
            ID,
            "an unhardened Tiller is let in, as the policy has it".to_owned(),
            "set mode: enforce in ConfigMap tiller-guard-policy once the findings are dealt with",
        ),
        Proof::Unasked { cause, message } => Check {
            id: ID,
            health: Health::Bad,
            message: format!("the API server cannot ask ({}): {message}", cause.as_str()),
            cause: Some(cause.as_str()),
            hint: Some(cause.hint().to_owned()),
        },
        Proof::Untried(why) => Check::doubtful(
            ID,
            format!("no Tiller could be tried: {why}"),
            "try it with helm init in a namespace for that",
        ),
        Proof::Unknown(why) => Check::unknown(
            ID,
            format!("no Tiller could be tried: {why}"),
            "use an account that may make Deployments in the namespace default; of a dry run nothing stays",
        ),
    }
}

// === impl Check ===

impl Check {
    fn good(id: &'static str, message: String) -> Self {
        Self {
            id,
            health: Health::Good,
            message,
            cause: None,
            hint: None,
        }
    }

    fn doubtful(id: &'static str, message: String, hint: &str) -> Self {
        Self::wanting(id, Health::Doubtful, message, hint)
    }

    fn bad(id: &'static str, message: String, hint: &str) -> Self {
        Self::wanting(id, Health::Bad, message, hint)
    }

    fn unknown(id: &'static str, message: String, hint: &str) -> Self {
        Self::wanting(id, Health::Unknown, message, hint)
    }

    fn unread(id: &'static str, error: &kube::Error) -> Self {
        let why = match error {
            kube::Error::Api(status) => status.message.clone(),
            other => other.to_string(),
        };
        let message = format!("cannot be looked at: {why}");
        Self::unknown(id, message, "use an account that may read it")
    }

    fn wanting(id: &'static str, health: Health, message: String, hint: &str) -> Self {
        Self {
            id,
            health,
            message,
            cause: None,
            hint: Some(hint.to_owned()),
        }
    }
}

// === impl Health ===

impl Health {
    /// A word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "doubtful",
            Self::Unknown => "unknown",
            Self::Bad => "bad",
        }
    }
}
