//! Looking something up in the cluster now, where a watch may not have told of it yet.

use futures_util::future::try_join_all;
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::policy::access::{AccessKind, Lookup, RoleKind};

/// Objects of a page.
const PAGE: u32 = 500;

/// What was found, with what was looked for.
pub(super) type Found = (Lookup, Vec<Box<RawValue>>);

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    metadata: Metadata,
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(rename = "continue", default)]
    continues: String,
}

/// Looks all of it up at the same time. The API server answers lists without a version from etcd's own last word.
pub(super) async fn look_up(client: &Client, lookups: &[Lookup]) -> kube::Result<Vec<Found>> {
    let each = lookups.iter().map(|lookup| async {
        let found = list(client, lookup).await?;
        Ok((lookup.clone(), found))
    });
    try_join_all(each).await
}

/// A role is listed by its name, so that the right to list suffices.
async fn list(client: &Client, lookup: &Lookup) -> kube::Result<Vec<Box<RawValue>>> {
    let mut parameters = ListParams::default().limit(PAGE);
    let (namespace, kind) = match lookup {
        Lookup::Role {
            kind,
            namespace,
            name,
        } => {
            parameters = parameters.fields(&format!("metadata.name={name}"));
            let kind = match kind {
                RoleKind::Role => AccessKind::Role,
                RoleKind::ClusterRole => AccessKind::ClusterRole,
            };
            (namespace.as_deref(), kind)
        }
        Lookup::BindingsIn(namespace) => (Some(&**namespace), AccessKind::RoleBinding),
        Lookup::ClusterRoleBindings => (None, AccessKind::ClusterRoleBinding),
    };
    let place = namespace.map_or_else(String::new, |it| format!("namespaces/{it}/"));
    let path = format!("/apis/{}/v1/{place}{}", AccessKind::GROUP, kind.resource());
    let mut found = Vec::new();
    loop {
        let request = Request::new(&path).list(&parameters);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let List { metadata, items } = client.request::<List>(request).await?;
        found.extend(items.unwrap_or_default());
        if metadata.continues.is_empty() {
            return Ok(found);
        }
        parameters.continue_token = Some(metadata.continues);
    }
}
