//! Tiller's Deployment, with another storage.

use serde_json::{Value, json};

use crate::k8s;
use crate::policy::WorkloadKind;
use crate::releases::Storage;
use crate::tiller;

/// Where the Tiller of a Deployment keeps its records, if that can be read.
pub(super) fn storage(deployment: &Value) -> Option<Storage> {
    let object = k8s::read(WorkloadKind::Deployment, deployment).ok()?;
    match object.workload()?.storage()? {
        tiller::Storage::ConfigMap => Some(Storage::ConfigMaps),
        tiller::Storage::Secret => Some(Storage::Secrets),
        tiller::Storage::Sql | tiller::Storage::Memory => None,
    }
}

/// The containers of a Deployment whose Tiller keeps its records there; `None` if they do not say where.
pub(super) fn switched(deployment: &Value, to: Storage) -> Option<Value> {
    let containers = deployment.pointer("/spec/template/spec/containers")?;
    let count = containers.as_array()?.len();
    (0..count).find_map(|index| {
        let mut changed = deployment.clone();
        let container = changed.pointer_mut(&format!("/spec/template/spec/containers/{index}"))?;
        set(container, to);
        let is_it = storage(&changed) == Some(to);
        let containers = changed.pointer("/spec/template/spec/containers")?;
        is_it.then(|| containers.clone())
    })
}

/// Takes the flag out of a launch, and puts it at its end. Tiller's image starts `/tiller` by its command, which arguments
/// take the place of.
fn set(container: &mut Value, to: Storage) {
    let words = |container: &Value, key: &str| -> Vec<String> {
        let words = container.get(key).and_then(Value::as_array);
        let words = words.into_iter().flatten().filter_map(Value::as_str);
        without(words)
    };
    let (mut command, mut arguments) = (words(container, "command"), words(container, "args"));
    if command.is_empty() && arguments.is_empty() {
        command.push("/tiller".to_owned());
    }
    arguments.push(format!("--storage={}", to.flag()));
    if let Some(container) = container.as_object_mut() {
        if !command.is_empty() {
            container.insert("command".to_owned(), json!(command));
        }
        container.insert("args".to_owned(), json!(arguments));
    }
}

fn without<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut skips = false;
    for word in words {
        if std::mem::take(&mut skips) {
            continue;
        }
        match word {
            "--storage" | "-storage" => skips = true,
            _ if word.starts_with("--storage=") || word.starts_with("-storage=") => {}
            _ => kept.push(word.to_owned()),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(container: &Value) -> Value {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": { "name": "tiller-deploy", "namespace": "a" },
            "spec": { "template": { "spec": { "containers": [container] } } },
        })
    }

    #[test]
    fn the_flag_stands_once_and_counts() {
        for (container, command, arguments) in [
            (json!({}), json!(["/tiller"]), json!(["--storage=secret"])),
            (
                json!({ "command": ["/tiller", "--storage", "configmap", "--listen=localhost:44134"] }),
                json!(["/tiller", "--listen=localhost:44134"]),
                json!(["--storage=secret"]),
            ),
            (
                json!({ "command": ["/tiller"], "args": ["--history-max=5", "--storage=configmap"] }),
                json!(["/tiller"]),
                json!(["--history-max=5", "--storage=secret"]),
            ),
        ] {
            let mut container = container;
            container["name"] = json!("tiller");
            container["image"] = json!("ghcr.io/helm/tiller:v2.17.0");
            let before = deployment(&container);
            assert_eq!(storage(&before), Some(Storage::ConfigMaps));
            let containers = switched(&before, Storage::Secrets).unwrap();
            assert_eq!(containers[0]["command"], command);
            assert_eq!(containers[0]["args"], arguments);
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_changed() {
        let script = json!({
            "name": "tiller",
            "image": "ghcr.io/helm/tiller:v2.17.0",
            "command": ["sh", "-c", "$(START)"],
        });
        assert_eq!(switched(&deployment(&script), Storage::Secrets), None);
    }
}
