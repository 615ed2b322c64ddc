//! Writing single records. What is in conflict with somebody else's write is left to the next look.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{ACCEPT, HeaderValue};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Request;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::list::{is_forbidden, reason};
use crate::cluster::Cluster;
use crate::cluster::team::{api, asked};
use crate::releases::{KEY, Record, Storage};

/// An object's metadata is enough of an answer.
const METADATA: HeaderValue = HeaderValue::from_static(
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,\
     application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1,application/json",
);

/// A record could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {} {namespace}/{name}: {reason}", .storage.kind())]
pub struct WriteError {
    verb: &'static str,
    storage: Storage,
    namespace: String,
    name: String,
    reason: String,
    /// Whether the right to do it is missing.
    pub is_forbidden: bool,
}

/// What became of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written {
    /// It was done; the object's version.
    Done(String),
    /// Somebody else has written or deleted the object, or made one of that name.
    Overtaken,
}

/// Where records are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) namespace: &'a str,
    pub(super) storage: Storage,
    pub(super) dry_run: bool,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata {
    resource_version: String,
}

/// A record as an object of a storage: the same name, labels and text.
pub(super) fn object(record: &Record, storage: Storage) -> Value {
    let text = record.text.as_deref().unwrap_or_default();
    let mut annotations: Map<String, Value> = Map::new();
    for (key, value) in &record.annotations {
        if key != "kubectl.kubernetes.io/last-applied-configuration" {
            annotations.insert(key.clone(), value.as_str().into());
        }
    }
    let metadata = json!({
        "name": record.name,
        "namespace": record.namespace,
        "labels": record.labels,
        "annotations": annotations,
    });
    match storage {
        Storage::ConfigMaps => json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": metadata,
            "data": { KEY: String::from_utf8_lossy(text) },
        }),
        Storage::Secrets => json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "Opaque",
            "data": { KEY: STANDARD.encode(text) },
        }),
    }
}

// === impl Writer ===

impl Writer<'_> {
    fn request(&self) -> Request {
        let Self {
            namespace, storage, ..
        } = self;
        Request::new(format!(
            "/api/v1/namespaces/{namespace}/{}",
            storage.as_str()
        ))
    }

    fn parameters(&self) -> PostParams {
        PostParams {
            dry_run: self.dry_run,
            field_manager: None,
        }
    }

    /// Creates an object.
    pub(super) async fn create(&self, name: &str, object: &Value) -> Result<Written, WriteError> {
        let body = object.to_string().into_bytes();
        self.send("create", name, || {
            self.request().create(&self.parameters(), body.clone())
        })
        .await
    }

    /// Reads an object.
    pub(super) async fn get(&self, name: &str) -> Result<Option<Value>, WriteError> {
        let api = api(self.cluster, "v1", self.storage.kind(), self.namespace);
        let found = asked(async || api.get_opt(name).await).await;
        let found = found.map_err(|error| self.failed("get", name, &error))?;
        Ok(found.map(|it| serde_json::to_value(it).unwrap_or_default()))
    }

    /// Writes an object anew, if it still is of this version.
    pub(super) async fn replace(
        &self,
        name: &str,
        mut object: Value,
        version: &str,
    ) -> Result<Written, WriteError> {
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), version.into());
        }
        let body = object.to_string().into_bytes();
        self.send("update", name, || {
            self.request()
                .replace(name, &self.parameters(), body.clone())
        })
        .await
    }

    /// Changes a label, if the object still is of this version.
    pub(super) async fn label(
        &self,
        name: &str,
        (label, value): (&str, &str),
        version: &str,
    ) -> Result<Written, WriteError> {
        let metadata = json!({ "resourceVersion": version, "labels": { label: value } });
        self.patch("label", name, &metadata).await
    }

    /// Sets annotations, if the object still is of this version.
    pub(super) async fn annotate(
        &self,
        name: &str,
        annotations: &Value,
        version: &str,
    ) -> Result<Written, WriteError> {
        let metadata = json!({ "resourceVersion": version, "annotations": annotations });
        self.patch("annotate", name, &metadata).await
    }

    async fn patch(
        &self,
        verb: &'static str,
        name: &str,
        metadata: &Value,
    ) -> Result<Written, WriteError> {
        let patch = json!({ "metadata": metadata });
        let parameters = PatchParams::default();
        self.send(verb, name, || {
            self.request()
                .patch(name, &parameters, &Patch::Merge(&patch))
        })
        .await
    }

    /// Deletes an object, if it still is of this version.
    pub(super) async fn delete(&self, name: &str, version: &str) -> Result<Written, WriteError> {
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: None,
                resource_version: Some(version.to_owned()),
            }),
            ..DeleteParams::default()
        };
        self.send("delete", name, || self.request().delete(name, &parameters))
            .await
    }

    async fn send(
        &self,
        verb: &'static str,
        name: &str,
        request: impl Fn() -> Result<hyper::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Written, WriteError> {
        let attempts = AtomicU32::new(0);
        let answer = asked(async || {
            attempts.fetch_add(1, Ordering::Relaxed);
            let mut request = request().map_err(kube::Error::BuildRequest)?;
            // Kubernetes 1.10 deletes, and then fails to write its answer as metadata.
            if verb != "delete" {
                request.headers_mut().insert(ACCEPT, METADATA);
            }
            self.cluster.client().request::<Answer>(request).await
        });
        match answer.await {
            Ok(answer) => Ok(Written::Done(answer.metadata.resource_version)),
            // An earlier attempt has deleted it, and its answer was lost.
            Err(kube::Error::Api(status))
                if verb == "delete"
                    && status.code == 404
                    && attempts.load(Ordering::Relaxed) > 1 =>
            {
                Ok(Written::Done(String::new()))
            }
            Err(kube::Error::Api(status)) if overtaken(verb, status.code) => Ok(Written::Overtaken),
            Err(error) => Err(self.failed(verb, name, &error)),
        }
    }

    fn failed(&self, verb: &'static str, name: &str, error: &kube::Error) -> WriteError {
        WriteError {
            verb,
            storage: self.storage,
            namespace: self.namespace.to_owned(),
            name: name.to_owned(),
            is_forbidden: is_forbidden(error),
            reason: reason(error),
        }
    }
}

/// A namespace that is not there answers 404 to who creates, too.
fn overtaken(verb: &str, code: u16) -> bool {
    code == 409 || code == 404 && verb != "create"
}
