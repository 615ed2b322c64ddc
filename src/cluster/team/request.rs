//! Asking for what is kept of teams.

use std::time::Duration;

use kube::Api;
use kube::api::DynamicObject;
use tokio::time::sleep;

use crate::cluster::Cluster;
use crate::cluster::apply::ObjectReference;

/// Where the API server has a kind, in a namespace.
pub(in crate::cluster) fn api(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespace: &str,
) -> Api<DynamicObject> {
    let reference = ObjectReference {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: String::new(),
    };
    reference.api(cluster.client())
}

/// How often a question is asked, with pauses that double from the first: 3 s in all.
const ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Asks again where the API server is overloaded, fails, or cannot be reached.
pub(in crate::cluster) async fn asked<T>(
    ask: impl AsyncFn() -> kube::Result<T>,
) -> kube::Result<T> {
    let mut attempt = 1;
    loop {
        match ask().await {
            Err(error) if attempt < ATTEMPTS && is_passing(&error) => {
                sleep(FIRST_PAUSE * 2_u32.saturating_pow(attempt - 1)).await;
                attempt += 1;
            }
            answer => return answer,
        }
    }
}

fn is_passing(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => status.code == 429 || status.code >= 500,
        kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => true,
        _ => false,
    }
}
