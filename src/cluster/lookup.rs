//! Live reads of the cluster, for what a watch may not have reported yet.

use std::borrow::Cow;

use futures_util::future::join_all;
use hyper::header::{ACCEPT, HeaderValue};
use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::paging::Paging;
use crate::json::{ReadError, Reader, Source as _};
use crate::k8s::RECORD_SELECTOR;
use crate::policy::rbac::{RbacKind, RoleKind};
use crate::policy::rights::Lookup;
use crate::policy::{ObjectKind, WorkloadKind};

/// Lists by their metadata: `v1` is of Kubernetes 1.15. Who knows neither sends all.
pub(super) const METADATA_LIST: HeaderValue = HeaderValue::from_static(
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,\
     application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1beta1,application/json",
);
/// The end of each list's kind.
const LIST: &str = "List";
const NO_LIST: &str = "not a list";
/// Objects of a page.
pub(super) const PAGE: u32 = 500;

/// What was looked up, and the JSON of each object that was found, or why that failed.
pub(super) type LookupResult = (Lookup, kube::Result<Vec<Box<str>>>);

/// The kind of an answer that is a list. Nothing else is taken for an empty one.
pub(super) struct ListKind;

impl<'de> Deserialize<'de> for ListKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kind = Cow::<str>::deserialize(deserializer)?;
        if kind.ends_with(LIST) {
            Ok(Self)
        } else {
            Err(D::Error::custom(NO_LIST))
        }
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "kind")]
    _kind: ListKind,
    #[serde(default)]
    metadata: Metadata,
    items: Option<Vec<Box<RawValue>>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(rename = "continue", default)]
    continues: String,
}

/// Looks all of it up at the same time. The API server answers lists without a version from etcd's own last word. One that
/// fails keeps nothing else from being found.
pub(super) async fn look_up(client: &Client, lookups: &[Lookup]) -> Vec<LookupResult> {
    let each = lookups
        .iter()
        .map(|lookup| async { (lookup.clone(), list(client, lookup).await) });
    join_all(each).await
}

/// Whether the guard may not look this up, by a right that it has only where an administrator gave it.
pub(super) fn is_denied(lookup: &Lookup, error: &kube::Error) -> bool {
    let forbidden = matches!(error, kube::Error::Api(status) if status.code == 403);
    forbidden && matches!(lookup, Lookup::SecretRecordsIn(_))
}

/// A role is listed by its name, so that the right to list suffices.
async fn list(client: &Client, lookup: &Lookup) -> kube::Result<Vec<Box<str>>> {
    let mut parameters = ListParams::default().limit(PAGE);
    let (namespace, kind) = match lookup {
        Lookup::SecretRecordsIn(namespace) => {
            let found = records(client, namespace, "secrets").await?;
            return Ok(found.into_iter().map(Box::from).collect());
        }
        Lookup::PodsOf { namespace, name } => {
            let path = format!("/api/v1/namespaces/{namespace}/pods");
            let fields = format!("spec.serviceAccountName={name}");
            let of_account = parameters.clone().fields(&fields);
            return match pages(client, &path, of_account).await {
                // The field is known from Kubernetes 1.16 on.
                Err(kube::Error::Api(status)) if status.code == 400 => {
                    pages(client, &path, parameters).await
                }
                found => found,
            };
        }
        Lookup::TokensOf { namespace, name } => {
            let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
            parameters = parameters.fields(&format!("metadata.name={name}"));
            return pages(client, &path, parameters).await;
        }
        Lookup::Template {
            kind,
            namespace,
            name,
        } => {
            parameters = parameters.fields(&format!("metadata.name={name}"));
            return pages(client, &template_path(*kind, namespace), parameters).await;
        }
        Lookup::Role {
            kind,
            namespace,
            name,
        } => {
            parameters = parameters.fields(&format!("metadata.name={name}"));
            let kind = match kind {
                RoleKind::Role => RbacKind::Role,
                RoleKind::ClusterRole => RbacKind::ClusterRole,
            };
            (namespace.as_deref(), kind)
        }
        Lookup::BindingsIn(namespace) => (Some(&**namespace), RbacKind::RoleBinding),
        Lookup::ClusterRoleBindings => (None, RbacKind::ClusterRoleBinding),
    };
    let place = namespace.map_or_else(String::new, |it| format!("namespaces/{it}/"));
    let path = format!(
        "/apis/{}/v1/{place}{}",
        RbacKind::GROUP,
        ObjectKind::from(kind).resource()
    );
    pages(client, &path, parameters).await
}

/// Where the API server lists the workloads of a kind in a namespace: every kind that pods are made from is served in the first
/// of its versions from Kubernetes 1.9 on.
fn template_path(kind: WorkloadKind, namespace: &str) -> String {
    let kind = ObjectKind::from(kind);
    let api = kind.apis().next();
    let group = api.map_or("", |api| api.group);
    let version = api.and_then(|api| api.versions.first()).unwrap_or(&"v1");
    let root = if group.is_empty() { "api" } else { "apis/" };
    format!(
        "/{root}{group}/{version}/namespaces/{namespace}/{}",
        kind.resource()
    )
}

/// The metadata of the release records in a namespace: of ConfigMaps or of Secrets.
pub(super) async fn records(
    client: &Client,
    namespace: &str,
    resource: &str,
) -> kube::Result<Vec<Box<RawValue>>> {
    let mut found = Vec::new();
    each_record(client, Some(namespace), resource, |it| found.push(it)).await?;
    Ok(found)
}

/// Goes through the metadata of the release records in a namespace or in all, page by page.
pub(super) async fn each_record(
    client: &Client,
    namespace: Option<&str>,
    resource: &str,
    take: impl FnMut(Box<RawValue>),
) -> kube::Result<()> {
    each_labelled(client, namespace, (resource, RECORD_SELECTOR), take).await
}

/// Goes through the metadata of the objects of a resource that a selector of labels finds.
pub(super) async fn each_labelled(
    client: &Client,
    namespace: Option<&str>,
    (resource, selector): (&str, &str),
    take: impl FnMut(Box<RawValue>),
) -> kube::Result<()> {
    let place = namespace.map_or_else(String::new, |it| format!("namespaces/{it}/"));
    let path = format!("/api/v1/{place}{resource}");
    let parameters = ListParams::default().limit(PAGE).labels(selector);
    each(client, &path, parameters, take).await
}

/// The objects of all pages of a list. A review waits for it, so it is read as reviews are: `serde_json` takes three times
/// as long to split a list into its objects (`cargo bench --bench libraries`).
async fn pages(
    client: &Client,
    path: &str,
    mut parameters: ListParams,
) -> kube::Result<Vec<Box<str>>> {
    let (mut found, mut paging) = (Vec::new(), Paging::default());
    loop {
        let request = Request::new(path).list(&parameters);
        let request = request.map_err(kube::Error::BuildRequest)?;
        let text = client.request_text(request).await?;
        let continues = page(&text, &mut found);
        let continues = continues
            .map_err(serde_json::Error::custom)
            .and_then(|it| it.ok_or_else(|| serde_json::Error::custom(NO_LIST)))
            .map_err(kube::Error::SerdeError)?;
        paging.take(path, &continues)?;
        if continues.is_empty() {
            return Ok(found);
        }
        parameters.continue_token = Some(continues.into_owned());
    }
}

/// Reads a page of a list, and returns where the next one begins. `None` if the text is no list.
fn page<'t>(text: &'t str, found: &mut Vec<Box<str>>) -> Result<Option<Cow<'t, str>>, ReadError> {
    let mut continues = Cow::default();
    let mut is_list = false;
    let mut reader = Reader::new(text);
    reader.members(|name, list| match &**name {
        "metadata" => list.members(|name, metadata| match &**name {
            "continue" => {
                continues = metadata.text()?;
                Ok(())
            }
            _ => metadata.skip(),
        }),
        "items" => list.elements(|item| {
            found.push(item.raw()?.into());
            Ok(())
        }),
        "kind" => {
            is_list = list.text()?.ends_with(LIST);
            Ok(())
        }
        _ => list.skip(),
    })?;
    reader.end()?;
    Ok(is_list.then_some(continues))
}

/// Goes through the metadata of a list, page by page.
async fn each(
    client: &Client,
    path: &str,
    mut parameters: ListParams,
    mut take: impl FnMut(Box<RawValue>),
) -> kube::Result<()> {
    let mut paging = Paging::default();
    loop {
        let request = Request::new(path).list(&parameters);
        let mut request = request.map_err(kube::Error::BuildRequest)?;
        request.headers_mut().insert(ACCEPT, METADATA_LIST);
        let List {
            metadata, items, ..
        } = client.request::<List>(request).await?;
        items.into_iter().flatten().for_each(&mut take);
        paging.take(path, &metadata.continues)?;
        if metadata.continues.is_empty() {
            return Ok(());
        }
        parameters.continue_token = Some(metadata.continues);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::body::Bytes;

    use super::*;

    #[test]
    fn a_page_is_its_objects_and_where_the_next_begins() {
        let text = r#" {"kind": "RoleBindingList", "metadata": {"resourceVersion": "7", "continue": "a\u002fb"},
            "items": [ {"metadata": {"name": "one"}, "a": [1, {}]}, {} ] }"#;
        let mut found = Vec::new();
        assert_eq!(page(text, &mut found).unwrap().unwrap(), "a/b");
        let objects = [r#"{"metadata": {"name": "one"}, "a": [1, {}]}"#, "{}"];
        assert_eq!(found, objects.map(Box::from));
        let none = r#"{"metadata":{"continue":""},"items":null,"kind":"RoleList"}"#;
        assert_eq!(page(none, &mut found).unwrap().unwrap(), "");
        for text in ["{}", r#"{"items":[]}"#, r#"{"kind":"Status","code":403}"#] {
            assert_eq!(page(text, &mut found).unwrap(), None, "{text}");
        }
        assert_eq!(found.len(), objects.len());
        for text in [
            "",
            "[]",
            r#"{"items":[{]}"#,
            r#"{"items":[{}]}{}"#,
            r#"{"items":{}}"#,
        ] {
            assert!(page(text, &mut found).is_err(), "{text}");
        }
    }

    /// An API server that gives the same page for ever.
    #[tokio::test]
    async fn a_list_without_end_is_an_error() {
        let service = tower::service_fn(|_: hyper::Request<kube::client::Body>| async {
            let page = r#"{"kind":"PodList","metadata":{"continue":"again"},"items":[{}]}"#;
            Ok::<_, Infallible>(hyper::Response::new(http_body_util::Full::new(
                Bytes::from_static(page.as_bytes()),
            )))
        });
        let client = Client::new(service, "default");
        let parameters = ListParams::default;
        let whole = pages(&client, "/api/v1/pods", parameters()).await;
        let mut taken = 0;
        let each = each(&client, "/api/v1/pods", parameters(), |_| taken += 1).await;
        for error in [whole.unwrap_err(), each.unwrap_err()] {
            assert!(error.to_string().contains("GET /api/v1/pods"), "{error}");
        }
        assert_eq!(taken, 2);
    }
}
