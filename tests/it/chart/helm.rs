//! Helm 4's engine, as a Python package.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::folder;

/// A Python with the package.
static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chart/environment.sh");
    let output = Command::new(script)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "tests/chart/environment.sh failed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
});

/// Lets Helm do something with the chart.
pub(crate) fn helm(mut job: Value) -> Value {
    job["chart"] = json!(folder());
    let mut child = Command::new(&*PYTHON)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chart/helm.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(job.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The objects that the chart makes with these values.
pub(crate) fn rendered(values: &Value) -> Vec<Value> {
    let files = helm(json!({ "do": "render", "namespace": "tiller-guard", "values": values }));
    files
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| !name.ends_with("NOTES.txt"))
        .flat_map(|(name, text)| {
            let text = text.as_str().unwrap();
            let documents: Vec<Value> = serde_saphyr::from_multiple(text)
                .unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
            documents
        })
        .filter(|object| !object.is_null())
        .collect()
}
