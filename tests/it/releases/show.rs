//! What `show` prints is what Helm printed.

use serde_json::{Value, json, value::to_raw_value};
use tiller_guard::releases::{Part, Record, show};

use super::{list_of, recordings};
use crate::offline::run;

#[test]
fn each_part_is_what_helm_get_printed() {
    let mut compared = 0;
    for recording in recordings() {
        for object in recording.records() {
            let record = Record::read(&to_raw_value(&object).unwrap(), None).unwrap();
            let release = record.decode().unwrap();
            let truth = &recording.value["truth"]["get"][release.version.to_string()];
            for (part, word) in [
                (Part::Values, "values"),
                (Part::Manifest, "manifest"),
                (Part::Hooks, "hooks"),
                (Part::Notes, "notes"),
            ] {
                let (Some(told), Some(0)) =
                    (truth[word]["out"].as_str(), truth[word]["rc"].as_i64())
                else {
                    continue;
                };
                let mut told = told.to_owned();
                // The clients before 2.17.0 put no line break behind a hook.
                if part == Part::Hooks && !recording.configuration.starts_with("2.17") {
                    told = told.replace("---\n# ", "\n---\n# ").trim_start().to_owned();
                    told.extend((!told.is_empty()).then_some('\n'));
                }
                let shown = String::from_utf8(show(&release, part)).unwrap();
                assert_eq!(shown, told, "{} {}", recording.name(), record.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn a_revision_is_shown_by_the_program() {
    let list = list_of("2.17.0-configmap-k8s1.20").to_string();
    let shown = |words: &[&str]| {
        let words = [&["releases", "show", "-f", "-"], words].concat();
        run(&words, list.as_bytes())
    };
    let newest = shown(&["uni", "notes"]);
    assert_eq!(newest.code, Some(0), "{}", newest.stderr);
    assert_eq!(
        newest.stdout,
        "NOTES:\nDanke für uni ✓\nRevision 2 in a2170cmk8s120\n  ü✓\n\n"
    );
    let first = shown(&["uni", "notes", "--revision", "1"]);
    assert!(first.stdout.contains("Revision 1 in"), "{}", first.stdout);
    let chart = shown(&["plain", "chart"]).stdout;
    assert!(
        chart.contains("name: plain\n") && chart.contains("apiVersion: v1\n"),
        "{chart}"
    );
    let missing = shown(&["uni", "values", "--revision", "9"]);
    assert_eq!(missing.code, Some(1));
    assert_eq!(
        missing.stderr,
        "error: revision 9 of release \"uni\" is not recorded\n"
    );
}

/// One Tiller for each of two teams, and one name.
#[test]
fn a_release_that_is_recorded_twice_is_not_guessed() {
    let mut list = list_of("2.17.0-configmap-k8s1.20");
    let items = list["items"].as_array_mut().unwrap();
    items.retain(|it| it["metadata"]["name"] == "plain.v1");
    let mut other = items[0].clone();
    other["metadata"]["namespace"] = json!("another");
    items.push(other);
    let run = run(
        &["releases", "show", "-f", "-", "plain", "values"],
        list.to_string().as_bytes(),
    );
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains(
            "is recorded as ConfigMap t2170cmk8s120/plain.v1 and as ConfigMap another/plain.v1"
        ),
        "{}",
        run.stderr
    );
    let _: &Value = &list;
}
