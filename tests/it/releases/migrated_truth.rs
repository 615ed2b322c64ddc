//! What Helm 3 and 4 say of migrated releases, beside what Helm 2 said of them before.

use serde_json::{Value, json};
use tiller_guard::releases::{Status, decode};

use super::migrated::{helm, migrated, world};
use super::moved::kubeconfig;
use super::{Recording, recordings};

/// Those with records of which nothing is under way.
fn settled() -> Vec<Recording> {
    let whole = |it: &Recording| {
        it.configuration == "2.17.0-configmap-k8s1.20"
            && !it.scenario.starts_with("stuck")
            && it.scenario != "big"
            && !it.records().is_empty()
    };
    let settled: Vec<_> = recordings().into_iter().filter(whole).collect();
    assert!(settled.len() >= 18, "{}", settled.len());
    settled
}

/// The same in Helm 3's words.
fn in_helm3(status: &str) -> &'static str {
    Status::labelled(status).unwrap().in_helm3()
}

/// JSON whose numbers are all of one kind, without members that are null: Helm 3 prints large numbers with an exponent, and keys
/// that somebody set to null though the chart has none of them.
fn leveled(value: Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.into_iter().map(leveled).collect(),
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, it)| !it.is_null())
            .map(|(key, it)| (key, leveled(it)))
            .collect(),
        other => other,
    }
}

fn parsed(text: &str) -> Value {
    leveled(serde_json::from_str(text).unwrap())
}

/// Revision, status, chart, version of what it brings, and description.
fn told(history: &Value, words: impl Fn(&str) -> String) -> Vec<[String; 5]> {
    let entries = history.as_array().unwrap().iter();
    let entry = |entry: &Value| {
        let text = |key: &str| match &entry[key] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let app = entry.get("appVersion").or_else(|| entry.get("app_version"));
        [
            text("revision"),
            words(&text("status")),
            text("chart"),
            app.and_then(Value::as_str).unwrap_or_default().to_owned(),
            text("description"),
        ]
    };
    entries.map(entry).collect()
}

fn assert_same(version: &str, namespace: &str, recording: &Recording) {
    let records = recording.records();
    let newest = records
        .iter()
        .map(|record| decode(record["data"]["release"].as_str().unwrap().as_bytes()).unwrap())
        .max_by_key(|release| release.version)
        .unwrap();
    let release = newest.name.as_str();
    let truth = &recording.value["truth"];
    let before = parsed(truth["history"]["out"].as_str().unwrap());
    let after = parsed(&helm(
        version,
        namespace,
        &["history", release, "-o", "json"],
    ));
    assert_eq!(
        told(&after, str::to_owned),
        told(&before, |status| in_helm3(status).to_owned()),
        "{release}"
    );
    let revision = newest.version.to_string();
    let said = |part: &str| {
        let out = truth["get"][&revision][part]["out"].as_str().unwrap();
        let out = out.strip_prefix("NOTES:\n").unwrap_or(out);
        match part {
            // What was rendered into notes stays as it was.
            "notes" => out.to_owned(),
            _ => out.replace(&newest.namespace, namespace),
        }
    };
    let at = format!("--revision={revision}");
    let values = helm(
        version,
        namespace,
        &["get", "values", release, "--all", "-o", "json", &at],
    );
    assert_eq!(
        parsed(&values),
        parsed(&said("values_all_json")),
        "{release}"
    );
    for part in ["manifest", "notes"] {
        let now = helm(version, namespace, &["get", part, release, &at]);
        let now = now.strip_prefix("NOTES:\n").unwrap_or(&now);
        assert_eq!(now.trim(), said(part).trim(), "{release} {part}");
    }
}

macro_rules! helms {
    ($($name:ident: $version:literal, $namespace:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let recordings = settled();
            let records = recordings.iter().flat_map(Recording::records);
            let releases: Vec<String> = records
                .map(|it| it["metadata"]["labels"]["NAME"].as_str().unwrap().to_owned())
                .collect();
            let releases: Vec<&str> = releases.iter().map(String::as_str).collect();
            let _world = world($namespace, &releases).await;
            let run = migrated(&kubeconfig(), $namespace, &["--kubernetes=1.10"]).await;
            assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
            for recording in &recordings {
                assert_same($version, $namespace, recording);
            }
        }
    )*};
}

helms! {
    helm_3_tells_what_helm_2_told: "helm-3.17", "migrate-truth-three";
    helm_4_tells_what_helm_2_told: "helm-4.3", "migrate-truth-four";
}
