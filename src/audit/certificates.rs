//! The certificates in the Secrets that Tillers mount. Private keys are not read.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::listed::Listed;
use super::meta::Meta;
use super::report::AuditedCertificate;
use super::take::Audit;
use crate::pki::team::Certificate;
use crate::pod::VolumeSource;
use crate::policy::{Timestamp, Workload};
use crate::report::{Finding, Maybe};
use crate::tiller::signs::SECRETS;

/// The certificates, by namespace.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    read: BTreeMap<String, Vec<Read>>,
    /// The namespace and the name of each Secret.
    secrets: BTreeSet<(String, String)>,
    /// Whether Secrets with the name that the policy gives them are not listed.
    lacks_own: bool,
}

/// A certificate, or why there is none.
#[derive(Debug)]
struct Read {
    secret: String,
    file: &'static str,
    certificate: Result<Certificate, String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Secret {
    data: Option<Files>,
    string_data: Option<Files>,
}

/// The keys of the Secret that are read. Others are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Files {
    #[serde(rename = "ca.crt")]
    ca: Option<String>,
    #[serde(rename = "tls.crt")]
    certificate: Option<String>,
}

// === impl Certificates ===

impl Certificates {
    pub(super) fn take(&mut self, object: &str) -> Result<(), serde_json::Error> {
        let metadata = Meta::read(object)?.metadata;
        let Secret { data, string_data } = serde_json::from_str(object)?;
        let place = (metadata.namespace.clone(), metadata.name.clone());
        self.secrets.insert(place);
        let encoded = data.unwrap_or_default();
        let plain = string_data.unwrap_or_default();
        let files = [
            ("ca.crt", encoded.ca, plain.ca),
            ("tls.crt", encoded.certificate, plain.certificate),
        ];
        for (file, encoded, plain) in files {
            let plain = plain.map(|text| Ok(text.into_bytes()));
            let Some(content) = plain.or_else(|| encoded.map(|it| decoded(&it))) else {
                continue;
            };
            let secret = metadata.name.as_str();
            let own = self.read.entry(metadata.namespace.clone()).or_default();
            let read = content
                .and_then(|it| Certificate::read_all(&it).map_err(|error| error.to_string()));
            let certificates = match read {
                Ok(all) => all.into_iter().map(Ok).collect(),
                Err(reason) => vec![Err(reason)],
            };
            own.extend(certificates.into_iter().map(|certificate| Read {
                secret: secret.to_owned(),
                file,
                certificate,
            }));
        }
        Ok(())
    }

    /// The certificates of a namespace, and when each ends.
    pub(super) fn of(&self, namespace: &str, now: Timestamp) -> Vec<AuditedCertificate> {
        let own = self.read.get(namespace).into_iter().flatten();
        let own = own.map(|read| {
            let (ends, expired) = match &read.certificate {
                Ok(certificate) => {
                    let validity = certificate.validity();
                    let ends = Maybe::Known(validity.end_text());
                    (ends, validity.not_after < now.0)
                }
                Err(reason) => {
                    let unknown = reason.clone();
                    (Maybe::Unknown { unknown }, false)
                }
            };
            AuditedCertificate {
                secret: read.secret.clone(),
                file: read.file,
                ends,
                expired,
            }
        });
        own.collect()
    }
}

// === impl Audit ===

impl Audit {
    /// The names of the Secrets with certificates that this audit lists.
    pub fn certificate_secrets(&self) -> BTreeSet<&str> {
        let own = self.basis.policy.settings.certificate_secret.as_str();
        let own = Some(own).filter(|_| !self.certificates.lacks_own);
        SECRETS.into_iter().chain(own).collect()
    }

    /// Records that this audit lists no Secrets by the name that the policy gives them.
    pub fn leave_own_certificates(&mut self) {
        self.certificates.lacks_own = true;
    }

    /// The Secret with certificates that is not there and that a Tiller's pods mount, or will mount once they are hardened.
    pub(super) fn missing_secret(&self, workload: &Workload<'_>, hardened: bool) -> Option<&str> {
        let namespace = workload.namespace.as_deref().unwrap_or_default();
        let is_there = |name: &str| {
            let place = (namespace.to_owned(), name.to_owned());
            self.certificates.secrets.contains(&place)
        };
        let own = self.basis.policy.settings.certificate_secret.as_str();
        let listed = self.certificate_secrets();
        let mounted = workload.pod.volumes.iter();
        let mounted = mounted.filter_map(|volume| match &volume.source {
            VolumeSource::Secret(secret) if secret.optional != Some(true) => {
                let name = secret.secret_name.as_str();
                listed.get(name).copied()
            }
            _ => None,
        });
        let mut mounted: Vec<&str> = mounted.collect();
        if hardened && mounted.is_empty() {
            mounted.extend(listed.get(own));
        }
        let missing = mounted.into_iter().find(|name| !is_there(name));
        missing.filter(|_| !self.lacks(Listed::Certificates))
    }
}

/// The pods of a Tiller wait for a Secret that they mount, and do not start.
pub(super) fn missing(namespace: &str, name: &str) -> Finding {
    Finding::of_certificates(
        format!("there is no Secret {namespace}/{name}: the pods cannot start"),
        format!(
            "create it: run tiller-guard provision NAME --adopt --tiller-namespace {namespace}"
        ),
    )
}

/// Decodes a value of a Secret. API servers ignore line breaks in it.
fn decoded(text: &str) -> Result<Vec<u8>, String> {
    let text: String = text.split(['\r', '\n']).collect();
    STANDARD
        .decode(text)
        .map_err(|_| "it is not base64".to_owned())
}
