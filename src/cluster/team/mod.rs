//! What a cluster has of teams: their registrations, CAs, certificates and bundles; and how Tiller comes up.

mod found;
mod granting;
mod own_rights;
mod personal;
mod reached;
mod recorded;
mod registered;
mod releases;
mod request;
mod requester;
mod rights;
mod rollout;
mod stock;

pub use found::{FoundBundle, FoundCertificates, LookError, Refusal, Unusable, found, people};
pub use granting::lacking_grants;
pub use own_rights::{Write, lacking_rights, may_do_everything};
pub use personal::{PersonalBundle, bundle};
pub use reached::{Reached, TillerPod, reached};
pub use recorded::recorded;
pub use registered::{Registered, registered, registered_in};
pub use releases::{Existing, Recorded, existing, releases};
pub use requester::{requester, tried_requester};
pub use rights::{Granted, Grants};
pub use rollout::{Deployed, Rollout, deployed, rollout};
pub use stock::{Looked, Stock};

pub(in crate::cluster) use request::{api, asked};

use serde_json::Value;

use super::Cluster;
use super::apply::ObjectReference;

/// Whether there is such a namespace.
pub async fn has_namespace(cluster: &Cluster, name: &str) -> Result<bool, LookError> {
    Ok(namespace(cluster, name).await?.is_some())
}

/// Whether a namespace is being deleted: nothing can be made in it.
pub fn is_leaving(namespace: &Value) -> bool {
    namespace.pointer("/metadata/deletionTimestamp").is_some()
}

/// A namespace, if it is there.
pub async fn namespace(cluster: &Cluster, name: &str) -> Result<Option<Value>, LookError> {
    let reference = ObjectReference {
        api_version: "v1".to_owned(),
        kind: "Namespace".to_owned(),
        namespace: None,
        name: name.to_owned(),
    };
    let api = reference.api(cluster.client());
    let found = asked(async || api.get_opt(name).await).await;
    let found = found.map_err(|error| LookError::asked("look", name, error))?;
    Ok(found.map(|found| serde_json::to_value(found).unwrap_or_default()))
}
