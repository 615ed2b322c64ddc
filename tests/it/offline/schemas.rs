//! SARIF and `JUnit` by their published schemas, and within GitHub's limits.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use super::{Folder, run};

/// A folder with the schemas, and with a Python that validates.
pub(crate) static TOOLS: LazyLock<String> = LazyLock::new(|| {
    let made = Command::new(file("tests/formats/environment.sh"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
});

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    path.to_str().unwrap().to_owned()
}

/// What the schemas have against these files.
fn complaints(files: &[&str]) -> String {
    let validated = Command::new(format!("{}/bin/python", *TOOLS))
        .args([&file("tests/formats/validate.py"), &*TOOLS])
        .args(files)
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&validated.stdout) + String::from_utf8_lossy(&validated.stderr);
    assert_eq!(validated.status.success(), said.is_empty(), "{said}");
    said.into_owned()
}

/// Writes both formats, and validates them.
#[track_caller]
fn assert_valid(words: &[&str], input: &[u8]) -> (Folder, String) {
    let folder = Folder::new();
    let [sarif, junit] = ["a.sarif", "a.xml"].map(|it| format!("{}/{it}", folder.path()));
    let formats = [format!("sarif={sarif}"), format!("junit={junit}")];
    let words = [words, &["-o", &formats[0], "-o", &formats[1]]].concat();
    let written = run(&words, input);
    assert!(written.code.is_some_and(|it| it < 4), "{}", written.stderr);
    assert_eq!(complaints(&[&sarif, &junit]), "", "{words:?}");
    (folder, sarif)
}

#[test]
fn the_schemas_take_what_was_found_in_files() {
    let places = ["tests/data", "tests/cases", "docs/examples", "charts"].map(file);
    let mut words = vec!["check"];
    words.extend(places.iter().map(String::as_str));
    let (_folder, sarif) = assert_valid(&words, b"");
    let log: Value = serde_json::from_str(&fs::read_to_string(sarif).unwrap()).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap().len();
    assert!(results > 200, "{results}");
}

#[test]
fn the_schemas_take_what_cannot_be_read_and_any_text() {
    assert_valid(&["check", "-"], b"kind: [\n");
    assert_valid(&["check", "-"], b"kind: [\n---\n{{ x }}\n---\nkind: [\n");
    assert_valid(&["check", "-"], super::SERVICE.as_bytes());
    assert_valid(&["check", "-", "--allow-empty"], b"");
    // Names that no API server takes, in any alphabet.
    for name in [
        "<&>\\\"'",
        "\\u001b[31m\\u0000",
        "тиллер \\ud83d\\ude80",
        "%25 a b?#",
    ] {
        let pod = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{{\"name\":\"{name}\",\"namespace\":\"{name}\"}},\
             \"spec\":{{\"containers\":[{{\"name\":\"{name}\",\"image\":\"ghcr.io/helm/tiller:v2.17.0\"}}]}}}}"
        );
        assert_valid(&["check", "-"], pod.as_bytes());
        // A dump that lacks most lists: unknown parts are there too.
        assert_valid(&["audit", "-f", "-"], pod.as_bytes());
    }
}

/// A schema that took anything would prove nothing.
#[test]
fn the_schemas_refuse_what_is_wrong() {
    let folder = Folder::new();
    let sarif = folder.file(
        "a.sarif",
        r#"{"version":"2.1.0","runs":[{"results":[{}]}]}"#,
    );
    let said = complaints(&[&sarif]);
    assert!(said.contains("runs/0"), "{said}");
    let junit = folder.file("a.xml", "<testsuite tests='1'><testcase/></testsuite>");
    let said = complaints(&[&junit]);
    assert!(said.contains("'name' is required"), "{said}");
    let case = "<testcase classname='a' name='b'/>";
    let twice = format!("<testsuite name='a' tests='2'>{case}{case}</testsuite>");
    let said = complaints(&[&folder.file("b.xml", twice)]);
    assert!(said.contains("is there twice"), "{said}");
}

/// GitHub takes 25,000 results of a run, 1,000 locations of a result, 20 tags of a rule, and 10 MB of a file, compressed.
///
/// Source: GitHub's documentation, "SARIF support for code scanning".
#[test]
fn thirty_thousand_findings_are_within_the_limits_of_github() {
    let pods: Vec<String> = (0..1700)
        .map(|number| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: tiller-{number}, namespace: team-{number}}}\nspec:\n  containers:\n  \
                 - name: tiller\n    image: ghcr.io/helm/tiller:v2.17.0\n"
            )
        })
        .collect();
    let (_folder, sarif) = assert_valid(&["check", "-"], pods.join("---\n").as_bytes());
    let text = fs::read(sarif).unwrap();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&text).unwrap();
    let size = gzip.finish().unwrap().len();
    assert!(size < 10_000_000, "{size}");
    let log: Value = serde_json::from_slice(&text).unwrap();
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let results = runs[0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 25_000);
    let locations = |it: &Value| it["locations"].as_array().unwrap().len();
    assert!(results.iter().all(|it| locations(it) <= 1000));
    let rules = runs[0]["tool"]["driver"]["rules"].as_array().unwrap();
    let tags = |it: &Value| it["properties"]["tags"].as_array().map_or(0, Vec::len);
    assert!(rules.len() <= 25_000 && rules.iter().all(|it| tags(it) <= 20));
}
