//! What there is of the objects that teams need, asked for in few requests: for one team by name, for many by lists of
//! the guard's namespace.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use kube::Api;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use serde_json::Value;

use super::{LookError, api, asked};
use crate::cluster::Cluster;
use crate::cluster::apply::{ObjectReference, Seen};
use crate::gather::Gather as _;
use crate::provision::{MANAGED_BY, MANAGED_BY_LABEL, TEAM_LABEL};

/// Objects that are asked for at once.
const AT_ONCE: usize = 8;
/// The kinds that teams have in the guard's namespace.
const KINDS: [(&str, &str); 4] = [
    ("v1", "Secret"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
];

/// What is known of objects and namespaces. What it does not know it asks for.
#[derive(Debug, Default)]
pub struct Stock {
    guard_namespace: String,
    /// The namespaces, where all are known.
    namespaces: Option<BTreeMap<String, Value>>,
    /// Whether the guard's namespace was listed as a whole.
    is_whole: bool,
    objects: BTreeMap<ObjectReference, Value>,
}

// === impl Stock ===

impl Stock {
    /// All that many teams have in the guard's namespace, and all namespaces: in five requests.
    pub async fn of_many(cluster: &Cluster, guard_namespace: &str) -> Result<Self, LookError> {
        let kinds = stream::iter(KINDS)
            .map(|(version, kind)| listed(cluster, version, kind, Some(guard_namespace), None));
        let kinds = kinds.buffered(KINDS.len()).try_collect::<Vec<_>>();
        let namespaces = listed(cluster, "v1", "Namespace", None, None);
        let (kinds, namespaces) = tokio::try_join!(kinds, namespaces)?;
        Ok(Self {
            guard_namespace: guard_namespace.to_owned(),
            namespaces: Some(
                namespaces
                    .into_iter()
                    .map(|(reference, object)| (reference.name, object))
                    .collect(),
            ),
            is_whole: true,
            objects: kinds.into_iter().flatten().collect(),
        })
    }

    /// The Secrets of a team in the guard's namespace, or of all teams: its CA and bundles, in one request.
    pub async fn of_secrets(
        cluster: &Cluster,
        guard_namespace: &str,
        team: Option<&str>,
    ) -> Result<Self, LookError> {
        let mut selector = format!("{MANAGED_BY_LABEL}={MANAGED_BY},{TEAM_LABEL}");
        if let Some(team) = team {
            selector.push('=');
            selector.push_str(team);
        }
        let secrets = listed(
            cluster,
            "v1",
            "Secret",
            Some(guard_namespace),
            Some(selector),
        );
        Ok(Self {
            guard_namespace: guard_namespace.to_owned(),
            objects: secrets.await?.into_iter().collect(),
            ..Self::default()
        })
    }

    /// The namespace of this name, or none, if all are known.
    pub fn namespace(&self, name: &str) -> Option<Option<&Value>> {
        Some(self.namespaces.as_ref()?.get(name))
    }

    /// The object of this kind and name in the guard's namespace, or none, if all are known.
    pub fn find(&self, kind: &str, name: &str) -> Option<Option<&Value>> {
        let is_it = |object: &&Value| {
            let found = object.pointer("/metadata/name").and_then(Value::as_str);
            found == Some(name)
        };
        self.is_whole.then(|| self.all(kind).find(is_it))
    }

    /// What is known of this kind in the guard's namespace.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let objects = self.objects.iter();
        objects.filter_map(move |(it, object)| (it.kind == kind).then_some(object))
    }

    /// The teams that have Secrets in the guard's namespace.
    pub fn teams(&self) -> BTreeSet<String> {
        let team = |object: &Value| {
            let label = object.get("metadata")?.get("labels")?.get(TEAM_LABEL)?;
            label.as_str().map(ToOwned::to_owned)
        };
        self.all("Secret").filter_map(team).gather()
    }

    /// The team's Secrets in the guard's namespace.
    pub(super) fn secrets<'s>(&'s self, team: &'s str) -> impl Iterator<Item = &'s Value> {
        self.all("Secret").filter(move |object| {
            let label = |key: &str| object.get("metadata")?.get("labels")?.get(key)?.as_str();
            label(MANAGED_BY_LABEL) == Some(MANAGED_BY) && label(TEAM_LABEL) == Some(team)
        })
    }

    /// What is known of an object without a request.
    fn known(&self, reference: &ObjectReference, absent: &BTreeSet<&str>) -> Option<Seen> {
        let live = |object: &Value| Seen::Live(Box::new(object.clone()));
        let Some(namespace) = &reference.namespace else {
            let known = self.namespaces.as_ref()?.get(&reference.name);
            return Some(known.map_or(Seen::Absent, live));
        };
        if absent.contains(namespace.as_str()) {
            return Some(Seen::Absent);
        }
        match self.objects.get(reference) {
            Some(object) => Some(live(object)),
            None if self.is_whole && *namespace == self.guard_namespace => Some(Seen::Absent),
            None => None,
        }
    }
}

/// Objects that were looked at.
#[derive(Debug, Default)]
pub struct Looked(BTreeMap<ObjectReference, Seen>);

// === impl Looked ===

impl Looked {
    /// Looks at the objects that these models name; what was looked at before is not asked for again, and nothing is in
    /// a namespace that is not there.
    pub async fn at(
        &mut self,
        cluster: &Cluster,
        stock: &Stock,
        models: &[&Value],
    ) -> Result<(), LookError> {
        let references = models.iter().filter_map(|it| ObjectReference::of(it));
        let new = references.filter(|it| !self.0.contains_key(it));
        let (spaces, others): (Vec<_>, Vec<_>) = new.partition(|it| it.namespace.is_none());
        for references in [spaces, others] {
            let asked = self.ask(cluster, stock, references).await?;
            self.0.extend(asked);
        }
        Ok(())
    }

    async fn ask(
        &self,
        cluster: &Cluster,
        stock: &Stock,
        references: Vec<ObjectReference>,
    ) -> Result<Vec<(ObjectReference, Seen)>, LookError> {
        let absent: BTreeSet<_> = self
            .0
            .iter()
            .filter(|(reference, seen)| {
                reference.namespace.is_none() && matches!(seen, Seen::Absent)
            })
            .map(|(reference, _)| reference.name.as_str())
            .gather();
        let absent = &absent;
        let asked = stream::iter(references).map(|reference| async move {
            let seen = match stock.known(&reference, absent) {
                Some(seen) => seen,
                None => asked_for(cluster, &reference).await?,
            };
            Ok((reference, seen))
        });
        asked.buffered(AT_ONCE).try_collect().await
    }

    /// The live object, if it was looked at and is there.
    pub fn live(&self, model: &Value) -> Option<&Value> {
        match self.0.get(&ObjectReference::of(model)?)? {
            Seen::Live(live) => Some(live),
            Seen::Absent | Seen::Unknown => None,
        }
    }

    /// What is known of an object.
    pub fn seen(&self, model: &Value) -> Seen {
        let reference = ObjectReference::of(model);
        let seen = reference.and_then(|it| self.0.get(&it));
        seen.cloned().unwrap_or(Seen::Unknown)
    }

    /// Takes down what was seen of the object that this model names.
    pub fn know(&mut self, model: &Value, live: Option<Value>) {
        if let Some(reference) = ObjectReference::of(model) {
            let seen = live.map_or(Seen::Absent, |live| Seen::Live(Box::new(live)));
            self.0.insert(reference, seen);
        }
    }
}

async fn asked_for(cluster: &Cluster, reference: &ObjectReference) -> Result<Seen, LookError> {
    let api = reference.api(cluster.client());
    let found = match asked(async || api.get_opt(&reference.name).await).await {
        // So answers a server that does not serve the kind.
        Err(kube::Error::Api(status)) if status.code == 404 => None,
        found => found.map_err(|error| {
            let namespace = reference.namespace.as_deref().unwrap_or(&reference.name);
            LookError::asked(&format!("get {reference}"), namespace, error)
        })?,
    };
    Ok(found.map_or(Seen::Absent, |found| {
        Seen::Live(Box::new(serde_json::to_value(found).unwrap_or_default()))
    }))
}

/// All objects of a kind, with the fields that a list leaves out of its items.
pub(super) async fn listed(
    cluster: &Cluster,
    api_version: &str,
    kind: &str,
    namespace: Option<&str>,
    selector: Option<String>,
) -> Result<Vec<(ObjectReference, Value)>, LookError> {
    let objects: Api<DynamicObject> = if let Some(namespace) = namespace {
        api(cluster, api_version, kind, namespace)
    } else {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", api_version, kind));
        Api::all_with(cluster.client().clone(), &resource)
    };
    let parameters = ListParams {
        label_selector: selector,
        ..ListParams::default()
    };
    let found = asked(async || objects.list(&parameters).await).await;
    let found = found.map_err(|error| {
        let what = format!("list the {kind}s");
        LookError::asked(&what, namespace.unwrap_or("of the cluster"), error)
    })?;
    let items = found.items.into_iter().filter_map(|item| {
        let mut object = serde_json::to_value(item).ok()?;
        let fields = object.as_object_mut()?;
        fields.insert("apiVersion".to_owned(), api_version.into());
        fields.insert("kind".to_owned(), kind.into());
        Some((ObjectReference::of(&object)?, object))
    });
    Ok(items.collect())
}
