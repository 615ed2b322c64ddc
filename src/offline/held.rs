//! Manifests in ConfigMaps, in Secrets and in the texts of kinds that are not read: a Job with kubectl, or a controller, may apply
//! them. In a cluster, what comes of them is judged.

use super::Judging;
use super::judge::judge_read_kind;
use super::texts::{holds_texts, texts};
use crate::k8s::{find_text, sign_of_tiller};
use crate::manifest::{ManifestObject, Stream};
use crate::tiller::may_hold_tiller;

/// The JSON pointer of a key with the manifest of a Tiller.
pub(super) fn held_tiller(object: &ManifestObject, judging: &Judging) -> Option<String> {
    let mut texts = texts(object);
    let (field, key, _) = texts.find(|(_, _, text)| is_tillers_manifest(text, judging))?;
    let token = key.replace('~', "~0").replace('/', "~1");
    Some(format!("/{field}/{token}"))
}

/// The JSON pointer of a text with the manifest of a Tiller, in an object of a kind that is not read.
pub(super) fn written_tiller(object: &ManifestObject, judging: &Judging) -> Option<String> {
    find_text(&object.value, |text| is_tillers_manifest(text, judging))
}

/// Whether an object in a text is taken for a Tiller. Texts in it are not looked into.
fn is_tillers_manifest(text: &str, judging: &Judging) -> bool {
    if !may_hold_tiller(text) || !text.contains("kind") || !text.contains("apiVersion") {
        return false;
    }
    let is_other = |image: &str| judging.settings.is_other_image(image);
    let stream = Stream::new("-", text.as_bytes().to_vec());
    let objects = stream
        .documents()
        .flat_map(|document| document.objects())
        .flatten();
    let mut carriers = objects.filter(|it| !holds_texts(&it.kind));
    carriers.any(|object| match judge_read_kind(&object, judging) {
        Some(Ok(judgement)) => !judgement.tillers.is_empty(),
        Some(Err(_)) => false,
        None => sign_of_tiller(&object.value, &is_other).is_some(),
    })
}
