//! Charts.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::error::ConvertError;
use super::values;
use crate::gather::Gather as _;
use crate::manifest::to_yaml;
use crate::releases::hapi::{Chart, Config};
use crate::releases::show::{chart_yaml, object};

/// The file that names a chart's dependencies, and the one that pins them. Helm 3 has them in `Chart.yaml` and `Chart.lock`.
const REQUIREMENTS: &str = "requirements.yaml";
const LOCK: &str = "requirements.lock";

/// A chart. Helm 3 records no subcharts, its own releases' neither: they are kept as files, where Helm would look for them
/// in a chart's folder.
pub(super) fn chart(
    chart: &Chart,
    keep_subcharts: bool,
    remarks: &mut Vec<String>,
) -> Result<Value, ConvertError> {
    let default = values::read(&chart.values, "chart's", remarks)?;
    let templates = chart.templates.iter().map(|it| file(&it.name, &it.data));
    let mut files: Vec<Value> = chart
        .files
        .iter()
        .map(|it| file(&it.name, &it.data))
        .collect();
    if !chart.dependencies.is_empty() {
        let names: Vec<_> = chart
            .dependencies
            .iter()
            .map(|it| it.metadata.name.as_str())
            .collect();
        let names = names.join(", ");
        if keep_subcharts {
            add_subcharts(chart, "", &mut files);
            remarks.push(format!("subcharts {names} are kept as files below charts/"));
        } else {
            remarks.push(format!(
                "the files of subcharts {names} are left out, since the record would be too large"
            ));
        }
    }
    Ok(object([
        ("metadata", Some(metadata(chart))),
        ("lock", Some(lock(chart))),
        ("templates", Some(some(templates.collect()))),
        ("values", Some(default.unwrap_or_else(|| json!({})))),
        ("schema", Some(Value::Null)),
        ("files", Some(some(files))),
    ]))
}

/// Go writes an empty list of these as null.
fn some(items: Vec<Value>) -> Value {
    if items.is_empty() {
        Value::Null
    } else {
        items.into()
    }
}

fn file(name: &str, data: &[u8]) -> Value {
    json!({ "name": name, "data": STANDARD.encode(data) })
}

fn add_subcharts(chart: &Chart, folder: &str, files: &mut Vec<Value>) {
    for subchart in &chart.dependencies {
        let folder = format!("{folder}charts/{}/", subchart.metadata.name);
        let yaml = to_yaml(&chart_yaml(&subchart.metadata));
        files.push(file(&format!("{folder}Chart.yaml"), yaml.as_bytes()));
        let Config { raw, .. } = &*subchart.values;
        files.push(file(&format!("{folder}values.yaml"), raw));
        let templates = subchart.templates.iter().map(|it| (&it.name, &it.data));
        let others = subchart.files.iter().map(|it| (&it.name, &it.data));
        files.extend(
            templates
                .chain(others)
                .map(|(name, data)| file(&format!("{folder}{name}"), data)),
        );
        add_subcharts(subchart, &folder, files);
    }
}

/// `Chart.yaml` as Helm 3 has it: what is Helm 2's own is left out, and the dependencies are in it.
fn metadata(chart: &Chart) -> Value {
    let mut metadata = match chart_yaml(&chart.metadata) {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for of_helm2 in ["engine", "tillerVersion"] {
        metadata.shift_remove(of_helm2);
    }
    // A chart without one is of Helm 2, as those of v1 are.
    metadata.entry("apiVersion").or_insert_with(|| "v1".into());
    metadata.insert("type".to_owned(), "application".into());
    let dependencies = dependencies(chart);
    if !dependencies.is_empty() {
        metadata.insert("dependencies".to_owned(), dependencies.into());
    }
    Value::Object(metadata)
}

/// What the chart asks for, and subcharts that it has without asking.
fn dependencies(chart: &Chart) -> Vec<Value> {
    let present: BTreeSet<&str> = chart
        .dependencies
        .iter()
        .map(|it| it.metadata.name.as_str())
        .gather();
    let mut named = BTreeSet::new();
    let mut found = Vec::new();
    for asked in asked(chart) {
        let text = |key: &str| {
            asked
                .get(key)
                .and_then(Value::as_str)
                .filter(|it| !it.is_empty())
        };
        let name = text("name").unwrap_or_default();
        // One that is there by another name is recorded by that.
        let here = text("alias").unwrap_or(name);
        named.insert(here.to_owned());
        let list = |key: &str| asked.get(key).filter(|it| it.is_array()).cloned();
        found.push(object([
            ("name", Some(name.into())),
            ("version", text("version").map(Into::into)),
            (
                "repository",
                Some(text("repository").unwrap_or_default().into()),
            ),
            ("condition", text("condition").map(Into::into)),
            ("tags", list("tags")),
            ("enabled", present.contains(here).then(|| true.into())),
            ("import-values", list("import-values")),
            ("alias", text("alias").map(Into::into)),
        ]));
    }
    let unasked = chart
        .dependencies
        .iter()
        .filter(|it| !named.contains(&it.metadata.name));
    found.extend(unasked.map(|it| {
        json!({
            "name": it.metadata.name,
            "version": it.metadata.version,
            "repository": "",
            "enabled": true,
        })
    }));
    found
}

fn asked(chart: &Chart) -> Vec<Value> {
    let requirements = requirements(chart, REQUIREMENTS);
    let asked = requirements.get("dependencies").and_then(Value::as_array);
    asked.cloned().unwrap_or_default()
}

fn requirements(chart: &Chart, name: &str) -> Map<String, Value> {
    let file = chart.files.iter().find(|file| file.name == name);
    file.map_or_else(Map::new, |file| values::mapping(&file.data))
}

fn lock(chart: &Chart) -> Value {
    let lock = requirements(chart, LOCK);
    let (Some(generated), Some(digest), Some(dependencies)) = (
        lock.get("generated").filter(|it| is_time(it)),
        lock.get("digest").filter(|it| it.is_string()),
        lock.get("dependencies").filter(|it| it.is_array()),
    ) else {
        return Value::Null;
    };
    json!({ "generated": generated, "digest": digest, "dependencies": dependencies })
}

/// Helm 3 does not read a record whose times it cannot read.
fn is_time(value: &Value) -> bool {
    let format = &time::format_description::well_known::Rfc3339;
    let text = value.as_str();
    text.is_some_and(|text| time::OffsetDateTime::parse(text, format).is_ok())
}
