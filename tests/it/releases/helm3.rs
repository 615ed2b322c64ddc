//! Helm 3's records, compared with what helm-2to3 made where that was right.

use std::fs;

use serde_json::{Value, json, value::to_raw_value};
use tiller_guard::releases::helm3::{convert, read_object, same, secret};
use tiller_guard::releases::{Record, map_apis};

use super::{folder, read, recordings};

/// A record of a recording of Tiller 2.17.0 by its name.
fn record(configuration: &str, name: &str) -> Record {
    let recordings = recordings()
        .into_iter()
        .filter(|it| it.configuration == configuration);
    let mut records = recordings.flat_map(|it| it.records());
    let object = records.find(|it| it["metadata"]["name"] == name).unwrap();
    Record::read(&to_raw_value(&object).unwrap(), None).unwrap()
}

/// Takes out what helm-2to3 loses or gets wrong, and what Helm 3 does not need.
fn comparable(mut release: Value) -> Value {
    let chart = &mut release["chart"];
    let metadata = chart["metadata"].as_object_mut().unwrap();
    metadata.shift_remove("dependencies");
    metadata.shift_remove("apiVersion");
    chart["lock"] = Value::Null;
    if let Some(files) = chart["files"].as_array_mut() {
        files.retain(|file| !file["name"].as_str().unwrap().starts_with("charts/"));
    }
    for hook in release["hooks"].as_array_mut().into_iter().flatten() {
        for event in hook["events"].as_array_mut().unwrap() {
            if event == "test-failure" {
                *event = json!("test");
            }
        }
    }
    release
}

#[test]
fn records_are_those_of_helm_2to3_but_for_its_faults() {
    let mut compared = 0;
    for configuration in ["2.17.0-configmap-k8s1.10", "2.17.0-configmap-k8s1.20"] {
        let theirs = folder().join("v3-by-2to3").join(configuration);
        for file in fs::read_dir(theirs).unwrap() {
            let file = file.unwrap().path();
            let scenario = file.file_stem().unwrap().to_str().unwrap().to_owned();
            // Not recorded; and another chart than on 1.20.
            if scenario == "big" || scenario == "hooks" && configuration.ends_with("1.10") {
                continue;
            }
            for theirs in read(&file)["helm3_records"].as_array().unwrap() {
                let (name, revision) = (&theirs["decoded"]["name"], &theirs["decoded"]["version"]);
                let name = format!("{}.v{revision}", name.as_str().unwrap());
                let release = record(configuration, &name).decode().unwrap();
                let ours = convert(&release, true).unwrap().release;
                let mut theirs_told = comparable(theirs["decoded"].clone());
                if scenario == "uni" {
                    // It reads numbers as floats.
                    theirs_told["chart"]["values"]["numbers"]["i"] =
                        json!(9_007_199_254_740_993_u64);
                }
                assert_eq!(comparable(ours), theirs_told, "{configuration} {name}");
                let (object, _) = secret(&release, "test").unwrap();
                for label in ["name", "owner", "status", "version"] {
                    let labels = &object["metadata"]["labels"];
                    assert_eq!(labels[label], theirs["object"]["labels"][label], "{name}");
                }
                assert_eq!(object["type"], theirs["object"]["type"]);
                assert_eq!(object["metadata"]["name"], theirs["object"]["name"]);
                assert_eq!(
                    object["metadata"]["namespace"],
                    theirs["object"]["namespace"]
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 40, "{compared}");
}

#[test]
fn subcharts_and_their_lock_are_kept() {
    let release = record("2.17.0-configmap-k8s1.20", "sub.v1")
        .decode()
        .unwrap();
    let converted = convert(&release, true).unwrap();
    let chart = &converted.release["chart"];
    let names: Vec<_> = chart["metadata"]["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert!(!names.is_empty(), "{chart}");
    assert!(chart["lock"]["digest"].is_string(), "{}", chart["lock"]);
    let files = chart["files"].as_array().unwrap();
    for subchart in &release.chart.dependencies {
        let name = format!("charts/{}/Chart.yaml", subchart.metadata.name);
        assert!(
            files.iter().any(|file| file["name"] == name.as_str()),
            "{name}"
        );
    }
    assert!(
        converted
            .remarks
            .iter()
            .any(|it| it.contains("kept as files"))
    );
}

#[test]
fn what_helm_3_cannot_hold_is_told() {
    let hooks = record("2.17.0-configmap-k8s1.20", "hookstest.v1")
        .decode()
        .unwrap();
    let remarks = convert(&hooks, true).unwrap().remarks;
    assert!(
        remarks
            .iter()
            .any(|it| it.contains("is a test that has to fail")),
        "{remarks:?}"
    );
    let uni = record("2.17.0-configmap-k8s1.20", "uni.v2")
        .decode()
        .unwrap();
    let converted = convert(&uni, true).unwrap();
    let number = &converted.release["chart"]["values"]["numbers"]["i"];
    assert_eq!(number.to_string(), "9007199254740993");
    assert!(
        converted
            .remarks
            .iter()
            .any(|it| it.contains("number 9007199254740993 in the chart's values, at numbers.i")),
        "{:?}",
        converted.remarks
    );
}

#[test]
fn a_secret_is_the_same_as_what_is_read_of_it() {
    let release = record("2.17.0-configmap-k8s1.20", "plain.v4")
        .decode()
        .unwrap();
    let (one, converted) = secret(&release, "test").unwrap();
    assert_eq!(read_object(&one), Some(converted.release));
    assert!(same(&one, &one.clone()));
    let mut other = release;
    other.manifest = b"---\nkind: Other\n".to_vec();
    let (other, _) = secret(&other, "test").unwrap();
    assert!(!same(&one, &other));
}

#[test]
fn manifests_are_mapped_with_all_else_as_it_was() {
    let release = record("2.17.0-configmap-k8s1.10", "oldapi.v1")
        .decode()
        .unwrap();
    let manifest = String::from_utf8(release.manifest).unwrap();
    assert_eq!(map_apis(&manifest, 15), None);
    let mapped = map_apis(&manifest, 36).unwrap();
    assert_eq!(
        mapped.changes,
        [
            "extensions/v1beta1 Deployment oldapi-d: apps/v1",
            "extensions/v1beta1 Ingress oldapi-i: networking.k8s.io/v1",
        ]
    );
    assert!(
        mapped.manifest.contains("# Source: oldapi/templates/"),
        "{}",
        mapped.manifest
    );
    assert_eq!(map_apis(&mapped.manifest, 36), None);
    for part in [
        "selector:",
        "pathType: ImplementationSpecific",
        "apiVersion: apps/v1",
        "service:",
    ] {
        assert!(
            mapped.manifest.contains(part),
            "{part}: {}",
            mapped.manifest
        );
    }
    let gone = "---\napiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: a}\n---\nkind: A\n";
    let mapped = map_apis(gone, 36).unwrap();
    assert_eq!(mapped.manifest, "---\nkind: A\n");
}
