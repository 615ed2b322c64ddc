//! The texts that ConfigMaps and Secrets hold.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::manifest::ManifestObject;

/// Fields with texts, and whether they are in base64, by kind.
static FIELDS: [(&str, &str, bool); 4] = [
    ("ConfigMap", "data", false),
    ("ConfigMap", "binaryData", true),
    ("Secret", "stringData", false),
    ("Secret", "data", true),
];

/// The texts that a ConfigMap or a Secret holds, with field and key.
pub(super) fn texts(
    object: &ManifestObject,
) -> impl Iterator<Item = (&'static str, &str, Cow<'_, str>)> {
    let is_core = object.api_version == "v1";
    let fields = FIELDS
        .iter()
        .filter(move |(kind, ..)| is_core && *kind == object.kind);
    fields.flat_map(move |(_, field, is_encoded)| {
        let texts = object.value.get(*field).and_then(Value::as_object);
        texts.into_iter().flatten().filter_map(move |(key, value)| {
            let text = decoded(value.as_str()?, *is_encoded)?;
            Some((*field, key.as_str(), text))
        })
    })
}

/// Whether objects of this kind hold texts.
pub(super) fn holds_texts(kind: &str) -> bool {
    FIELDS.iter().any(|(it, ..)| *it == kind)
}

fn decoded(text: &str, is_encoded: bool) -> Option<Cow<'_, str>> {
    if !is_encoded {
        return Some(text.into());
    }
    let bytes = STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}
