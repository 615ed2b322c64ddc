//! What a server is told of the cluster that it stands in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use clap::Args;

use crate::cluster::{LiveKnowledge, Reach, Watches};
use crate::policy::Policy;
use crate::server::Background;

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
    /// How the cluster is reached, and the guard's namespace in it, unless the server is to know nothing of a cluster.
    pub(super) fn place(&self) -> Option<(Reach, String)> {
        let reach = Reach {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
        };
        (!self.without_cluster).then(|| (reach, self.namespace()))
    }

    fn namespace(&self) -> String {
        let own = || pod_namespace(Path::new(POD_NAMESPACE));
        self.namespace.clone().unwrap_or_else(own)
    }

    /// The watches of the cluster, unless the server is to know nothing of it.
    pub(super) fn resolve(
        &self,
        standalone: bool,
        policy: &Arc<ArcSwap<Policy>>,
    ) -> Option<Watches> {
        let (reach, namespace) = self.place().filter(|_| !standalone)?;
        Some(Watches::new(reach, &namespace, Arc::clone(policy)))
    }
}

fn pod_namespace(file: &Path) -> String {
    let namespace = fs::read_to_string(file).unwrap_or_default();
    match namespace.trim() {
        "" => DEFAULT_NAMESPACE.to_owned(),
        namespace => namespace.to_owned(),
    }
}

/// What the health port tells of the watches.
pub(super) fn background(live: Option<&LiveKnowledge>) -> Background {
    let Some(live) = live else {
        return Background::default();
    };
    let (waiting, counting) = (live.clone(), live.clone());
    Background {
        waits_for: Some(Arc::new(move || waiting.waits_for())),
        metrics: Some(Arc::new(move |registry| {
            counting.register_metrics(registry);
        })),
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
