//! Tiller's Deployment, with another storage.

use serde_json::{Value, json};

use crate::k8s;
use crate::policy::WorkloadKind;
use crate::releases::Storage;
use crate::tiller::{self, ContainerList};

/// The Tiller of a Deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Launch {
    /// Which container it is.
    container: usize,
    /// Where it keeps its records.
    pub(super) storage: tiller::Storage,
}

/// Reads a Deployment. `None` if not exactly one container is a Tiller, or if it does not tell where it keeps its records.
pub(super) fn read(deployment: &Value) -> Option<Launch> {
    let object = k8s::read(WorkloadKind::Deployment, deployment).ok()?;
    let mut tillers = object.workload()?.storages();
    let (tiller, storage) = tillers.next()?;
    let is_only = tillers.next().is_none() && tiller.list == ContainerList::Regular;
    Some(Launch {
        container: tiller.index,
        storage: storage.filter(|_| is_only)?,
    })
}

/// Where the Tiller of a Deployment keeps its records, if that is in its namespace and can be read.
pub(super) fn storage(deployment: &Value) -> Option<Storage> {
    match read(deployment)?.storage {
        tiller::Storage::ConfigMap => Some(Storage::ConfigMaps),
        tiller::Storage::Secret => Some(Storage::Secrets),
        tiller::Storage::Sql | tiller::Storage::Memory => None,
    }
}

/// The containers of a Deployment whose Tiller keeps its records there; `None` if it cannot be made to do so.
pub(super) fn switched(deployment: &Value, to: Storage) -> Option<Value> {
    let Launch { container, .. } = read(deployment)?;
    let mut changed = deployment.clone();
    let place = format!("/spec/template/spec/containers/{container}");
    set(changed.pointer_mut(&place)?, to);
    let is_it = storage(&changed) == Some(to);
    let containers = changed.pointer("/spec/template/spec/containers")?;
    is_it.then(|| containers.clone())
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
            "spec": { "template": {
                "metadata": { "labels": { "app": "helm", "name": "tiller" } },
                "spec": { "containers": [container] },
            } },
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
    fn only_the_container_that_is_a_tiller_is_changed() {
        let envoy = json!({ "name": "envoy", "image": "envoy" });
        let tiller = json!({ "name": "t", "image": "ghcr.io/helm/tiller:v2.17.0" });
        let mut both = deployment(&envoy);
        let containers = both.pointer_mut("/spec/template/spec/containers").unwrap();
        *containers = json!([envoy, tiller]);
        let containers = switched(&both, Storage::Secrets).unwrap();
        assert_eq!(containers[0], envoy);
        assert_eq!(containers[1]["args"], json!(["--storage=secret"]));
        // It is named and labelled as Tiller is, and starts something else.
        let nginx = json!({ "name": "t", "image": "nginx:1.19" });
        assert_eq!(switched(&deployment(&nginx), Storage::Secrets), None);
        let containers = both.pointer_mut("/spec/template/spec/containers").unwrap();
        *containers = json!([tiller, tiller]);
        assert_eq!(switched(&both, Storage::Secrets), None);
    }

    #[test]
    fn what_cannot_be_read_is_not_changed() {
        for command in [
            json!(["sh", "-c", "$(START)"]),
            json!(["sh", "-c", "/tiller --storage=configmap"]),
            json!(["/tiller", "--storage", "$(STORAGE)"]),
        ] {
            let script = json!({
                "name": "tiller",
                "image": "ghcr.io/helm/tiller:v2.17.0",
                "command": command,
            });
            let deployment = deployment(&script);
            assert_eq!(switched(&deployment, Storage::Secrets), None, "{command}");
        }
    }
}
