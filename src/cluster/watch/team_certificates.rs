//! When the certificates end that Tillers have from the Secrets that are watched. Private keys are not read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::sleep;
use tracing::warn;

use super::status::Status;
use crate::pki::Validity;
use crate::pki::team::Certificate;
use crate::provision::PEOPLE_NOT_AFTER_ANNOTATION;

/// How often it is looked whether one is near its end.
const LOOK: Duration = Duration::from_mins(1);
/// How long before its end a certificate of Tiller or of a person is logged: as the alert of the chart. It is renewed long
/// before.
const LEAF_NEAR: Duration = Duration::from_hours(14 * 24);
/// The same of a CA: time to hand out the bundles of another one while certificates of this one are valid.
const CA_NEAR: Duration = Duration::from_hours(180 * 24);

/// When the certificates of a Secret end, as far as it holds any that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    /// That of Tiller.
    tiller: Option<Validity>,
    /// The last of its CAs.
    ca: Option<Validity>,
    /// The first of the bundles of the team's people, as `provision` has noted it on the Secret.
    person: Option<Validity>,
    /// The file that holds something else than certificates.
    unreadable: Option<&'static str>,
}

/// When each Secret's certificates end, by `NAMESPACE/NAME`, and the first ends for the metrics.
#[derive(Debug, Default)]
pub(super) struct TeamCertificates {
    ends: Mutex<BTreeMap<String, Ends>>,
    first: Family<CertificateLabels, Gauge>,
    unreadable: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    certificate: &'static str,
}

/// A certificate that is near its end, or a file that holds none that can be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Near {
    secret: String,
    certificate: &'static str,
    /// None if it cannot be read.
    not_after: Option<String>,
}

/// Looks for ever, and logs each certificate that is near its end once.
pub(super) async fn look(status: Arc<Status>) {
    let mut told = BTreeSet::new();
    loop {
        let near = status.team_certificates().near(SystemTime::now());
        for Near {
            secret,
            certificate,
            not_after,
        } in near.difference(&told)
        {
            if let Some(not_after) = not_after {
                warn!(
                    secret,
                    certificate,
                    not_after,
                    "a certificate of a Tiller or its people is near its end, or expired"
                );
            } else {
                warn!(
                    secret,
                    file = certificate,
                    "a Secret of a Tiller holds no certificate that can be read: run tiller-guard provision renew for its team"
                );
            }
        }
        told = near;
        sleep(LOOK).await;
    }
}

// === impl Ends ===

impl Ends {
    /// Of a Secret; nothing where it holds no certificate.
    pub(super) fn of(secret: &RawValue) -> Option<Self> {
        #[derive(Deserialize)]
        struct Secret {
            #[serde(default)]
            metadata: Metadata,
            #[serde(default)]
            data: Option<Files>,
        }
        #[derive(Default, Deserialize)]
        struct Metadata {
            #[serde(default)]
            annotations: Option<BTreeMap<String, String>>,
        }
        #[derive(Deserialize)]
        struct Files {
            #[serde(rename = "ca.crt")]
            ca_certificates: Option<String>,
            #[serde(rename = "tls.crt")]
            certificate: Option<String>,
        }
        let Secret { metadata, data } = serde_json::from_str(secret.get()).ok()?;
        let data = data?;
        let annotations = metadata.annotations.unwrap_or_default();
        let noted = annotations.get(PEOPLE_NOT_AFTER_ANNOTATION);
        let files = [
            ("tls.crt", data.certificate.as_deref()),
            ("ca.crt", data.ca_certificates.as_deref()),
        ];
        let read = files.map(|(file, text)| {
            let text = text.filter(|it| !it.is_empty());
            let read = text.and_then(certificates).filter(|it| !it.is_empty());
            (read.is_none() && text.is_some(), file, read)
        });
        let unreadable = read.iter().find(|(is_unreadable, _, _)| *is_unreadable);
        let unreadable = unreadable.map(|(_, file, _)| *file);
        let [(_, _, tiller), (_, _, ca_certificates)] = read;
        let ends = Self {
            tiller: tiller.and_then(|all| all.first().copied()),
            ca: ca_certificates.and_then(|all| all.into_iter().max_by_key(|it| it.not_after)),
            person: noted.and_then(|text| Validity::until(text)),
            unreadable,
        };
        let holds_something = ends.tiller.is_some() || ends.ca.is_some();
        (holds_something || unreadable.is_some()).then_some(ends)
    }

    /// Each with the word for it, and how long before its end it is near it.
    fn parts(self) -> impl Iterator<Item = (&'static str, Validity, Duration)> {
        let Self {
            tiller,
            ca,
            person,
            unreadable: _,
        } = self;
        let parts = [
            ("tiller", tiller, LEAF_NEAR),
            ("ca", ca, CA_NEAR),
            ("person", person, LEAF_NEAR),
        ];
        parts
            .into_iter()
            .filter_map(|(word, validity, near)| Some((word, validity?, near)))
    }
}

/// When the certificates of a Secret's file are valid, in its order.
fn certificates(base64_text: &str) -> Option<Vec<Validity>> {
    let pem = STANDARD.decode(base64_text).ok()?;
    let all = Certificate::read_all(&pem).ok()?;
    Some(all.iter().map(Certificate::validity).collect())
}

// === impl TeamCertificates ===

impl TeamCertificates {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "team_cert_not_after_seconds",
            "When the first certificate of a Tiller, of its CA, or of a person expires, in seconds since 1970",
            self.first.clone(),
        );
        registry.register(
            "team_certs_unreadable",
            "Secrets of Tillers with a file that holds no certificate that can be read",
            self.unreadable.clone(),
        );
    }

    /// Takes down what all Secrets hold now.
    pub(super) fn show(&self, ends: BTreeMap<String, Ends>) {
        let mut first: BTreeMap<&str, i64> = BTreeMap::new();
        for (certificate, validity, _) in ends.values().flat_map(|it| it.parts()) {
            let end = first.entry(certificate).or_insert(i64::MAX);
            *end = validity.not_after.min(*end);
        }
        for certificate in ["tiller", "ca", "person"] {
            let labels = CertificateLabels { certificate };
            match first.get(certificate) {
                Some(end) => {
                    self.first.get_or_create_owned(&labels).set(*end);
                }
                None => {
                    self.first.remove(&labels);
                }
            }
        }
        let unreadable = ends.values().filter(|it| it.unreadable.is_some()).count();
        self.unreadable
            .set(i64::try_from(unreadable).unwrap_or(i64::MAX));
        *self.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
    }

    fn near(&self, now: SystemTime) -> BTreeSet<Near> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let mut near = BTreeSet::new();
        for (secret, ends) in ends.iter() {
            near.extend(ends.unreadable.map(|certificate| Near {
                secret: secret.clone(),
                certificate,
                not_after: None,
            }));
            for (certificate, validity, when) in ends.parts() {
                if validity.left(now) <= when {
                    near.insert(Near {
                        secret: secret.clone(),
                        certificate,
                        not_after: Some(validity.end_text()),
                    });
                }
            }
        }
        near
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;
    use rcgen::{CertificateParams, KeyPair};
    use serde_json::json;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
    }

    fn certificate(days: u32) -> String {
        let mut parameters = CertificateParams::default();
        parameters.not_before = (now() - DAY * 400).into();
        parameters.not_after = (now() + DAY * days).into();
        let key = KeyPair::generate().unwrap();
        parameters.self_signed(&key).unwrap().pem()
    }

    fn ends(files: &[(&str, String)]) -> Option<Ends> {
        ends_with(files, "")
    }

    fn ends_with(files: &[(&str, String)], people: &str) -> Option<Ends> {
        let mut data = serde_json::Map::new();
        for (file, pem) in files {
            data.insert((*file).to_owned(), json!(STANDARD.encode(pem)));
        }
        let annotations = json!({ PEOPLE_NOT_AFTER_ANNOTATION: people });
        let metadata = json!({ "name": "tiller-tls", "annotations": annotations });
        let secret = json!({ "metadata": metadata, "data": data });
        Ends::of(&serde_json::value::to_raw_value(&secret).unwrap())
    }

    #[test]
    fn the_first_end_of_all_secrets_is_shown_and_those_near_it_are_named() {
        let certificates = TeamCertificates::default();
        let mut registry = Registry::with_prefix("tiller_guard");
        certificates.register(&mut registry);
        let written = || {
            let mut written = String::new();
            text::encode(&mut written, &registry).unwrap();
            written
        };
        let in_days = |days: u64| 1_800_000_000 + days * 86_400;

        let ca_certificates = certificate(10) + &certificate(300);
        let one = ends(&[("ca.crt", ca_certificates), ("tls.crt", certificate(13))]);
        let other = [("ca.crt", certificate(200)), ("tls.crt", certificate(90))];
        let person = Validity::until("2027-02-19T08:00:00Z").unwrap();
        let other = ends_with(&other, &person.end_text());
        let all = [("a/tiller-tls", one), ("b/tiller-tls", other)];
        certificates.show(
            all.into_iter()
                .map(|(name, ends)| (name.to_owned(), ends.unwrap()))
                .collect(),
        );
        for (word, days) in [("tiller", 13), ("ca", 200), ("person", 35)] {
            let name = "tiller_guard_team_cert_not_after_seconds";
            let line = format!("{name}{{certificate=\"{word}\"}} {}\n", in_days(days));
            assert!(written().contains(&line), "{line} in\n{}", written());
        }
        let near = certificates.near(now());
        let near: Vec<_> = near.iter().map(|it| it.secret.as_str()).collect();
        assert_eq!(near, ["a/tiller-tls"]);
        let later = certificates.near(now() + DAY * 100);
        assert_eq!(later.len(), 4, "{later:?}");

        certificates.show(BTreeMap::new());
        assert!(!written().contains("certificate="), "{}", written());
    }

    #[test]
    fn what_holds_no_certificate_has_no_end_and_is_named() {
        assert_eq!(ends(&[]), None);
        assert_eq!(ends(&[("tls.crt", String::new())]), None);
        let truncated: String = certificate(5).chars().take(200).collect();
        let other = ends(&[("tls.crt", truncated)]).unwrap();
        let only = ends(&[("tls.crt", certificate(5)), ("ca.crt", "no PEM".to_owned())]).unwrap();
        assert_eq!((other.tiller, only.ca), (None, None));

        let certificates = TeamCertificates::default();
        let all = [("a/tiller-tls", other), ("b/tiller-tls", only)];
        certificates.show(all.map(|(name, ends)| (name.to_owned(), ends)).into());
        assert_eq!(certificates.unreadable.get(), 2);
        let near = certificates.near(now() - DAY * 10);
        let near: Vec<_> = near
            .iter()
            .map(|it| (it.secret.as_str(), it.certificate, it.not_after.as_deref()))
            .collect();
        let expected = [
            ("a/tiller-tls", "tls.crt", None),
            ("b/tiller-tls", "ca.crt", None),
        ];
        assert_eq!(near, expected);
    }
}
