//! `tests/cases/recognition.yaml`: which containers of a pod are Tillers, in every kind that carries one.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::policy::{Context, Settings, Timestamp, WorkloadKind, decide};

use super::corpus::read as read_cases;
use super::generate;

/// How long a command may take without optimisation, on a machine with other work.
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default)]
    workload: Option<String>,
    #[serde(default)]
    metadata: Value,
    spec: Value,
    /// `LIST/INDEX` of each container that is one.
    pub(crate) tillers: Vec<String>,
}

impl Case {
    /// An object of this kind that carries the pod.
    pub(crate) fn object(&self, kind: WorkloadKind) -> Value {
        let name = self.workload.as_deref().unwrap_or("web");
        let template = json!({ "metadata": self.metadata, "spec": self.spec });
        generate::object(kind, &json!({ "name": name }), template)
    }
}

pub(crate) fn cases() -> Vec<Case> {
    read_cases("recognition")
}

#[test]
fn each_case_has_the_tillers_that_it_says() {
    let settings = Settings::default();
    let context = Context::at(Timestamp(0));
    for case in cases() {
        for kind in WorkloadKind::ALL {
            let object = case.object(kind);
            let workload = read(kind, &object).unwrap();
            let verdict = decide(&workload, &settings, &context);
            let found = verdict.tillers.iter();
            let found: Vec<String> = found
                .map(|it| format!("{}/{}", it.list.as_str(), it.index))
                .collect();
            assert_eq!(found, case.tillers, "{} in a {}", case.name, kind.as_str());
        }
    }
}

/// A start that is as long as an object may be ends in time, and without a stack that grows with it; it may be Tiller's.
#[test]
fn a_command_of_nothing_but_starters_is_read_to_no_end_and_may_be_tiller() {
    let settings = Settings::default();
    let context = Context::at(Timestamp(0));
    for starter in [
        "sh",
        "npm exec",
        "runuser -u x",
        "su - x",
        "env",
        "my_init",
        "gdb",
        "xargs",
        "sudo",
        "busybox sh",
        "timeout 5",
        "some-program --",
        "eval",
        "find -exec",
        "nice -n 5 honcho start",
    ] {
        let words = starter.split(' ').cycle().take(4_000).chain(["/tiller"]);
        let words: Vec<&str> = words.collect();
        let object = json!({
            "metadata": { "name": "web" },
            "spec": { "containers": [{ "name": "a", "image": "example/web", "command": words }] },
        });
        let workload = read(WorkloadKind::Pod, &object).unwrap();
        let begun = Instant::now();
        let verdict = decide(&workload, &settings, &context);
        assert_eq!(verdict.tillers.len(), 1, "{starter}");
        assert!(
            begun.elapsed() < LONGEST,
            "{starter}: {:?}",
            begun.elapsed()
        );
    }
}
