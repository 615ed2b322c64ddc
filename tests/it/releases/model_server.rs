//! What an API server does with objects: it gives each write a version, refuses writes of an older one, and finds objects by labels. In memory,
//! so that a thousand runs take seconds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Resource, namespace and name.
pub(super) type Key = (String, String, String);

/// The objects, with the version of the last write.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Store {
    pub(super) objects: BTreeMap<Key, Value>,
    pub(super) version: u64,
    /// Whether it takes writes of older versions too, as no API server does.
    pub(super) ignores_versions: bool,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Passes,
    /// It is answered with this, and nothing is done.
    Fails(u16),
    /// It is done, and there is no answer.
    AnswerLost,
}

/// Decides what becomes of a request, and may change objects before.
pub(super) type Between = Box<dyn FnMut(&mut Store) -> Fate + Send>;

/// What the requests meet now.
#[derive(Default)]
pub(super) struct Model {
    pub(super) store: Store,
    pub(super) between: Option<Between>,
}

pub(super) fn key(resource: &str, namespace: &str, name: &str) -> Key {
    [resource, namespace, name].map(ToOwned::to_owned).into()
}

/// Starts a server, which ends with the runtime.
pub(super) async fn start(model: Arc<Mutex<Model>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let model = Arc::clone(&model);
            let service = service_fn(move |request| answer(request, Arc::clone(&model)));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn answer(
    request: Request<Incoming>,
    model: Arc<Mutex<Model>>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut model = model.lock().unwrap_or_else(PoisonError::into_inner);
    let Model { store, between } = &mut *model;
    let fate = between.as_mut().map_or(Fate::Passes, |it| it(store));
    if let Fate::Fails(code) = fate {
        return Ok(failed(code));
    }
    let answer = store.answer(head.method.as_str(), &head.uri, &body);
    if fate == Fate::AnswerLost {
        return Err(std::io::Error::other("the connection ends"));
    }
    Ok(answer.map_or_else(failed, |it| response(200, &it)))
}

fn failed(code: u16) -> Response<Full<Bytes>> {
    let reason = if code == 404 { "NotFound" } else { "" };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "made up by the test",
        "reason": reason, "code": code,
    });
    response(code, &status)
}

fn response(code: u16, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    response
}

// === impl Store ===

impl Store {
    /// Writes an object whatever is there, as Tiller does.
    pub(super) fn put(&mut self, key: Key, mut object: Value) {
        self.version += 1;
        object["metadata"]["name"] = json!(key.2);
        object["metadata"]["namespace"] = json!(key.1);
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key, object);
    }

    fn answer(&mut self, method: &str, uri: &hyper::Uri, body: &Value) -> Result<Value, u16> {
        let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        match (method, path.as_slice()) {
            ("GET", ["version"]) => Ok(json!({
                "major": "1", "minor": "20", "gitVersion": "v1.20.2", "gitCommit": "", "gitTreeState": "", "buildDate": "",
                "goVersion": "", "compiler": "", "platform": "",
            })),
            ("GET", ["api", "v1", "namespaces", name]) => Ok(json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name },
            })),
            ("GET", ["api", "v1", "namespaces", namespace, resource]) => {
                Ok(self.list(resource, namespace, uri.query().unwrap_or_default()))
            }
            ("POST", ["api", "v1", "namespaces", namespace, resource]) => {
                let name = body["metadata"]["name"].as_str().unwrap();
                let key = key(resource, namespace, name);
                if self.objects.contains_key(&key) {
                    return Err(409);
                }
                self.put(key.clone(), body.clone());
                Ok(self.objects[&key].clone())
            }
            (
                "POST",
                [
                    "apis",
                    "authorization.k8s.io",
                    "v1",
                    "selfsubjectaccessreviews",
                ],
            ) => Ok(json!({
                "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {}, "spec": {},
                "status": { "allowed": true },
            })),
            ("GET", ["apis", "apps", "v1", "namespaces", _, "deployments", _]) => Err(404),
            (_, ["api", "v1", "namespaces", namespace, resource, name]) => {
                self.on_object(method, &key(resource, namespace, name), body)
            }
            _ => panic!("{method} {uri}"),
        }
    }

    fn on_object(&mut self, method: &str, key: &Key, body: &Value) -> Result<Value, u16> {
        let there = self.objects.get(key).ok_or(404_u16)?.clone();
        if method == "GET" {
            return Ok(there);
        }
        let wanted = match method {
            "DELETE" => &body["preconditions"]["resourceVersion"],
            _ => &body["metadata"]["resourceVersion"],
        };
        if !self.ignores_versions
            && wanted.is_string()
            && *wanted != there["metadata"]["resourceVersion"]
        {
            return Err(409);
        }
        if method == "DELETE" {
            self.version += 1;
            self.objects.remove(key);
            return Ok(
                json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" }),
            );
        }
        let object = match method {
            "PUT" => body.clone(),
            "PATCH" => {
                let mut merged = there;
                json_patch::merge(&mut merged, body);
                merged
            }
            other => panic!("{other} {key:?}"),
        };
        self.put(key.clone(), object);
        Ok(self.objects[key].clone())
    }

    fn list(&self, resource: &str, namespace: &str, query: &str) -> Value {
        let selector = query
            .split('&')
            .find_map(|it| it.strip_prefix("labelSelector="));
        let selector = selector.unwrap_or_default();
        let selector = selector.replace("%3D", "=").replace("%2C", ",");
        let is_meant = |object: &Value| {
            selector.split(',').all(|part| match part.split_once('=') {
                Some((label, value)) => object["metadata"]["labels"][label] == *value,
                None => part.is_empty() || object["metadata"]["labels"].get(part).is_some(),
            })
        };
        let found = self.objects.iter().filter(|((kind, place, _), object)| {
            kind == resource && place == namespace && is_meant(object)
        });
        let items: Vec<&Value> = found.map(|it| it.1).collect();
        json!({
            "kind": "List", "apiVersion": "v1", "metadata": { "resourceVersion": self.version.to_string() }, "items": items,
        })
    }
}
