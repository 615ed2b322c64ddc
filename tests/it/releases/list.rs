//! What `list` prints is what Helm printed, and what is wrong with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{folder, list_of, read, recordings};
use crate::offline::{Run, run};

fn list(records: &Value, words: &[&str]) -> Run {
    let words = [&["releases", "list", "-f", "-"], words].concat();
    run(&words, records.to_string().as_bytes())
}

/// Problems as `problem record`.
fn problems(run: &Run) -> Vec<String> {
    let report = run.json();
    let problems = report["problems"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    problems
        .map(|it| format!("{} {}", word(&it["problem"]), word(&it["record"])))
        .collect()
}

fn of(scenario: &str) -> Value {
    let mut list = list_of("2.17.0-configmap-k8s1.20");
    let items = list["items"].as_array_mut().unwrap();
    items.retain(|it| it["metadata"]["labels"]["NAME"] == scenario);
    assert!(!items.is_empty(), "{scenario}");
    list
}

#[test]
fn releases_are_those_that_helm_ls_printed() {
    for configuration in ["2.17.0-configmap-k8s1.20", "2.17.0-secret-k8s1.20"] {
        let truth = read(&folder().join(configuration).join("_ls.json"));
        let told = truth["ls_all"]["out"].as_str().unwrap();
        let told: Value = serde_json::from_str(told).unwrap();
        let run = list(&list_of(configuration), &["-o", "json", "--all"]);
        let report = run.json();
        assert_eq!(report["version"], 1);
        let releases = report["releases"].as_array().unwrap();
        let mut compared = 0;
        for release in told["Releases"].as_array().unwrap() {
            // Of this one the text is not recorded.
            if release["Name"] == "big" {
                continue;
            }
            let found = releases
                .iter()
                .find(|it| it["name"] == release["Name"] && it["revision"] == release["Revision"])
                .unwrap_or_else(|| panic!("{configuration} {release}"));
            let (chart, version) = (&found["chart"], &found["chart_version"]);
            let chart = format!("{}-{}", chart.as_str().unwrap(), version.as_str().unwrap());
            assert_eq!(json!(chart), release["Chart"]);
            assert_eq!(found["status"], release["Status"]);
            assert_eq!(found["namespace"], release["Namespace"]);
            assert_eq!(found["app_version"], release["AppVersion"]);
            compared += 1;
        }
        assert!(compared > 8, "{compared}");
    }
}

#[test]
fn a_release_has_these_fields_and_no_others() {
    let run = list(&of("desc"), &["-o", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(
        run.json(),
        json!({
            "version": 1,
            "releases": [{
                "name": "desc",
                "revision": 2,
                "status": "DEPLOYED",
                "namespace": "a2170cmk8s120",
                "tiller_namespace": "t2170cmk8s120",
                "storage": "configmaps",
                "chart": "plain",
                "chart_version": "0.1.0",
                "app_version": "1.2.3",
                "updated": run.json()["releases"][0]["updated"],
                "size": run.json()["releases"][0]["size"],
                "problems": [],
            }],
            "problems": [],
            "set_aside": [],
        })
    );
    let updated = run.json()["releases"][0]["updated"].clone();
    assert!(
        updated
            .as_str()
            .unwrap()
            .starts_with("2026-11-29T20:53:07."),
        "{updated}"
    );
}

#[test]
fn deleted_releases_and_old_revisions_are_listed_on_demand() {
    let rows = |scenario: &str, words: &[&str]| {
        let run = list(&of(scenario), &[&["-o", "json"], words].concat());
        let releases = run.json()["releases"].as_array().unwrap().clone();
        releases
            .iter()
            .map(|it| it["revision"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(rows("deleted", &[]), [0; 0]);
    assert_eq!(rows("deleted", &["--all"]), [1, 2]);
    assert_eq!(rows("plain", &[]), [4]);
    assert_eq!(rows("plain", &["--all"]), [1, 2, 3, 4]);
}

#[test]
fn what_tillers_left_behind_is_told() {
    let json = &["-o", "json"];
    assert_eq!(
        problems(&list(&of("stuckup"), json)),
        ["pending stuckup.v2"]
    );
    assert_eq!(
        problems(&list(&of("stuckpost"), json)),
        ["pending stuckpost.v1"]
    );
    let old = list_of("2.7.2-configmap-k8s1.10");
    let found = problems(&list(&old, json));
    assert!(
        found.contains(&"two-deployed failroll.v1".to_owned()),
        "{found:?}"
    );
}

#[test]
fn apis_that_a_kubernetes_does_not_serve_are_told() {
    let old = list_of("2.17.0-configmap-k8s1.10");
    assert_eq!(problems(&list(&old, &["-o", "json"])), [""; 0]);
    assert_eq!(
        problems(&list(&old, &["-o", "json", "--kubernetes", "1.15"])),
        [""; 0]
    );
    let run = list(&old, &["--kubernetes", "1.36"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout.contains(
            "removed-api: Kubernetes 1.36 does not serve extensions/v1beta1 Deployment (since 1.16), \
             extensions/v1beta1 Ingress (since 1.22)"
        ),
        "{}",
        run.stdout
    );
}

#[test]
fn damage_is_named_one_by_one_and_hides_nothing() {
    let mut records = of("plain");
    let items = records["items"].as_array_mut().unwrap();
    items[0]["data"]["release"] = json!("*");
    let cut = items[1]["data"]["release"].as_str().unwrap()[..400].to_owned();
    items[1]["data"]["release"] = json!(cut);
    items[2]["data"] = json!({ "other": "x" });
    items[3]["metadata"]["labels"]["OWNER"] = json!("tiller");
    items[3]["metadata"]["labels"]["STATUS"] = json!("FAILED");
    let run = list(&records, &["-o", "json"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(
        problems(&run),
        [
            "damaged plain.v1",
            "damaged plain.v2",
            "damaged plain.v3",
            "not-found plain.v4",
            "label-differs plain.v4"
        ]
    );
    let told = run.json();
    let told = |index: usize| {
        told["problems"][index]["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        told(0).contains("plain.v1 cannot be decoded: it is not base64"),
        "{}",
        told(0)
    );
    assert!(
        told(1).contains("plain.v2 cannot be decoded: it is not gzip, or damaged"),
        "{}",
        told(1)
    );
    assert!(
        told(2).contains("plain.v3 cannot be decoded: it has no key `release`"),
        "{}",
        told(2)
    );
    assert!(
        told(4).contains("STATUS=FAILED; the release in it says DEPLOYED"),
        "{}",
        told(4)
    );
}

#[test]
fn a_release_in_both_storages_is_told_of_each() {
    let mut records = of("desc");
    let items = records["items"].as_array_mut().unwrap();
    let mut copies = items.clone();
    for copy in &mut copies {
        let text = copy["data"]["release"].as_str().unwrap();
        let data = STANDARD.encode(text);
        copy["kind"] = json!("Secret");
        copy["data"]["release"] = json!(data);
        copy["type"] = json!("helm.sh/release.v1");
    }
    items.extend(copies);
    let run = list(&records, &["-o", "json"]);
    let found = problems(&run);
    assert_eq!(
        found,
        [
            "both-storages desc.v2",
            "unchangeable desc.v1",
            "unchangeable desc.v2"
        ]
    );
    let releases = run.json()["releases"].as_array().unwrap().clone();
    assert_eq!(releases[0]["storage"], "configmaps");
    assert_eq!(releases[1]["storage"], "secrets");
    assert_eq!(
        releases[1]["problems"],
        json!(["both-storages", "unchangeable"])
    );
}

#[test]
fn a_file_that_is_no_list_is_named() {
    let run = run(&["releases", "list", "-f", "-"], b"kind: List");
    assert_eq!(run.code, Some(3));
    assert!(
        run.stderr.starts_with("error: cannot read -: "),
        "{}",
        run.stderr
    );
    let missing = super::super::offline::run(&["releases", "list", "-f", "/nonexistent"], b"");
    assert_eq!(missing.code, Some(3));
}

/// `check` of the same List tells the same, whatever it has been done to.
#[test]
fn check_reports_the_same_problems() {
    let mut lists: Vec<Value> = [
        "2.17.0-configmap-k8s1.20",
        "2.17.0-secret-k8s1.20",
        "2.9.1-configmap-k8s1.20",
        "2.7.2-configmap-k8s1.10",
    ]
    .map(list_of)
    .into();
    // Both storages in one List, and damage of all kinds.
    let mut all = lists[0].clone();
    let items = all["items"].as_array_mut().unwrap();
    items[0]["data"]["release"] = json!("*");
    items[1]["data"] = json!({ "other": "x" });
    items[2]["metadata"]["labels"]["OWNER"] = json!("tiller");
    items[3]["metadata"]["labels"]["STATUS"] = json!("FAILED");
    items[4]["immutable"] = json!(true);
    let mut others = lists[1]["items"].as_array().unwrap().clone();
    others[0]["data"]["release"] = json!("no base64");
    others[1]["type"] = json!("helm.sh/release.v1");
    items.extend(others);
    lists.push(all);
    let mut kinds = std::collections::BTreeSet::new();
    for records in lists {
        let listed = list(&records, &["-o", "json"]);
        let checked = run(
            &["check", "-o", "json", "-"],
            records.to_string().as_bytes(),
        );
        let problems = &listed.json()["problems"];
        assert_eq!(&checked.json()["release_problems"], problems);
        let number = problems.as_array().unwrap().len();
        assert_eq!(checked.json()["summary"]["release_problems"], number);
        let text = run(&["check", "-"], records.to_string().as_bytes());
        for problem in problems.as_array().unwrap() {
            kinds.insert(problem["problem"].as_str().unwrap().to_owned());
            let message = problem["message"].as_str().unwrap();
            assert!(text.stdout.contains(message), "{message}: {}", text.stdout);
        }
        if number > 0 {
            assert_ne!(checked.code, Some(0));
        }
    }
    assert!(kinds.len() >= 6, "{kinds:?}");
}

/// API servers read wrapped base64, and put `stringData` over `data`.
#[test]
fn a_record_is_read_as_api_servers_read_it() {
    let recording = recordings()
        .into_iter()
        .find(|it| it.name() == "2.17.0-secret-k8s1.20/plain");
    let records = recording.unwrap().records();
    let listed = |change: &dyn Fn(&mut Value)| {
        let mut items = records.clone();
        items.iter_mut().for_each(change);
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        run(
            &["releases", "list", "-f", "-", "--all"],
            list.to_string().as_bytes(),
        )
        .stdout
    };
    let plain = listed(&|_| {});
    assert!(plain.contains("plain"), "{plain}");
    let wrapped = listed(&|record| {
        let text = record["data"]["release"].as_str().unwrap().as_bytes();
        let lines: Vec<&str> = text
            .chunks(76)
            .map(|it| std::str::from_utf8(it).unwrap())
            .collect();
        record["data"]["release"] = json!(lines.join("\n") + "\r\n");
        record["data"]["other"] = Value::Null;
    });
    assert_eq!(wrapped, plain);
    let over = listed(&|record| {
        let text = record["data"]["release"].as_str().unwrap();
        let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        record["stringData"] = json!({ "release": text });
        record["data"]["release"] = json!("AAAA");
    });
    assert_eq!(over, plain);
}

/// What `kubectl` and shells write, and an input with the same record twice.
#[test]
fn records_are_read_in_every_encoding_and_count_once() {
    let records = of("hist");
    let expected = list(&records, &["-o", "json", "--all"]).json();
    assert_eq!(expected["problems"], json!([]));
    let text = records.to_string();
    let items = records["items"].as_array().unwrap();
    let yaml: Vec<String> = items.iter().map(|it| format!("- {it}\n")).collect();
    let yaml = yaml.concat();
    let utf_16 = [0xfeff].into_iter().chain(text.encode_utf16());
    for input in [
        format!("\u{feff}{text}").into_bytes(),
        utf_16.flat_map(u16::to_le_bytes).collect(),
        format!("apiVersion: v1\nkind: List\nitems:\n{yaml}").into_bytes(),
        format!("{text}\n{text}").into_bytes(),
    ] {
        let words = ["releases", "list", "-f", "-", "-o", "json", "--all"];
        assert_eq!(run(&words, &input).json(), expected);
    }
    let empty = json!({ "kind": "List", "apiVersion": "v1", "items": null });
    assert_eq!(list(&empty, &[]).code, Some(0));
}

/// An object that is not as the API has it is named without its content, and the others are listed.
#[test]
fn one_bad_object_hides_no_other() {
    let mut records = of("hist");
    let expected = list(&records, &["-o", "json"]).json();
    let secret = json!({
        "kind": "Secret", "apiVersion": "v1", "metadata": { "name": "bad\u{1b}", "namespace": "n" }, "data": "hunter2",
    });
    let items = records["items"].as_array_mut().unwrap();
    items.splice(0..0, [secret, json!("x"), json!(null)]);
    let run = list(&records, &["-o", "json"]);
    assert_eq!(run.code, Some(3));
    assert_eq!(run.json(), expected);
    let named = "object 1, Secret n/bad\\u{1b}: it is not as the API has it";
    assert!(run.stderr.contains(named), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 3, "{}", run.stderr);
    assert!(!run.stderr.contains("hunter2"));
}

/// A command before the pipe has failed, perhaps; a list without objects is an answer.
#[test]
fn an_input_without_any_text_is_no_list() {
    for text in ["", "\n", "---\n# nothing\n"] {
        let run = run(&["releases", "list", "-f", "-"], text.as_bytes());
        assert_eq!(run.code, Some(3), "{text:?}: {}", run.stdout);
        assert_eq!(run.stderr, "error: cannot read -: it is empty\n");
    }
    let none = run(
        &["releases", "list", "-f", "-"],
        b"{\"kind\":\"List\",\"items\":[]}",
    );
    assert_eq!(none.code, Some(0), "{}", none.stderr);
}
