//! The cluster: the one owner of the Kubernetes client.

pub mod apply;
mod connection;
pub mod events;
mod lookup;
mod watch;

pub use connection::{Cluster, ConnectError, KubernetesVersion, Reach};
pub use watch::{LiveKnowledge, Watches};
