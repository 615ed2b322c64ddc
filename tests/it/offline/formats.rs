//! What other programs read of a report.

use std::fs;

use serde_json::{Value, json};

use super::{Folder, run, run_in};

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: NAME, namespace: blue}\nspec:\n  containers:\n  - name: tiller\n    \
                   image: ghcr.io/helm/tiller:v2.17.0\n";

fn pod(name: &str) -> String {
    POD.replace("NAME", name)
}

fn sarif(run: &super::Run) -> Value {
    let log = run.json();
    assert_eq!(log["version"], "2.1.0");
    log["runs"][0].clone()
}

#[test]
fn several_formats_are_written_at_once() {
    let folder = Folder::new();
    let file = folder.file("pod.yaml", pod("tiller"));
    let [sarif, junit, json] =
        ["a.sarif", "b.xml", "c.json"].map(|it| format!("{}/{it}", folder.path()));
    let words = [
        "check",
        &file,
        "-o",
        &format!("sarif={sarif}"),
        "-o",
        &format!("junit={junit}"),
        "-o",
        &format!("json={json}"),
        "-o",
        "text",
    ];
    let all = run(&words, b"");
    assert_eq!(all.code, Some(1), "{}", all.stderr);
    assert!(
        all.stdout
            .ends_with("18 findings (17 to harden, 1 refused)\n"),
        "{}",
        all.stdout
    );
    for (file, format) in [(sarif, "sarif"), (junit, "junit"), (json, "json")] {
        let alone = run(&["check", words[1], "-o", format], b"");
        assert_eq!(fs::read_to_string(file).unwrap(), alone.stdout, "{format}");
    }
    let both = run(&["check", words[1], "-o", "json", "-o", "text"], b"");
    assert_eq!(both.code, Some(2));
    assert!(
        both.stderr
            .contains("more than one format would go to the standard output"),
        "{}",
        both.stderr
    );
    let nowhere = run(&["check", words[1], "-o", "json=/nonexistent/x"], b"");
    assert_eq!(nowhere.code, Some(2));
    let folder = Folder::new();
    let there = folder.file("there.txt", "kept");
    for file in [there.clone(), format!("{}/new.txt", folder.path())] {
        let other = file.replace(&folder.path(), &format!("{}/.", folder.path()));
        let words = [
            "check",
            "-",
            "-o",
            &format!("text={file}"),
            "-o",
            &format!("json={other}"),
        ];
        let twice = run(&words, b"");
        assert_eq!(twice.code, Some(2), "{}", twice.stderr);
        let told = format!("more than one format would go to {other}");
        assert!(twice.stderr.contains(&told), "{}", twice.stderr);
    }
    assert_eq!(fs::read_to_string(there).unwrap(), "kept");
}

/// A forge shows a finding at the file of this very name, and nowhere else.
#[test]
fn files_are_named_from_the_current_folder() {
    let folder = Folder::new();
    folder.file("deploy/pod.yaml", pod("tiller"));
    let here = std::path::PathBuf::from(folder.path());
    for (format, name) in [
        ("github", "::error file=deploy/pod.yaml,line="),
        ("junit", "classname=\"deploy/pod.yaml\""),
        ("sarif", "\"uri\":\"deploy/pod.yaml\""),
        ("text", "\ndeploy/pod.yaml:"),
    ] {
        let run = run_in(&here, &format!("tiller-guard check . -o {format}"));
        let said = run.stdout.replace("\": \"", "\":\"");
        assert!(format!("\n{said}").contains(name), "{format}: {said}");
        assert!(!said.contains("./deploy"), "{format}: {said}");
    }
}

#[test]
fn sarif_names_rule_line_and_object() {
    let text = format!("{}---\nkind: [\n", pod("tiller"));
    let read = run(&["check", "-", "-o", "sarif"], text.as_bytes());
    assert_eq!(read.code, Some(3));
    let log = sarif(&read);
    let rules = log["tool"]["driver"]["rules"].as_array().unwrap();
    let results = log["results"].as_array().unwrap();
    assert_eq!(results.len(), 18);
    for result in results {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"]);
        assert!(rule["helpUri"].as_str().unwrap().starts_with("https://"));
        let place = &result["locations"][0];
        assert!(
            place["physicalLocation"]["region"]["startLine"]
                .as_u64()
                .unwrap()
                >= 1
        );
        assert_eq!(
            place["logicalLocations"][0]["fullyQualifiedName"],
            "Pod blue/tiller"
        );
    }
    let tls = results
        .iter()
        .find(|it| it["ruleId"] == "tls-disabled")
        .unwrap();
    assert_eq!(tls["level"], "error");
    assert_eq!(
        tls["locations"][0]["physicalLocation"]["region"],
        json!({ "startLine": 6, "startColumn": 5 })
    );
    let invocation = &log["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(
        invocation["toolExecutionNotifications"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_finding_has_the_same_fingerprint_wherever_it_is() {
    let prints = |text: &str| -> Vec<Value> {
        let log = sarif(&run(&["check", "-", "-o", "sarif"], text.as_bytes()));
        let results = log["results"].as_array().unwrap().iter();
        results
            .map(|it| it["partialFingerprints"].clone())
            .collect()
    };
    let one = prints(&pod("tiller"));
    assert_eq!(one, prints(&format!("# moved\n\n{}", pod("tiller"))));
    assert_ne!(one, prints(&pod("other")));
}

/// GitHub refuses a run with more than 25,000 results.
#[test]
fn of_too_many_findings_the_worst_are_written() {
    let names = (0..1700).map(|number| format!("tiller-{number}"));
    let pods: Vec<String> = names.map(|name| pod(&name)).collect();
    let read = run(
        &["check", "-", "-o", "sarif"],
        pods.join("---\n").as_bytes(),
    );
    let log = sarif(&read);
    let results = log["results"].as_array().unwrap();
    assert_eq!(results.len(), 25_000);
    let critical = results
        .iter()
        .filter(|it| it["ruleId"] == "tls-disabled")
        .count();
    assert_eq!(critical, 1700);
    let note = log["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].clone();
    assert!(
        note.as_str()
            .unwrap()
            .ends_with(" findings are left out: a run may hold 25000"),
        "{note}"
    );
}

#[test]
fn junit_has_a_case_for_each_finding_and_each_clean_object() {
    let text = format!(
        "{}---\n{}---\nkind: [\n",
        pod("<&\\\"tiller"),
        super::SERVICE
    );
    let read = run(&["check", "-", "-o", "junit"], text.as_bytes()).stdout;
    let count = |part: &str| read.matches(part).count();
    assert_eq!(count("<failure "), count("</failure>"));
    assert_eq!(count("<testcase "), count("<failure ") + 2, "{read}");
    assert_eq!(count("<error "), 1);
    let head = format!(
        "<testsuite name=\"tiller-guard\" tests=\"{0}\" failures=\"{1}\" errors=\"1\">",
        count("<testcase "),
        count("<failure ")
    );
    assert!(read.contains(&head), "{head}\n{read}");
    assert!(read.contains("name=\"Service team/web\""), "{read}");
}

#[test]
fn github_gets_a_line_for_each_finding() {
    let text = pod("tiller");
    let read = run(&["check", "-", "-o", "github"], text.as_bytes()).stdout;
    assert!(read.lines().all(|line| line.starts_with("::")), "{read}");
    assert!(
        read.contains(
            "::error file=-,line=6,col=5,title=tls-disabled (critical)::Pod blue/tiller: "
        ),
        "{read}"
    );
    assert!(read.lines().count() > 10);
}

const DAMAGED: &str = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: web.v1\n  namespace: blue\n  labels: {OWNER: TILLER, NAME: web, STATUS: DEPLOYED, VERSION: \"1\"}\nstringData: {release: this is none}\n";

#[test]
fn problems_of_release_records_are_in_every_format() {
    let text = format!("# one\n---\n{DAMAGED}");
    let read = run(&["check", "-", "-o", "sarif"], text.as_bytes());
    assert_eq!(read.code, Some(1), "{}", read.stderr);
    let log = sarif(&read);
    let result = log["results"].as_array().unwrap();
    let result = result
        .iter()
        .find(|it| it["ruleId"] == "release-problem")
        .unwrap();
    let message = result["message"]["text"].as_str().unwrap();
    assert!(
        message.starts_with("Secret blue/web.v1: damaged: "),
        "{message}"
    );
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region["startLine"], 3);
    let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
    let rule = &log["tool"]["driver"]["rules"][rule];
    assert!(
        rule["helpUri"]
            .as_str()
            .unwrap()
            .ends_with("/docs/releases.md"),
        "{rule}"
    );
    for format in ["junit", "github", "report", "html"] {
        let read = run(&["check", "-", "-o", format], text.as_bytes());
        assert!(read.stdout.contains("damaged"), "{format}: {}", read.stdout);
    }
}

#[test]
fn reports_are_objects_of_a_namespace_each_and_bounded() {
    let names = (0..40).map(|number| format!("tiller-{number}"));
    let pods: Vec<String> = names.map(|name| pod(&name)).collect();
    let text = format!("{}---\nkind: [\n", pods.join("---\n"));
    for (format, version, kinds) in [
        (
            "report",
            "openreports.io/v1alpha1",
            ["ClusterReport", "Report"],
        ),
        (
            "policyreport",
            "wgpolicyk8s.io/v1alpha2",
            ["ClusterPolicyReport", "PolicyReport"],
        ),
    ] {
        let read = run(&["check", "-", "-o", format], text.as_bytes());
        assert_eq!(read.code, Some(3), "{}", read.stderr);
        let objects: Vec<Value> = serde_saphyr::from_multiple(&read.stdout).unwrap();
        let [cluster, blue] = objects.as_slice() else {
            panic!("{objects:#?}");
        };
        assert_eq!([&cluster["kind"], &blue["kind"]], kinds);
        assert_eq!([&cluster["apiVersion"], &blue["apiVersion"]], [version; 2]);
        assert_eq!(cluster["summary"]["error"], 1);
        assert_eq!(blue["metadata"]["namespace"], "blue");
        assert_eq!(blue["summary"]["fail"], 40 * 19);
        let results = blue["results"].as_array().unwrap();
        assert_eq!(results.len(), 500);
        assert_eq!(
            blue["metadata"]["annotations"]["tiller-guard.io/results-left-out"],
            "260"
        );
        assert_eq!(results[0]["severity"], "critical");
        assert_eq!(results[0]["resources"][0]["kind"], "Pod");
        assert!(read.stdout.len() < 1_000_000);
    }
}
