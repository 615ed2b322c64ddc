//! Files that records are read from, as people have them.

use serde_json::{Value, json};

use super::{list_of, recordings};
use crate::offline::{Run, run};

fn list(bytes: &[u8], words: &[&str]) -> Run {
    run(
        &[&["releases", "list", "-f", "-", "--all"], words].concat(),
        bytes,
    )
}

fn plain() -> Vec<Value> {
    let recordings = recordings().into_iter();
    let plain = recordings.filter(|it| it.name() == "2.17.0-configmap-k8s1.20/plain");
    plain.flat_map(|it| it.records()).collect()
}

/// What `kubectl get --raw` prints, keys sorted or not, and lists in lists.
#[test]
fn items_without_a_kind_are_of_their_list() {
    let items = plain();
    let all = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    let expected = list(all.to_string().as_bytes(), &[]).stdout;
    assert!(expected.contains("plain"), "{expected}");
    let mut bare = items.clone();
    for item in &mut bare {
        item.as_object_mut()
            .unwrap()
            .retain(|key, _| !matches!(key.as_str(), "kind" | "apiVersion"));
    }
    let bare = Value::from(bare).to_string();
    for text in [
        format!(r#"{{"kind":"ConfigMapList","apiVersion":"v1","items":{bare}}}"#),
        format!(r#"{{"items":{bare},"kind":"ConfigMapList"}}"#),
        json!({ "kind": "List", "items": [all, { "kind": "Pod", "data": [1] }] }).to_string(),
        format!("\u{feff}\n {all}"),
    ] {
        let run = list(text.as_bytes(), &[]);
        assert_eq!(run.stdout, expected, "{}", run.stderr);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
    }
}

#[test]
fn what_holds_no_text_is_told() {
    for (bytes, told) in [
        (
            &[0x1f, 0x8b, 8, 0][..],
            "it is compressed: give what `gunzip -c` prints of it",
        ),
        (b"", "it is empty"),
    ] {
        let run = list(bytes, &[]);
        assert_eq!(run.code, Some(3));
        assert_eq!(run.stderr, format!("error: cannot read -: {told}\n"));
        assert_eq!(run.stdout, "");
    }
}

/// Each by its name, and the others are listed.
#[test]
fn objects_that_cannot_be_read_are_named() {
    let mut items = plain();
    items[1]["data"] = json!([1]);
    items[2]["metadata"]["labels"]["NAME"] = Value::Null;
    items[3]["metadata"]["labels"] = json!(5);
    items.push(json!({ "kind": "ControllerRevision", "data": { "a": { "b": 1 } } }));
    let all = json!({ "kind": "List", "items": items }).to_string();
    let run = list(all.as_bytes(), &["-o", "json"]);
    assert_eq!(run.code, Some(3));
    for told in [
        "object 2, ConfigMap t2170cmk8s120/plain.v2: ",
        "object 4, ConfigMap t2170cmk8s120/plain.v4: ",
    ] {
        assert!(run.stderr.contains(told), "{told}: {}", run.stderr);
    }
    assert_eq!(run.json()["releases"].as_array().unwrap().len(), 2);
}

#[test]
fn a_record_that_is_there_twice_counts_once() {
    let items = [plain(), plain()].concat();
    let all = json!({ "kind": "List", "items": items }).to_string();
    let run = list(all.as_bytes(), &["-o", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert_eq!(run.json()["releases"].as_array().unwrap().len(), 4);
    let shown = self::run(
        &["releases", "show", "-f", "-", "plain", "values"],
        all.as_bytes(),
    );
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
}

/// `app.v1` is a name that others give too, and `release` a key, and `owner` a label of teams.
#[test]
fn a_name_alone_makes_no_record() {
    let named = |kind: &str, name: &str, labels: Value, data: &str| {
        json!({
            "apiVersion": "v1",
            "kind": kind,
            "metadata": { "name": name, "namespace": "blue", "labels": labels },
            data: { "release": "stable" },
        })
    };
    let items = [
        named("ConfigMap", "app.v1", json!({ "app": "web" }), "data"),
        named("Secret", "web.v2", json!({}), "stringData"),
        named(
            "ConfigMap",
            "channels",
            json!({ "owner": "tiller" }),
            "data",
        ),
    ];
    let all = json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string();
    let run = list(all.as_bytes(), &["-o", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert_eq!(run.json()["problems"], json!([]));
    let checked = self::run(&["check", "-"], all.as_bytes());
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
}

/// Helm 2's record of a release that Helm 3 has.
#[test]
fn what_is_set_aside_is_listed_apart() {
    let mut items = plain();
    for item in &mut items {
        item["metadata"]["labels"]["OWNER"] = json!("MIGRATED");
        let name = item["metadata"]["name"].as_str().unwrap().to_owned();
        item["metadata"]["name"] = json!(format!("{name}.migrated"));
    }
    let all = json!({ "kind": "List", "items": items }).to_string();
    let run = list(all.as_bytes(), &["-o", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        run.json()["set_aside"],
        json!([{
            "name": "plain",
            "tiller_namespace": "t2170cmk8s120",
            "storage": "configmaps",
            "records": 4,
            "by": "migrate",
        }])
    );
    assert_eq!(run.json()["releases"], json!([]));
    let shown = self::run(
        &["releases", "show", "-f", "-", "plain", "values"],
        all.as_bytes(),
    );
    assert_eq!(shown.code, Some(1), "{}", shown.stdout);
}

/// What ends a pending revision is a rollback to what runs.
#[test]
fn the_remedy_of_a_pending_revision_names_the_one_that_runs() {
    let mut list_of = list_of("2.17.0-configmap-k8s1.20");
    let items = list_of["items"].as_array_mut().unwrap();
    items.retain(|it| it["metadata"]["labels"]["NAME"] == "stuckup");
    let run = list(list_of.to_string().as_bytes(), &["-o", "json"]);
    let remedy = &run.json()["problems"][0]["remedy"];
    assert_eq!(
        remedy,
        "wait until it is done; if no Tiller works on it: helm rollback stuckup 1"
    );
}
