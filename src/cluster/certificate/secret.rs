//! The CA in its Secret: the first replica creates it, and an update names the version that it read.
//!
//! `tls.crt` and `tls.key` are the CA that issues now; `ca.crt` holds it and those before it that are not over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ObjectMeta, PostParams};
use tracing::{info, warn};

use super::{CertificateError, Keeper, State};
use crate::cluster::Cluster;
use crate::pki::{Bundle, IssueError, WebhookCa};

/// How often somebody else may be faster.
const ATTEMPTS: u32 = 10;
/// The most CAs that the Secret holds.
const MOST: usize = 8;

/// What the Secret holds.
#[derive(Debug)]
pub(super) struct CaInSecret {
    /// The CA that issues now.
    pub(super) ca: Arc<WebhookCa>,
    /// Those before it that are not over, and itself.
    pub(super) bundle: Bundle,
}

/// The Secret's texts, the key among them.
#[derive(Clone, Default)]
pub(super) struct Texts {
    /// `tls.crt`: the CA that issues now.
    pub(super) certificate: String,
    /// `tls.key`: its key.
    pub(super) key: String,
    /// `ca.crt`: it, and those before it that are not over.
    pub(super) bundle: String,
}

/// What follows from the Secret's texts.
#[derive(Debug)]
pub(super) enum Next {
    /// The Secret stays.
    Stays(CaInSecret),
    /// The Secret must hold this; why what it holds cannot be used, if that is so.
    Writes(CaInSecret, Option<IssueError>),
}

// === impl Texts ===

impl Texts {
    fn of(secret: &Secret) -> Self {
        let text = |key: &str| {
            let bytes = secret.data.as_ref().and_then(|data| data.get(key));
            bytes.map_or_else(String::new, |bytes| {
                String::from_utf8_lossy(&bytes.0).into_owned()
            })
        };
        Self {
            certificate: text("tls.crt"),
            key: text("tls.key"),
            bundle: text("ca.crt"),
        }
    }
}

// === impl Next ===

impl Next {
    /// Decides by what is there, if there is a Secret: one that can be used issues until its successor is due. A new CA
    /// is valid for `lifetime`.
    pub(super) fn of(
        texts: Option<&Texts>,
        state: &State,
        now: SystemTime,
        lifetime: Duration,
    ) -> Result<Self, IssueError> {
        let none = Texts::default();
        let Texts {
            certificate,
            key,
            bundle,
        } = texts.unwrap_or(&none);
        let mut bundle = Bundle::read(bundle, now);
        let (known, unusable) = match WebhookCa::from_pem(certificate, key, now) {
            Ok(ca) if !ca.validity().is_due(now) => {
                let ca = Arc::new(ca);
                return Ok(Self::Stays(CaInSecret { ca, bundle }));
            }
            // A new one is its successor.
            Ok(old) => {
                bundle.add(&old);
                (None, None)
            }
            // A user who deletes the Secret asks for a new one.
            Err(_) if texts.is_none() => (state.awaited(now), None),
            Err(error) => {
                let known = state.awaited(now).or_else(|| state.issuing(now));
                (known, Some(error))
            }
        };
        let ca = match known {
            Some(known) => known,
            None => Arc::new(WebhookCa::create(now, lifetime)?),
        };
        bundle.add(&ca);
        bundle.keep_last(MOST);
        Ok(Self::Writes(CaInSecret { ca, bundle }, unusable))
    }
}

// === impl CaInSecret ===

impl CaInSecret {
    /// As the Secret holds it.
    pub(super) fn texts(&self) -> Texts {
        Texts {
            certificate: self.ca.certificate_pem(),
            key: self.ca.key_pem(),
            bundle: self.bundle.to_pem(),
        }
    }
}

impl Keeper {
    /// The CA that the Secret holds, or that it holds from now on: one that is known, where the Secret holds none that can be
    /// used, or a new one.
    pub(super) async fn ca(
        &self,
        cluster: &Cluster,
        state: &State,
        now: SystemTime,
    ) -> Result<CaInSecret, CertificateError> {
        let name = &self.secret;
        let object = format!("Secret {}/{name}", self.namespace);
        let api: Api<Secret> = Api::namespaced(cluster.client().clone(), &self.namespace);
        let failed = |verb, source| CertificateError::request(verb, &object, source);
        for _attempt in 0..ATTEMPTS {
            let found = api
                .get_opt(name)
                .await
                .map_err(|error| failed("get", error))?;
            let texts = found.as_ref().map(Texts::of);
            let next = match Next::of(texts.as_ref(), state, now, self.times.ca)? {
                Next::Stays(found) => return Ok(found),
                Next::Writes(next, unusable) => {
                    if let Some(error) = unusable {
                        warn!(%object, %error, "the CA cannot be used; writing another one");
                    }
                    next
                }
            };
            let secret = self.secret(found.as_ref(), next.texts());
            let was_there = found.is_some();
            let written = match found {
                None => api.create(&PostParams::default(), &secret).await,
                Some(_) => api.replace(name, &PostParams::default(), &secret).await,
            };
            match written {
                Ok(_) => {
                    let not_after = next.ca.validity().end_text();
                    info!(%object, not_after, "wrote the CA");
                    return Ok(next);
                }
                // Another replica was faster: what it made is taken.
                Err(kube::Error::Api(status))
                    if status.code == 409 || status.code == 404 && was_there => {}
                Err(error) => return Err(failed("write", error)),
            }
        }
        Err(CertificateError::Contended(object))
    }

    /// The Secret with another CA, otherwise as it was.
    fn secret(&self, before: Option<&Secret>, texts: Texts) -> Secret {
        let bytes = |text: String| ByteString(text.into_bytes());
        let data = BTreeMap::from([
            ("tls.crt".to_owned(), bytes(texts.certificate)),
            ("tls.key".to_owned(), bytes(texts.key)),
            ("ca.crt".to_owned(), bytes(texts.bundle)),
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
