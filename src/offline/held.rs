//! Manifests in ConfigMaps and Secrets of the input: a Job with kubectl may apply them. In a cluster, what comes of them is judged.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::Judging;
use super::judge::{Unjudged, judge};
use crate::manifest::{ManifestObject, Stream};
use crate::tiller::may_hold_tiller;

/// Fields with texts, and whether they are in base64, by kind.
const FIELDS: [(&str, &str, bool); 4] = [
    ("ConfigMap", "data", false),
    ("ConfigMap", "binaryData", true),
    ("Secret", "stringData", false),
    ("Secret", "data", true),
];

/// The JSON pointer of a key with the manifest of a Tiller.
pub(super) fn held_tiller(object: &ManifestObject, judging: &Judging) -> Option<String> {
    let is_core = object.api_version == "v1";
    let mut fields = FIELDS
        .iter()
        .filter(|(kind, ..)| is_core && *kind == object.kind);
    fields.find_map(|(_, field, is_encoded)| {
        let texts = object.value.get(*field).and_then(Value::as_object)?;
        let (key, _) = texts.iter().find(|(_, value)| {
            let text = value.as_str().and_then(|it| decoded(it, *is_encoded));
            text.is_some_and(|it| is_tillers_manifest(&it, judging))
        })?;
        let token = key.replace('~', "~0").replace('/', "~1");
        Some(format!("/{field}/{token}"))
    })
}

fn decoded(text: &str, is_encoded: bool) -> Option<Cow<'_, str>> {
    if !is_encoded {
        return Some(text.into());
    }
    let bytes = STANDARD.decode(text).ok()?;
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

/// Whether an object in a text is taken for a Tiller. What stands in a ConfigMap in it is not looked at.
fn is_tillers_manifest(text: &str, judging: &Judging) -> bool {
    if !may_hold_tiller(text) || !text.contains("kind") || !text.contains("apiVersion") {
        return false;
    }
    let stream = Stream::new("-", text.as_bytes().to_vec());
    let objects = stream
        .documents()
        .flat_map(|document| document.objects())
        .flatten();
    let mut carriers = objects.filter(|it| !FIELDS.iter().any(|(kind, ..)| *kind == it.kind));
    carriers.any(|object| match judge(&object, judging) {
        Ok(judgement) => !judgement.tillers.is_empty(),
        Err(error) => matches!(error, Unjudged::Unread { .. }),
    })
}
