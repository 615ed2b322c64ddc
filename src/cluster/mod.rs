//! The cluster: the one owner of the Kubernetes client.

mod aks;
pub mod apply;
pub mod audit;
pub mod audit_reports;
pub mod certificate;
mod connection;
pub mod doctor;
mod drift;
pub mod events;
pub mod install;
mod kube_context;
pub mod lease;
mod lookup;
mod paging;
pub mod proof;
pub mod releases;
pub mod served;
pub mod team;
pub mod told;
mod unread;
mod version;
mod watch;

pub use connection::{Cluster, ConnectError, Reach};
pub use kube_context::KubeContext;
pub use unread::is_unread;
pub use version::KubernetesVersion;
pub use watch::{LiveKnowledge, Registered, Watches};
