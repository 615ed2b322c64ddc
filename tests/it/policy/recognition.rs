//! `tests/cases/recognition.yaml`: which containers of a pod are Tillers, in every kind that carries one.

use serde::Deserialize;
use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::policy::{Context, Settings, Timestamp, WorkloadKind, decide};

use super::corpus::read as read_cases;
use super::generate;

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
