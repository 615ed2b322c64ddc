//! Objects with a long list, for what walks it.

use serde_json::{Map, Value, json};

/// The lists and maps that conditions walk.
pub(crate) const LISTS: [&str; 11] = [
    "command",
    "args",
    "postStart",
    "env",
    "ports",
    "containers",
    "initContainers",
    "volumes",
    "service ports",
    "selector",
    "data",
];

/// A pod, Service or Secret with so many elements in one of the lists or maps that a condition walks.
pub(crate) fn long(list: &str, length: usize) -> (&'static str, Value) {
    let container = |field: &str, element: Value| {
        let container = json!({ "image": "example/web:1", field: vec![element; length] });
        json!({ "metadata": { "name": "web" }, "spec": { "containers": [container] } })
    };
    let object = match list {
        "command" | "args" => container(list, json!("--some-flag=of-a-server")),
        "env" => {
            let mut pod = container(list, json!({ "name": "A_NAME", "value": "a value" }));
            pod["spec"]["containers"][0]["args"] = json!(["$(A_NAME)"]);
            pod
        }
        "postStart" => {
            let command = vec!["--some-flag=of-a-server"; length];
            let hooks = json!({ list: { "exec": { "command": command } } });
            let container = json!({ "image": "example/web:1", "lifecycle": hooks });
            json!({ "metadata": { "name": "web" }, "spec": { "containers": [container] } })
        }
        "ports" => container(list, json!({ "containerPort": 80 })),
        "containers" | "initContainers" => {
            let mut all = json!({ "metadata": {}, "spec": { "containers": [] } });
            all["spec"][list] = json!(vec![
                json!({ "name": "a", "image": "example/web:1" });
                length
            ]);
            all
        }
        "volumes" => {
            json!({ "metadata": {}, "spec": { "volumes": vec![json!({ "secret": { "secretName": "a" } }); length] } })
        }
        "service ports" => {
            let ports = vec![json!({ "port": 80, "targetPort": "http" }); length];
            return (
                "Service",
                json!({ "metadata": {}, "spec": { "ports": ports } }),
            );
        }
        "selector" => {
            let labels: Map<_, _> = (0..length)
                .map(|index| (format!("label-{index}"), json!("web")))
                .collect();
            return (
                "Service",
                json!({ "metadata": {}, "spec": { "selector": labels } }),
            );
        }
        "data" => {
            let data: Map<_, _> = (0..length)
                .map(|index| (format!("key-{index}"), json!("QQ==")))
                .collect();
            return ("Secret", json!({ "metadata": {}, "data": data }));
        }
        other => panic!("{other}"),
    };
    ("Pod", object)
}
