//! What stands in files beside Kubernetes objects: values, workflows, package files; what a chart or a kustomization is made of; and
//! templates that are not rendered.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::gather::Gather as _;
use crate::manifest::{Document, ManifestObject, Stream};
use crate::report::Skipped;

/// The files of kustomizations.
const KUSTOMIZATIONS: [&str; 2] = ["kustomization.yaml", "kustomization.yml"];
/// The API group of what kustomize reads and no API server has.
const KUSTOMIZE: &str = "kustomize.config.k8s.io/";

/// A document that is no Kubernetes object, with what to do about it. `None` for an object, or half of one.
pub fn skipped(file: &str, document: &Document) -> Option<Skipped> {
    let (reason, render) = match document.head() {
        None => ("not a mapping", None),
        Some([None, None]) if is_named(file, &KUSTOMIZATIONS) => kustomization(file),
        Some([None, Some(_)]) if is_named(file, &[".drone.yml", ".drone.yaml"]) => {
            ("a pipeline of Drone", None)
        }
        Some([None, None]) => ("no Kubernetes object: neither apiVersion nor kind", None),
        Some([Some(version), _]) if version.starts_with(KUSTOMIZE) => kustomization(file),
        Some([Some(_), None]) if is_named(file, &["Chart.yaml"]) => {
            let render = format!("helm template {} | tiller-guard check -", folder(file));
            ("the metadata of a chart", Some(render))
        }
        Some(_) => return None,
    };
    Some(Skipped {
        file: file.to_owned(),
        document: Some(document.number),
        reason: reason.to_owned(),
        render,
    })
}

fn kustomization(file: &str) -> (&'static str, Option<String>) {
    let render = format!("kubectl kustomize {} | tiller-guard check -", folder(file));
    ("a kustomization", Some(render))
}

/// The files that kustomizations among these name as patches, and not as resources too. A patch is not a whole object.
pub fn patches(streams: &[&Stream]) -> BTreeSet<PathBuf> {
    let (mut patches, mut resources) = (BTreeSet::new(), BTreeSet::new());
    for stream in streams
        .iter()
        .filter(|it| is_named(&it.file, &KUSTOMIZATIONS))
    {
        let folder = Path::new(&stream.file)
            .parent()
            .unwrap_or_else(|| Path::new(""));
        for document in stream.documents() {
            let value = document.value();
            let list = |key| {
                value
                    .get(key)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
            };
            let strategic = list("patchesStrategicMerge").filter_map(Value::as_str);
            let by_path = list("patches").chain(list("patchesJson6902"));
            let by_path = by_path.filter_map(|it| it.get("path")?.as_str());
            patches.extend(
                strategic
                    .chain(by_path)
                    .map(|path| plain(&folder.join(path))),
            );
            let of_resources = list("resources")
                .chain(list("bases"))
                .filter_map(Value::as_str);
            resources.extend(of_resources.map(|path| plain(&folder.join(path))));
        }
    }
    patches.difference(&resources).cloned().gather()
}

/// A file that a kustomization patches others with.
pub fn skipped_patch(file: &str, patches: &BTreeSet<PathBuf>) -> Option<Skipped> {
    patches.contains(&plain(Path::new(file))).then(|| Skipped {
        file: file.to_owned(),
        document: None,
        reason: "a patch of a kustomization".to_owned(),
        render: kustomization(file).1,
    })
}

/// The folder of the chart of which this file is a template, if there is one beside it.
fn chart_of(file: &str) -> Option<&Path> {
    let folders = Path::new(file).ancestors().skip(1);
    let templates = folders.filter(|it| it.file_name().is_some_and(|name| name == "templates"));
    let mut charts = templates.filter_map(Path::parent);
    charts.find(|it| it.join("Chart.yaml").is_file())
}

/// A file of a chart's templates with what is not rendered yet: what cannot be read in it is no fault.
pub fn skipped_template(stream: &Stream) -> Option<Skipped> {
    let chart = chart_of(&stream.file)?;
    let mut parts = stream.parts();
    let is_template = parts.any(|part| stream.text_of_part(&part).contains("{{"));
    let folder = match chart.display().to_string() {
        folder if folder.is_empty() => ".".to_owned(),
        folder => folder,
    };
    is_template.then(|| Skipped {
        file: stream.file.clone(),
        document: None,
        reason: "a template of a chart".to_owned(),
        render: Some(format!("helm template {folder} | tiller-guard check -")),
    })
}

/// The command that renders a template, if the text is one.
pub fn rendering(file: &str, text: &str) -> Option<String> {
    text.contains("{{").then(|| {
        let chart = file.split_once("/templates/").map(|(chart, _)| chart);
        format!(
            "it looks like a template; render it first: helm template {} | tiller-guard check -",
            chart.unwrap_or("CHART")
        )
    })
}

/// A note about an image with an unrendered placeholder: it may be a Tiller.
pub fn unfilled(file: &str, object: &ManifestObject) -> Option<String> {
    let command = if has_image(&object.value, "{{") {
        let chart = file
            .split_once("/templates/")
            .map_or("CHART", |(chart, _)| chart);
        format!("helm template {chart}")
    } else if has_image(&object.value, "${") {
        format!("envsubst < {file}")
    } else {
        return None;
    };
    let ManifestObject {
        kind, name, place, ..
    } = object;
    Some(format!(
        "{file}:{}: {kind} {name} has an image that is not filled in; render it first: {command} | tiller-guard check -",
        place.line
    ))
}

fn has_image(value: &Value, sign: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has_image(item, sign)),
        Value::Object(fields) => fields.iter().any(|(key, field)| match field {
            Value::String(text) => key == "image" && text.contains(sign),
            other => has_image(other, sign),
        }),
        _ => false,
    }
}

fn is_named(file: &str, names: &[&str]) -> bool {
    let name = Path::new(file).file_name();
    name.is_some_and(|name| names.iter().any(|it| name == *it))
}

fn folder(file: &str) -> String {
    match Path::new(file).parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.display().to_string(),
        _ => ".".to_owned(),
    }
}

/// A path without `.` and `..`, as far as it can be.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if plain.file_name().is_some() => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}
