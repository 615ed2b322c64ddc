//! What a cluster has of teams: their registrations, CAs, certificates and bundles; and how Tiller comes up.

mod found;
mod registered;
mod rollout;

pub use found::{Found, FoundBundle, LookError, bundle, look};
pub use registered::{Registered, registered};
pub use rollout::{Rollout, rollout};

use kube::Api;
use kube::api::DynamicObject;

use super::Cluster;
use super::apply::ObjectReference;

/// Where the API server has a kind, in a namespace.
fn api(cluster: &Cluster, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
    let reference = ObjectReference {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: String::new(),
    };
    reference.api(cluster.client())
}
