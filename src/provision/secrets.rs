//! The Secrets of a team: its CA, Tiller's certificate, and the people's bundles.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::bundle::Bundle;
use super::names::{
    PEOPLE_NOT_AFTER_ANNOTATION, PERSON_ANNOTATION, PERSON_KIND_LABEL,
    TARGET_NAMESPACES_ANNOTATION, TILLER_NAMESPACE_ANNOTATION,
};
use super::objects::{guard_metadata, metadata};
use super::{CheckedTeam, Names, Person};
use crate::gather::Gather as _;
use crate::pki::Validity;
use crate::pki::team::{Certificate, Certificates};

/// The keys of a Secret with a key and its certificate, and of the CAs that go with it: `helm init` calls them so.
pub const TLS_SECRET_KEYS: [&str; 3] = ["tls.crt", "tls.key", "ca.crt"];
/// The keys of the Secret with a team's CA: certificate, key, and the CAs that are on their way out.
pub const CA_SECRET_KEYS: [&str; 3] = ["tls.crt", "tls.key", "retiring.crt"];

/// The type of both.
pub(super) const TLS: &str = "kubernetes.io/tls";

/// The CA with its key. Where it is kept in a folder, there is no such Secret.
pub(super) fn ca(team: &CheckedTeam, certificates: &Certificates) -> Value {
    let [certificate, key, retiring] = CA_SECRET_KEYS;
    let Certificates {
        ca, retiring: old, ..
    } = certificates;
    let names = Names { team: &team.team };
    let old: String = old.iter().map(Certificate::pem).collect();
    let pem = ca.key().pem();
    secret(
        &guard_metadata(team, &names.ca(), "authority"),
        TLS,
        &[
            (certificate, &ca.certificate().pem()),
            (key, &pem),
            (retiring, &old),
        ],
    )
}

/// What Tiller serves with and checks its clients by.
pub(super) fn server(team: &CheckedTeam, certificates: &Certificates, name: &str) -> Value {
    let [certificate, key, trusted] = TLS_SECRET_KEYS;
    let issued = &certificates.server;
    let pem = issued.key.pem();
    let mut metadata = metadata(team, &team.tiller_namespace, name);
    if let Some(metadata) = metadata.as_object_mut() {
        let ends = certificates.clients.values();
        let ends = ends.map(|issued| issued.certificate.validity());
        let first = ends.min_by_key(|validity| validity.not_after);
        let first = first.map(Validity::end_text).unwrap_or_default();
        let annotations = json!({ PEOPLE_NOT_AFTER_ANNOTATION: first });
        metadata.insert("annotations".to_owned(), annotations);
    }
    secret(
        &metadata,
        TLS,
        &[
            (certificate, &issued.certificate.pem()),
            (key, &pem),
            (trusted, &certificates.trusted_pem()),
        ],
    )
}

/// The Secret of Tiller's certificate, by name.
pub fn tls_secret(team: &CheckedTeam, name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(team, &team.tiller_namespace, name),
    })
}

/// A person's bundle, in the guard's namespace: Tiller reads every Secret of its own.
pub(super) fn bundle(team: &CheckedTeam, person: &Person, bundle: &Bundle) -> Value {
    let names = Names { team: &team.team };
    let mut metadata = guard_metadata(team, &names.bundle(person), "bundle");
    let kind = person.kind.as_str();
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.insert(PERSON_KIND_LABEL.to_owned(), kind.into());
    }
    if let Some(metadata) = metadata.as_object_mut() {
        let annotations = json!({
            PERSON_ANNOTATION: person.name,
            TILLER_NAMESPACE_ANNOTATION: team.tiller_namespace,
            TARGET_NAMESPACES_ANNOTATION: team.target_namespaces.join(","),
        });
        metadata.insert("annotations".to_owned(), annotations);
    }
    let files: Vec<_> = bundle
        .files()
        .map(|file| (file.name, file.content))
        .collect();
    secret(&metadata, "Opaque", &files)
}

/// Builds a Secret. An empty value becomes null, because a merge patch deletes a null key and keeps a missing one.
fn secret(metadata: &Value, kind: &str, data: &[(&str, &str)]) -> Value {
    let encoded = |content: &str| (!content.is_empty()).then(|| STANDARD.encode(content));
    let data: BTreeMap<_, _> = data
        .iter()
        .map(|(key, content)| (*key, encoded(content)))
        .gather();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": kind,
        "data": data,
    })
}
