//! The cluster: the one owner of the Kubernetes client.

mod connection;
mod watch;

pub use connection::{Cluster, ConnectError, KubernetesVersion, Reach};
pub use watch::{LiveKnowledge, Watches};
