//! What a server is told of the cluster that it stands in.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use clap::Args;
use prometheus_client::registry::Registry;

use super::duration::duration;
use super::output::report_apis;
use super::reach::ReachArguments;
use crate::cluster::certificate::CertificateMetrics;
use crate::cluster::events::{Recorder, Refusal};
use crate::cluster::{LiveKnowledge, Reach, Registered, Watches};
use crate::installation;
use crate::k8s::review::{self, Answer, BadReview, Lookup, Read, Review, Webhook};
use crate::policy::{Context, Decision, Knowledge, Policy};
use crate::report::ReportApi;
use crate::server::{Guard, Judged, LookedUp, LookingUp, Taken};

use super::policy_options::{LivePolicy, now};

/// Audits that follow one another faster than this only burden the API server.
const SHORTEST_AUDIT_INTERVAL: Duration = Duration::from_secs(1);
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

    /// Audit what already runs, this long after the last audit, and show the findings as metrics. One replica does it: the
    /// one that holds the Lease tiller-guard [default: no audits]
    #[arg(long, value_name = "DURATION", value_parser = duration, conflicts_with = "without_cluster")]
    audit_interval: Option<Duration>,

    /// Write the findings of each audit into the cluster too: report (objects of openreports.io) or policyreport (wgpolicyk8s.io)
    #[arg(long, value_name = "API", requires = "audit_interval", value_parser = report_apis())]
    audit_reports: Option<ReportApi>,

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
        let interval = self
            .audit_interval
            .map(|it| it.max(SHORTEST_AUDIT_INTERVAL));
        let watches = || {
            Watches::new(self.reach(), &self.namespace(), registered, policy)
                .auditing(interval, self.audit_reports)
        };
        (!self.without_cluster).then(watches)
    }
}

/// What a server serves: it judges by the policy and what is known of the cluster.
pub(super) struct LiveGuard {
    pub(super) policy: LivePolicy,
    /// Nothing where the server is to know nothing of a cluster.
    pub(super) cluster: Option<LiveCluster>,
}

/// What is known of the cluster and told to it, and how the guard's own certificate fares.
pub(super) struct LiveCluster {
    pub(super) knowledge: LiveKnowledge,
    pub(super) recorder: Recorder,
    pub(super) certificate: Option<CertificateMetrics>,
}

// === impl LiveGuard ===

impl Guard for LiveGuard {
    fn judge<'b>(&self, webhook: Webhook, body: &'b [u8]) -> Result<Judged<'b>, BadReview> {
        let policy = self.policy.current.load();
        let Some(LiveCluster {
            knowledge: live, ..
        }) = &self.cluster
        else {
            return review::answer(webhook, body, &policy, &Context::at(now())).map(Into::into);
        };
        let knowledge = live.now();
        match Review::read(webhook, body, &policy.settings, &knowledge)? {
            Read::Unconcerned(answer) => Ok(answer.into()),
            Read::Concerned(mut review) => {
                let context = Context::new(now(), &knowledge);
                let mut answer = review.answer(&policy, &context);
                if answer.decision == Decision::Trial {
                    review.tell_unwatched(live.unwatched());
                    answer = review.answer(&policy, &context);
                }
                Ok(Judged {
                    answer,
                    review: Some(review),
                })
            }
        }
    }

    fn judge_again(&self, review: &mut Review<'_>, knowledge: &Knowledge) -> Answer {
        let policy = self.policy.current.load();
        review.answer(&policy, &Context::new(now(), knowledge))
    }

    fn look_up(&self, before: Option<Arc<Knowledge>>, lookups: Vec<Lookup>) -> LookingUp {
        let live = self.cluster.as_ref().map(|it| it.knowledge.clone());
        Box::pin(async move {
            let (knowledge, whole) = live?.look_up(before, &lookups).await?;
            Some(LookedUp { knowledge, whole })
        })
    }

    fn answered(&self, answer: &Answer) {
        if let (Some(cluster), Some(refusal)) = (&self.cluster, refusal(answer)) {
            cluster.recorder.record(refusal);
        }
    }

    fn waits_for(&self) -> Option<String> {
        self.cluster.as_ref()?.knowledge.waits_for()
    }

    fn register_metrics(&self, registry: &mut Registry) {
        let Some(cluster) = &self.cluster else { return };
        cluster.knowledge.register_metrics(registry);
        if let Some(certificate) = &cluster.certificate {
            certificate.register(registry);
        }
    }

    fn take_policy(&self, contents: &[u8]) -> Taken {
        self.policy.take(contents)
    }
}

fn pod_namespace(file: &Path) -> String {
    let namespace = fs::read_to_string(file).unwrap_or_default();
    match namespace.trim() {
        "" => installation::NAMESPACE.to_owned(),
        namespace => namespace.to_owned(),
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
