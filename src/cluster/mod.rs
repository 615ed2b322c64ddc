//! The cluster: the one owner of the Kubernetes client.

mod connection;

pub use connection::{Cluster, ConnectError, KubernetesVersion, Reach};
