//! The cluster: the one owner of the Kubernetes client.

pub mod apply;
mod connection;

pub use connection::{Cluster, ConnectError, KubernetesVersion, Reach};
