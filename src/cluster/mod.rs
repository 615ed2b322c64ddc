//! The cluster: the one owner of the Kubernetes client.

pub mod apply;
pub mod certificate;
mod connection;
pub mod events;

pub use connection::{Cluster, ConnectError, KubernetesVersion, Reach};
