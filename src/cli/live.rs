//! What a server is told of the cluster that it stands in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use clap::Args;

use crate::cluster::{LiveKnowledge, Reach, Watches};
use crate::k8s::review;
use crate::policy::{Context, Knowledge, Policy};
use crate::server::{Background, Consult, Informed, Judge};

use super::policy::now;

/// Where a pod finds the namespace that it runs in.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Where a guard is installed if nobody says otherwise.
const DEFAULT_NAMESPACE: &str = "tiller-guard";

/// The options of a server's cluster.
#[derive(Debug, Args)]
#[command(next_help_heading = "Cluster")]
pub(super) struct LiveArguments {
    /// Know nothing of the cluster: no teams, no other Tillers, no bindings; what then cannot be told is refused
    #[arg(long, conflicts_with_all = ["kubeconfig", "context", "namespace"])]
    without_cluster: bool,

    /// How to reach the cluster [default: KUBECONFIG, ~/.kube/config, or the pod's own account]
    #[arg(long, value_name = "FILE", conflicts_with = "standalone")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME", conflicts_with = "standalone")]
    context: Option<String>,

    /// The namespace of tiller-guard itself, where teams are registered
    /// [default: the pod's, or tiller-guard]
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "standalone")]
    namespace: Option<String>,
}

// === impl LiveArguments ===

impl LiveArguments {
    /// The watches of the cluster, unless the server is to know nothing of it.
    pub(super) fn resolve(
        self,
        standalone: bool,
        policy: &Arc<ArcSwap<Policy>>,
    ) -> Option<Watches> {
        let Self {
            without_cluster,
            kubeconfig,
            context,
            namespace,
        } = self;
        let reach = Reach {
            kubeconfig,
            context,
        };
        let namespace = namespace.unwrap_or_else(|| pod_namespace(Path::new(POD_NAMESPACE)));
        (!standalone && !without_cluster)
            .then(|| Watches::new(reach, &namespace, Arc::clone(policy)))
    }
}

/// Judges by the policy and what is known.
pub(super) fn judge(policy: Arc<ArcSwap<Policy>>, live: Option<LiveKnowledge>) -> Judge {
    Arc::new(move |webhook, body| {
        let policy = policy.load();
        let Some(live) = &live else {
            return review::answer(webhook, body, &policy, &Context::at(now()));
        };
        let context = Context {
            now: now(),
            knowledge: &live.now(),
        };
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
            let knowledge = live.look_up(before, &lookups).await?;
            let consult = consult(&policy, &live, Some(Arc::clone(&knowledge)));
            let judge: Judge = Arc::new(move |webhook, body| {
                let context = Context {
                    now: now(),
                    knowledge: &knowledge,
                };
                review::answer(webhook, body, &policy.load(), &context)
            });
            Some(Informed { judge, consult })
        })
    })
}

fn pod_namespace(file: &Path) -> String {
    let namespace = fs::read_to_string(file).unwrap_or_default();
    match namespace.trim() {
        "" => DEFAULT_NAMESPACE.to_owned(),
        namespace => namespace.to_owned(),
    }
}

/// What the watches do for the server beside the knowledge that it judges by.
pub(super) fn background(
    live: Option<&LiveKnowledge>,
    policy: &Arc<ArcSwap<Policy>>,
) -> Background {
    let Some(live) = live else {
        return Background::default();
    };
    let (waiting, counting) = (live.clone(), live.clone());
    Background {
        waits_for: Some(Arc::new(move || waiting.waits_for())),
        metrics: Some(Arc::new(move |registry| {
            counting.register_metrics(registry);
        })),
        consult: Some(consult(policy, live, None)),
    }
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
