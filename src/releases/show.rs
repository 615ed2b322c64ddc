//! What a record holds, as `helm get` prints it.

use serde_json::{Map, Value};

use super::hapi::{Metadata, Release};
use crate::manifest::to_yaml;

/// A part of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The values that the user gave.
    Values,
    /// What was applied.
    Manifest,
    /// Its hooks.
    Hooks,
    /// The chart's notes for the user.
    Notes,
    /// The chart's `Chart.yaml`, as `helm inspect chart` prints it.
    Chart,
}

/// A part of a release, byte for byte as Helm 2.17.0 prints it.
///
/// Source: `cmd/helm/get_values.go`, `get_manifest.go`, `get_hooks.go`, `get_notes.go` and `inspect.go`, Helm 2.17.0.
pub fn show(release: &Release, part: Part) -> Vec<u8> {
    match part {
        Part::Values => line(&release.config.raw),
        Part::Manifest => line(&release.manifest),
        Part::Hooks => {
            let mut text = Vec::new();
            for hook in &release.hooks {
                text.extend(b"---\n# ");
                text.extend(hook.name.bytes());
                text.push(b'\n');
                text.extend(&hook.manifest);
                text.push(b'\n');
            }
            text
        }
        Part::Notes => {
            let notes = &release.info.status.notes;
            if notes.is_empty() {
                return Vec::new();
            }
            [b"NOTES:\n", notes.as_slice(), b"\n"].concat()
        }
        Part::Chart => line(to_yaml(&chart_yaml(&release.chart.metadata)).as_bytes()),
    }
}

fn line(text: &[u8]) -> Vec<u8> {
    [text, b"\n"].concat()
}

/// A chart's metadata with the keys of `Chart.yaml`, in their order; what is empty is left out.
pub(super) fn chart_yaml(metadata: &Metadata) -> Value {
    let text = |text: &String| (!text.is_empty()).then(|| Value::from(text.as_str()));
    let texts = |texts: &[String]| (!texts.is_empty()).then(|| Value::from(texts.to_vec()));
    let annotations: Map<String, Value> = metadata
        .annotations
        .iter()
        .map(|entry| (entry.key.clone(), Value::from(entry.value.as_str())))
        .collect();
    let maintainers: Vec<Value> = metadata
        .maintainers
        .iter()
        .map(|it| {
            object([
                ("email", text(&it.email)),
                ("name", text(&it.name)),
                ("url", text(&it.url)),
            ])
        })
        .collect();
    object([
        (
            "annotations",
            (!annotations.is_empty()).then(|| Value::from(annotations)),
        ),
        ("apiVersion", text(&metadata.api_version)),
        ("appVersion", text(&metadata.app_version)),
        ("condition", text(&metadata.condition)),
        ("deprecated", metadata.deprecated.then(|| Value::from(true))),
        ("description", text(&metadata.description)),
        ("engine", text(&metadata.engine)),
        ("home", text(&metadata.home)),
        ("icon", text(&metadata.icon)),
        ("keywords", texts(&metadata.keywords)),
        ("kubeVersion", text(&metadata.kube_version)),
        (
            "maintainers",
            (!maintainers.is_empty()).then(|| Value::from(maintainers)),
        ),
        ("name", text(&metadata.name)),
        ("sources", texts(&metadata.sources)),
        ("tags", text(&metadata.tags)),
        ("tillerVersion", text(&metadata.tiller_version)),
        ("version", text(&metadata.version)),
    ])
}

/// An object of what there is.
pub(super) fn object<const COUNT: usize>(members: [(&str, Option<Value>); COUNT]) -> Value {
    let members = members.into_iter();
    let there = members.filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(there.collect())
}
