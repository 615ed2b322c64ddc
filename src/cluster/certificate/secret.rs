//! The authority in its Secret: created by whoever is first, changed only from what it was.
//!
//! `tls.crt` and `tls.key` are the authority that issues now; `ca.crt` holds it and those before it that are not over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use tracing::{info, warn};

use super::{CertificateError, Keeper, State};
use crate::cluster::Cluster;
use crate::pki::{Bundle, WebhookAuthority};

/// How often somebody else may be faster.
const ATTEMPTS: u32 = 10;
/// The most authorities that the Secret holds.
const MOST: usize = 8;

/// What the Secret holds.
#[derive(Debug)]
pub(super) struct Found {
    /// The authority that issues now.
    pub(super) authority: Arc<WebhookAuthority>,
    /// Those before it that are not over, and itself.
    pub(super) bundle: Bundle,
}

impl Keeper {
    /// The authority that the Secret holds, or that it holds from now on: one that is known, where the Secret holds none that can be
    /// used, or a new one.
    pub(super) async fn authority(
        &self,
        cluster: &Cluster,
        state: &State,
        now: SystemTime,
    ) -> Result<Found, CertificateError> {
        let name = &self.secret;
        let object = format!("Secret {}/{name}", self.namespace);
        let api: Api<Secret> = Api::namespaced(cluster.client().clone(), &self.namespace);
        let failed = |verb, source| CertificateError::request(verb, &object, source);
        for _attempt in 0..ATTEMPTS {
            let found = api
                .get_opt(name)
                .await
                .map_err(|error| failed("get", error))?;
            let text = |key: &str| {
                let data = found.as_ref().and_then(|secret| secret.data.as_ref());
                let bytes = data.and_then(|data| data.get(key));
                bytes.map_or_else(String::new, |bytes| {
                    String::from_utf8_lossy(&bytes.0).into_owned()
                })
            };
            let mut bundle = Bundle::read(&text("ca.crt"), now);
            let current = WebhookAuthority::from_pem(&text("tls.crt"), &text("tls.key"), now);
            let known = match current {
                Ok(authority) if !authority.validity().is_due(now) => {
                    let authority = Arc::new(authority);
                    return Ok(Found { authority, bundle });
                }
                // A new one is its successor.
                Ok(old) => {
                    bundle.add(&old);
                    None
                }
                // Whoever deletes the Secret asks for a new one.
                Err(_) if found.is_none() => state.awaited(now),
                Err(error) => {
                    warn!(%object, %error, "the CA cannot be used; writing another one");
                    state.awaited(now).or_else(|| state.issuing(now))
                }
            };
            let authority = match known {
                Some(known) => known,
                None => Arc::new(WebhookAuthority::create(now, self.times.authority)?),
            };
            bundle.add(&authority);
            bundle.keep_last(MOST);
            let secret = self.secret(found.as_ref(), &authority, &bundle);
            let was_there = found.is_some();
            let written = match found {
                None => api.create(&PostParams::default(), &secret).await,
                Some(_) => api.replace(name, &PostParams::default(), &secret).await,
            };
            match written {
                Ok(_) => {
                    info!(%object, not_after = authority.validity().end_text(), "wrote the CA");
                    return Ok(Found { authority, bundle });
                }
                // Another replica was faster: what it made is taken.
                Err(kube::Error::Api(status))
                    if status.code == 409 || status.code == 404 && was_there => {}
                Err(error) => return Err(failed("write", error)),
            }
        }
        Err(CertificateError::Contended(object))
    }

    /// The Secret with another authority, otherwise as it was.
    fn secret(
        &self,
        before: Option<&Secret>,
        authority: &WebhookAuthority,
        bundle: &Bundle,
    ) -> Secret {
        let bytes = |text: String| ByteString(text.into_bytes());
        let data = BTreeMap::from([
            ("tls.crt".to_owned(), bytes(authority.certificate_pem())),
            ("tls.key".to_owned(), bytes(authority.key_pem())),
            ("ca.crt".to_owned(), bytes(bundle.to_pem())),
        ]);
        let label = |value: &str| Some(value.to_owned());
        let labels = ["app.kubernetes.io/name", "app.kubernetes.io/managed-by"]
            .into_iter()
            .filter_map(|key| Some((key.to_owned(), label("tiller-guard")?)))
            .collect();
        match before {
            Some(secret) => Secret {
                data: Some(data),
                ..secret.clone()
            },
            None => Secret {
                metadata: ObjectMeta {
                    name: Some(self.secret.clone()),
                    namespace: Some(self.namespace.clone()),
                    labels: Some(labels),
                    ..ObjectMeta::default()
                },
                type_: Some("kubernetes.io/tls".to_owned()),
                data: Some(data),
                ..Secret::default()
            },
        }
    }
}
