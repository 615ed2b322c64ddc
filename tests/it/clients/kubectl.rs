//! What kubectl reads in a file.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::program;
use crate::cluster::Folder;

/// What kubectl would send of a file.
#[derive(Debug, Default, Clone)]
pub(super) struct Sent {
    /// The objects, in order.
    pub(super) objects: Vec<Value>,
    /// What it says where it refuses something in the file, and so the whole of it or what follows.
    pub(super) refusal: Option<String>,
}

/// Lets kubectl create what is in each of some files, in one run, without sending it.
pub(super) fn sent(version: &str, kubeconfig: &Path, files: &[Vec<u8>]) -> Vec<Sent> {
    let folder = Folder::create().unwrap();
    for (number, bytes) in files.iter().enumerate() {
        std::fs::write(folder.join(&name(number)), bytes).unwrap();
        folder
            .write(&format!("{number:06}.zend.json"), &end(number).to_string())
            .unwrap();
    }
    let output = create(version, kubeconfig, folder.path());
    let mut sent = vec![Sent::default(); files.len()];
    let mut number = 0;
    for object in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        let object = object.unwrap();
        if object == end(number) {
            number += 1;
        } else {
            sent[number].objects.push(object);
        }
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(number, files.len(), "{errors}");
    for line in errors.lines() {
        let told = line
            .split_once(".yaml")
            .and_then(|(before, _)| before.get(before.len() - 6..));
        if let Some(number) = told.and_then(|number| number.parse::<usize>().ok()) {
            sent[number].refusal = Some(line.to_owned());
        }
    }
    sent
}

/// What kubectl says where it refuses something in this one file. Some of its errors name no file.
pub(super) fn refusal(version: &str, kubeconfig: &Path, bytes: &[u8]) -> Option<String> {
    let folder = Folder::create().unwrap();
    std::fs::write(folder.join(&name(0)), bytes).unwrap();
    let output = create(version, kubeconfig, &folder.join(&name(0)));
    let errors = String::from_utf8_lossy(&output.stderr);
    // A file of nothing but comments is none.
    let refuses = !output.status.success() && !errors.contains("no objects passed to create");
    refuses.then(|| errors.into_owned())
}

fn create(version: &str, kubeconfig: &Path, files: &Path) -> Output {
    Command::new(program(&format!("kubectl-{version}")))
        .args([
            "create",
            "--dry-run=client",
            "--validate=false",
            "--output=json",
        ])
        .arg("--filename")
        .arg(files)
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .env("HOME", files.parent().unwrap())
        .output()
        .unwrap()
}

fn name(number: usize) -> String {
    format!("{number:06}.yaml")
}

/// What stands between the objects of one file and those of the next.
fn end(number: usize) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": format!("end-of-{number}") } })
}
