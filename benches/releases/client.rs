//! The same requests by a client that does nothing else.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use hyper::Request;
use kube::Client;
use serde_json::{Value, json};

/// Requests that are on their way at once, as many as `releases` has.
const AT_ONCE: usize = 8;

/// A bare client.
#[derive(Clone)]
pub(crate) struct Bare(pub(crate) Client);

// === impl Bare ===

impl Bare {
    /// A page of text.
    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        self.send("GET", path, Vec::new(), "application/json").await
    }

    async fn send(&self, method: &str, path: &str, body: Vec<u8>, kind: &str) -> Result<String> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("content-type", kind).body(body)?;
        Ok(self.0.request_text(request).await?)
    }

    /// Creates one object.
    pub(crate) async fn post(&self, path: &str, object: &Value) -> Result<String> {
        let body = object.to_string().into_bytes();
        self.send("POST", path, body, "application/json").await
    }

    /// Creates a namespace.
    pub(crate) async fn namespace(&self, name: &str) -> Result<()> {
        let namespace = json!({ "metadata": { "name": name } });
        self.post("/api/v1/namespaces", &namespace).await?;
        Ok(())
    }

    /// Creates objects of the first API.
    pub(crate) async fn create(&self, resource: &str, objects: &[Value]) -> Result<Duration> {
        self.create_in("/api/v1", resource, objects).await
    }

    /// Creates objects.
    pub(crate) async fn create_in(
        &self,
        api: &str,
        resource: &str,
        objects: &[Value],
    ) -> Result<Duration> {
        let begin = Instant::now();
        stream::iter(objects)
            .map(|object| async move {
                let namespace = text(object, "/metadata/namespace").unwrap_or("bench");
                let path = format!("{api}/namespaces/{namespace}/{resource}");
                self.post(&path, object).await
            })
            .buffer_unordered(AT_ONCE)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        Ok(begin.elapsed())
    }

    /// Deletes objects of these names.
    pub(crate) async fn delete(&self, place: &str, names: &[String]) -> Result<Duration> {
        let begin = Instant::now();
        stream::iter(names)
            .map(|name| async move {
                let path = format!("{place}/{name}");
                self.send("DELETE", &path, b"{}".to_vec(), "application/json")
                    .await
            })
            .buffer_unordered(AT_ONCE)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        Ok(begin.elapsed())
    }

    /// Lists as `kubectl get` does, page by page; each page is given away as it comes.
    pub(crate) async fn list(
        &self,
        path: &str,
        mut take: impl FnMut(&str) -> Result<()>,
    ) -> Result<Duration> {
        let begin = Instant::now();
        let mut token = String::new();
        loop {
            let path = format!("{path}&limit=500{token}");
            let page = self.get(&path).await?;
            take(&page)?;
            // The token is before the items.
            let head = page.get(..page.len().min(2_000)).unwrap_or(&page);
            let Some((_, rest)) = head.split_once("\"continue\":\"") else {
                return Ok(begin.elapsed());
            };
            let (next, _) = rest.split_once('"').context("no token")?;
            token = format!("&continue={next}");
        }
    }
}

pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> Option<&'a str> {
    object.pointer(pointer)?.as_str()
}
