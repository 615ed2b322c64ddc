//! Lists what an audit reads, page by page, and keeps only what the report needs.

use std::collections::BTreeMap;

use hyper::header::ACCEPT;
use kube::api::ListParams;
use kube::core::Request;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Cluster;
use super::drift::drift;
use super::install::{policy_text, webhook_configuration};
use super::lookup::{ListKind, METADATA_LIST, each_record};
use super::paging::Paging;
use super::releases::{self, ListError};
use super::team::asked;
use super::told::words;
use super::watch::{Collection, WatchedResource, serves};
use crate::audit::{Audit, AuditReport, Basis, Extent, Failure, GuardState, Listed};
use crate::installation::Installation;
use crate::k8s::TEAM_SELECTOR;
use crate::policy::{Api, ObjectKind, Policy, Timestamp};
use crate::releases::{Storage, examine};
use crate::report::Maybe;

/// Objects of a page.
const PAGE: u32 = 500;
/// The versions of what leads to Services, the best first.
const VERSIONS: [&str; 5] = ["v1", "v1beta1", "v1alpha2", "v1alpha3", "v1alpha1"];

/// Where an audit looks.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The namespace; without one, all are.
    pub namespace: Option<&'a str>,
    /// The guard's own, which holds the teams.
    pub guard: &'a str,
    /// How much is listed.
    pub extent: Extent,
}

/// A list ended before its end.
struct Ended {
    error: kube::Error,
    /// How many objects came before.
    after: usize,
}

#[derive(Deserialize)]
struct Page<'p> {
    #[serde(rename = "kind")]
    _kind: ListKind,
    #[serde(default)]
    metadata: Metadata,
    #[serde(borrow)]
    items: Option<Vec<&'p RawValue>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(rename = "continue", default)]
    continues: String,
}

/// Audits all namespaces by a policy, at `now`. `guard` is the guard's own namespace.
pub async fn audited(
    cluster: &Cluster,
    (policy, now): (Policy, Timestamp),
    (guard, extent): (&str, Extent),
) -> AuditReport {
    let basis = Basis {
        policy,
        origin: "installed",
        now,
        namespace: None,
    };
    let mut audit = Audit::new(basis, Some(cluster.version().known_minor()));
    let place = Place {
        namespace: None,
        guard,
        extent,
    };
    take(cluster, place, &mut audit).await;
    audit.report(None)
}

/// Lists all that an audit reads. A list that fails is reported as unknown; the others continue.
pub async fn take(cluster: &Cluster, place: Place<'_>, audit: &mut Audit) {
    let lists = Listed::ALL.into_iter();
    for listed in lists {
        if !place.extent.has(listed) {
            audit.leave_list(listed);
            continue;
        }
        // The guard's own account has no right to them.
        if listed == Listed::Certificates && place.extent == Extent::Unattended {
            audit.leave_own_certificates();
        }
        match collections(cluster, listed, place, audit).await {
            Ok(found) if found.is_empty() => audit.not_served(listed),
            Ok(found) => {
                for collection in found {
                    take_list(cluster, listed, &collection, place, audit).await;
                }
            }
            Err(error) => audit.miss(listed, failure(&error)),
        }
    }
    for storage in Storage::ALL {
        if !place.extent.storages().contains(&storage) {
            audit.leave(storage);
            continue;
        }
        let taken = if place.extent.reads_records() {
            take_records(cluster, storage, place.namespace, audit).await
        } else {
            count_records(cluster, storage, place.namespace, audit).await
        };
        if let Err(failure) = taken {
            audit.miss_records(storage, failure);
        }
    }
}

async fn take_records(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
    audit: &mut Audit,
) -> Result<(), Failure> {
    let minor = cluster.version().known_minor();
    let examine = move |record| examine(&record, Some(minor));
    let take = |examined| audit.take_record(examined);
    let taken = releases::list(cluster, storage, namespace, examine, take).await;
    taken.map_err(|error| Failure {
        is_forbidden: matches!(
            error,
            ListError::Asked {
                is_forbidden: true,
                ..
            }
        ),
        reason: error.to_string(),
    })
}

/// By their metadata.
async fn count_records(
    cluster: &Cluster,
    storage: Storage,
    namespace: Option<&str>,
    audit: &mut Audit,
) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Object {
        metadata: Place,
    }
    #[derive(Deserialize)]
    struct Place {
        namespace: String,
    }
    let count = |object: Box<RawValue>| {
        if let Ok(Object { metadata }) = serde_json::from_str(object.get()) {
            audit.count_record(metadata.namespace, storage);
        }
    };
    let counted = each_record(cluster.client(), namespace, storage.as_str(), count).await;
    counted.map_err(|error| failure(&error))
}

/// What is wrong with the webhook configurations, compared with an installation. What cannot be read is reported as unknown.
pub async fn guard(cluster: &Cluster, installed: &Installation, audit: &mut Audit) -> GuardState {
    let mut configurations = BTreeMap::new();
    let kinds = [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    for (kind, wanted) in kinds.into_iter().zip(installed.webhook_configurations()) {
        let state = match webhook_configuration(cluster, kind).await {
            Ok(Some(live)) => Maybe::Known(drift(&wanted, &live)),
            Ok(None) => Maybe::Known(vec![format!("there is no {kind} tiller-guard")]),
            Err(error) => {
                let failure = failure(&error);
                let unknown = failure.reason.clone();
                audit.unseen(kind.to_owned(), failure);
                Maybe::Unknown { unknown }
            }
        };
        configurations.insert(kind, state);
    }
    GuardState {
        configurations,
        changed_by: audit.changed_by(),
    }
}

async fn take_list(
    cluster: &Cluster,
    listed: Listed,
    collection: &Collection,
    place: Place<'_>,
    audit: &mut Audit,
) {
    let everywhere = matches!(listed, Listed::Teams | Listed::Rbac(_));
    let path = match place.namespace {
        Some(namespace) if !everywhere => within(&collection.path, namespace),
        _ => collection.path.clone(),
    };
    let first = pages(cluster, listed, (&path, collection), audit).await;
    let Err(ended) = first else { return };
    audit.miss(listed, ended.failure());
    // Who may not list rights everywhere may do so in the namespace.
    let namespace = place
        .namespace
        .filter(|_| everywhere && is_forbidden(&ended.error));
    if let (Some(namespace), Listed::Rbac(kind)) = (namespace, listed)
        && ObjectKind::from(kind).has_namespace()
    {
        let path = within(&collection.path, namespace);
        // What fails is said to be unknown already.
        let _again = pages(cluster, listed, (&path, collection), audit).await;
    }
}

async fn pages(
    cluster: &Cluster,
    listed: Listed,
    (path, collection): (&str, &Collection),
    audit: &mut Audit,
) -> Result<(), Ended> {
    let mut parameters = ListParams::default().limit(PAGE);
    parameters.label_selector = collection.selector.map(ToOwned::to_owned);
    parameters.field_selector.clone_from(&collection.fields);
    let (mut after, mut paging) = (0, Paging::default());
    loop {
        let ended = |error| Ended { error, after };
        let text = asked(async || {
            let request = Request::new(path).list(&parameters);
            let mut request = request.map_err(kube::Error::BuildRequest)?;
            if collection.metadata_only {
                request.headers_mut().insert(ACCEPT, METADATA_LIST);
            }
            cluster.client().request_text(request).await
        });
        let text = text.await.map_err(ended)?;
        let page: Result<Page<'_>, _> = serde_json::from_str(&text);
        let Page {
            metadata, items, ..
        } = page.map_err(|error| ended(kube::Error::SerdeError(error)))?;
        for object in items.into_iter().flatten() {
            audit.take(listed, object.get());
            after += 1;
        }
        let taken = paging.take(path, &metadata.continues);
        taken.map_err(|error| Ended { error, after })?;
        if metadata.continues.is_empty() {
            return Ok(());
        }
        parameters.continue_token = Some(metadata.continues);
    }
}

/// The API paths to list. Empty if the API server does not serve this kind.
async fn collections(
    cluster: &Cluster,
    listed: Listed,
    place: Place<'_>,
    audit: &Audit,
) -> kube::Result<Vec<Collection>> {
    let client = cluster.client();
    let watched = match listed {
        Listed::Workloads(kind) => WatchedResource::Workloads(kind),
        Listed::Rbac(kind) => WatchedResource::Rbac(kind),
        Listed::Teams => WatchedResource::Teams,
        Listed::Exposure(kind) => {
            for Api {
                group, resources, ..
            } in ObjectKind::from(kind).apis()
            {
                let resource = resources.first().copied().unwrap_or_default();
                if let Some(path) = served(cluster, group, resource).await? {
                    return Ok(vec![everything(path)]);
                }
            }
            return Ok(Vec::new());
        }
        Listed::ReferenceGrants => {
            let path = served(cluster, "gateway.networking.k8s.io", listed.as_str()).await?;
            return Ok(path.map(everything).into_iter().collect());
        }
        Listed::ServiceAccounts => {
            return Ok(vec![everything("/api/v1/serviceaccounts".to_owned())]);
        }
        Listed::Tokens => {
            return Ok(vec![Collection {
                fields: Some("type=kubernetes.io/service-account-token".to_owned()),
                metadata_only: true,
                ..everything("/api/v1/secrets".to_owned())
            }]);
        }
        Listed::Certificates => {
            let named = audit.certificate_secrets().into_iter();
            let named = named.map(|name| Collection {
                fields: Some(format!("metadata.name={name}")),
                ..everything("/api/v1/secrets".to_owned())
            });
            return Ok(named.collect());
        }
    };
    let found = watched.find(client, place.guard).await?;
    let found = found.map(|collection| Collection {
        selector: (listed == Listed::Teams).then_some(TEAM_SELECTOR),
        ..collection
    });
    Ok(found.into_iter().collect())
}

async fn served(cluster: &Cluster, group: &str, resource: &str) -> kube::Result<Option<String>> {
    if group.is_empty() {
        return Ok(Some(format!("/api/v1/{resource}")));
    }
    for version in VERSIONS {
        if serves(cluster.client(), group, version, resource).await? {
            return Ok(Some(format!("/apis/{group}/{version}/{resource}")));
        }
    }
    Ok(None)
}

fn everything(path: String) -> Collection {
    Collection {
        path,
        selector: None,
        fields: None,
        metadata_only: false,
    }
}

/// The same list of one namespace.
fn within(path: &str, namespace: &str) -> String {
    path.rsplit_once('/').map_or_else(
        || path.to_owned(),
        |(before, resource)| format!("{before}/namespaces/{namespace}/{resource}"),
    )
}

fn failure(error: &kube::Error) -> Failure {
    Failure {
        reason: words(error),
        is_forbidden: is_forbidden(error),
    }
}

fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}

/// The installed policy, if there is one. An error is the reason to report.
pub async fn installed_policy(
    cluster: &Cluster,
    namespace: &str,
) -> Result<Option<String>, Failure> {
    let text = policy_text(cluster, namespace).await;
    text.map_err(|error| failure(&error))
}

// === impl Ended ===

impl Ended {
    fn failure(&self) -> Failure {
        let mut failure = failure(&self.error);
        if self.after > 0 {
            failure.reason = format!(
                "the list ended after {} objects: {}; run the audit again",
                self.after, failure.reason
            );
        }
        failure
    }
}
