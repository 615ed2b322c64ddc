//! What a server is told of the cluster that it stands in.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use clap::Args;

use super::reach::ReachArguments;
use crate::cluster::certificate::CertificateMetrics;
use crate::cluster::events::{Recorder, Refusal};
use crate::cluster::{LiveKnowledge, Reach, Registered, Watches};
use crate::installation;
use crate::k8s::review::{self, Answer};
use crate::policy::{Context, Decision, Knowledge, Policy};
use crate::server::{Background, Consult, Informed, Judge};

use super::policy_options::now;

/// Where a pod finds the namespace that it runs in.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The options of a server's cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct LiveArguments {
    /// Run without cluster access; a decision that needs it is a refusal. The version is unknown too: without
    /// seccompProfile, before Kubernetes 1.19, every Tiller is refused
    #[arg(long, requires = "tls_cert_file", conflicts_with_all = ["kubeconfig", "context", "namespace"])]
    without_cluster: bool,

    /// Namespace of tiller-guard itself, which holds the teams [default: the pod's, else tiller-guard]
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    #[command(flatten)]
    reach: ReachArguments,
}

// === impl LiveArguments ===

impl LiveArguments {
    /// How the cluster is reached.
    pub(super) fn reach(&self) -> Reach {
        self.reach.clone().into()
    }

    /// The guard's own namespace.
    pub(super) fn namespace(&self) -> String {
        let given = self.namespace.clone();
        given.unwrap_or_else(|| pod_namespace(Path::new(POD_NAMESPACE)))
    }

    /// What writes Events into the cluster. Call it within a runtime.
    pub(super) fn recorder(&self) -> Recorder {
        Recorder::start(self.reach())
    }

    /// The watches of the cluster, unless the server is to know nothing of it.
    pub(super) fn watches(
        &self,
        registered: Registered,
        policy: &Arc<ArcSwap<Policy>>,
    ) -> Option<Watches> {
        let policy = Arc::clone(policy);
        let watches = || Watches::new(self.reach(), &self.namespace(), registered, policy);
        (!self.without_cluster).then(watches)
    }
}

/// Judges by the policy and what is known.
pub(super) fn judge(policy: Arc<ArcSwap<Policy>>, live: Option<LiveKnowledge>) -> Judge {
    Arc::new(move |webhook, body| {
        let policy = policy.load();
        let Some(live) = &live else {
            return review::answer(webhook, body, &policy, &Context::at(now()));
        };
        let knowledge = live.now();
        let context = Context::new(now(), &knowledge);
        review::answer(webhook, body, &policy, &context)
    })
}

/// Looks up what a decision hangs on, on top of what was found before, or else of what is known.
fn consult(
    policy: &Arc<ArcSwap<Policy>>,
    live: &LiveKnowledge,
    before: Option<Arc<Knowledge>>,
) -> Consult {
    let (policy, live) = (Arc::clone(policy), live.clone());
    Arc::new(move |lookups| {
        let (policy, live, before) = (Arc::clone(&policy), live.clone(), before.clone());
        Box::pin(async move {
            let (knowledge, whole) = live.look_up(before, &lookups).await?;
            let consult = consult(&policy, &live, Some(Arc::clone(&knowledge)));
            let judge: Judge = Arc::new(move |webhook, body| {
                let context = Context::new(now(), &knowledge);
                review::answer(webhook, body, &policy.load(), &context)
            });
            Some(Informed {
                judge,
                consult,
                whole,
            })
        })
    })
}

fn pod_namespace(file: &Path) -> String {
    let namespace = fs::read_to_string(file).unwrap_or_default();
    match namespace.trim() {
        "" => installation::NAMESPACE.to_owned(),
        namespace => namespace.to_owned(),
    }
}

/// What the watches do for the server beside the knowledge that it judges by, the Events of what is refused, and how the
/// guard's own certificate fares.
pub(super) fn background(
    live: &LiveKnowledge,
    policy: &Arc<ArcSwap<Policy>>,
    recorder: Recorder,
    metrics: Option<CertificateMetrics>,
) -> Background {
    let (waiting, counting) = (live.clone(), live.clone());
    Background {
        waits_for: Some(Arc::new(move || waiting.waits_for())),
        metrics: Some(Arc::new(move |registry| {
            counting.register_metrics(registry);
            if let Some(metrics) = &metrics {
                metrics.register(registry);
            }
        })),
        consult: Some(consult(policy, live, None)),
        answered: Some(Arc::new(move |answer| {
            if let Some(refusal) = refusal(answer) {
                recorder.record(refusal);
            }
        })),
    }
}

/// What is told of an answer in an Event: refusals, but those of dry runs, which leave no trace.
fn refusal(answer: &Answer) -> Option<Refusal> {
    let record = answer.record.as_ref()?;
    let told = answer.decision == Decision::Refused && !record.dry_run;
    told.then(|| Refusal {
        namespace: record.namespace.clone(),
        kind: answer.kind,
        name: record.name.clone(),
        rules: answer.rules.join(","),
        message: answer.refusal.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_is_the_pods_where_there_is_one() {
        assert_eq!(pod_namespace(Path::new("/nonexistent")), "tiller-guard");
        let file = std::env::temp_dir().join(format!("namespace-{}", std::process::id()));
        fs::write(&file, "guards\n").unwrap();
        assert_eq!(pod_namespace(&file), "guards");
        fs::remove_file(&file).unwrap();
    }
}
