//! What Helm 2's client makes of a Deployment that it reads and writes back (`helm init --upgrade`): it is built with
//! Kubernetes 1.16, and drops every field that came later.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value};
use tiller_guard::k8s;
use tiller_guard::policy::{Context, Knowledge, Settings, Timestamp, WorkloadKind, decide};

use crate::policy::corpus::{Case, canonical, cases};

/// Fields by their type, with the type of their values where that is looked into.
type Fields = BTreeMap<String, BTreeMap<String, Option<String>>>;

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let text = std::fs::read_to_string(path.join("kubernetes-1.16-deployment.tsv")).unwrap();
    let mut fields = Fields::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split('\t').map(ToOwned::to_owned);
        let (kind, name) = (words.next().unwrap(), words.next().unwrap());
        fields.entry(kind).or_default().insert(name, words.next());
    }
    fields
});

/// A Deployment as the client has it once it has read it.
pub(crate) fn as_read(deployment: &Value) -> Value {
    known(deployment, "Deployment", "", &mut BTreeSet::new())
}

/// What is known of a value of this type. Notes where it drops something.
fn known(value: &Value, kind: &str, at: &str, dropped: &mut BTreeSet<String>) -> Value {
    match value {
        Value::Array(elements) => {
            let at = format!("{at}/*");
            let elements = elements.iter();
            elements.map(|it| known(it, kind, &at, dropped)).collect()
        }
        Value::Object(members) => {
            let mut kept = Map::new();
            for (name, value) in members {
                let at = format!("{at}/{name}");
                match FIELDS[kind].get(name) {
                    None => _ = dropped.insert(at),
                    Some(None) => drop(kept.insert(name.clone(), value.clone())),
                    Some(Some(kind)) => {
                        kept.insert(name.clone(), known(value, kind, &at, dropped));
                    }
                }
            }
            kept.into()
        }
        other => other.clone(),
    }
}

/// The Deployment hardened, and what is found in it.
fn hardened(deployment: &Value, knowledge: &Knowledge) -> (Value, Vec<String>) {
    let workload = k8s::read(WorkloadKind::Deployment, deployment).unwrap();
    let context = Context::new(Timestamp(0), knowledge);
    let settings = Settings::default();
    let verdict = decide(&workload, &settings, &context);
    let mut hardened = deployment.clone();
    json_patch::patch(&mut hardened, &verdict.patch.to_json_patch().unwrap()).unwrap();
    let findings = verdict.findings.iter();
    (hardened, findings.map(ToString::to_string).collect())
}

/// A pod's specification, but for the system call filters of single containers, which are as good as the pod's.
fn spec(deployment: &Value) -> Value {
    let mut spec = deployment["spec"]["template"]["spec"].clone();
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        if let Some(context) = container["securityContext"].as_object_mut() {
            context.remove("seccompProfile");
        }
    }
    spec
}

#[test]
fn what_the_client_drops_of_the_hardened_deployment_is_put_back() {
    for knowledge in [Knowledge::default(), Knowledge::of_kubernetes(36)] {
        let (again, findings) = hardened(&as_read(&canonical()), &knowledge);
        assert_eq!(again, canonical());
        assert_eq!(findings.len(), 1, "{findings:#?}");
    }
    // An API server without the field has dropped it before.
    let old = Knowledge::of_kubernetes(18);
    let read = as_read(&canonical());
    assert_eq!(hardened(&read, &old), (read.clone(), Vec::new()));
}

/// Of all that hardening sets, in whatever case of the corpus.
#[test]
fn the_client_drops_nothing_that_is_not_put_back() {
    let mut dropped = BTreeSet::new();
    // Others have dropped it before.
    let newer = |case: &Case| case.kubernetes.is_none_or(|minor| minor >= 19);
    for case in cases().into_values().flatten().filter(newer) {
        let knowledge = case.knowledge();
        let decided = |deployment: &Value| hardened(deployment, &knowledge);
        let first = decided(&case.manifest()).0;
        let mut unknown = BTreeSet::new();
        let read = known(&first, "Deployment", "", &mut unknown);
        let holds_tiller = k8s::read(WorkloadKind::Deployment, &first)
            .unwrap()
            .workload()
            .unwrap()
            .holds_tiller();
        // What is refused is mended by nobody.
        if holds_tiller && decided(&first).1.is_empty() {
            let again = decided(&read).0;
            let nothing: [String; 0] = [];
            assert_eq!(decided(&again).1, nothing, "{}", case.name);
            assert_eq!(spec(&again), spec(&first), "{}", case.name);
            dropped.extend(unknown);
        }
    }
    let pod = "/spec/template/spec";
    let expected = [
        format!("{pod}/containers/*/securityContext/seccompProfile"),
        format!("{pod}/securityContext/seccompProfile"),
    ];
    assert_eq!(dropped.into_iter().collect::<Vec<_>>(), expected);
}
