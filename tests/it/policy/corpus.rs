//! The case corpus: `tests/cases/RULE.yaml`, each case the canonical hardened Deployment with a few fields
//! set otherwise, and what is found in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tiller_guard::policy::{
    Exception, Injector, Knowledge, Rule, RunAsUser, Settings, Timestamp, WorkloadKind,
    workload_rules,
};

use super::known::known_beside;

/// Shorthands of the pointers in a case file.
const PLACES: [(&str, &str); 3] = [
    ("tiller", "/spec/template/spec/containers/0"),
    ("pod", "/spec/template/spec"),
    ("template", "/spec/template"),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Pointer to value, in order; `null` removes.
    set: serde_json::Map<String, Value>,
    /// What is known of the cluster.
    #[serde(default)]
    knows: Vec<Value>,
    /// Kubernetes 1.`kubernetes` runs it, where that is known.
    pub(crate) kubernetes: Option<u16>,
    /// Whether the policy requires teams.
    #[serde(default)]
    require_team: bool,
    /// The injectors that the policy lists.
    #[serde(default)]
    injectors: Vec<String>,
    /// Whether the policy leaves the user to OpenShift's projects.
    #[serde(default)]
    project_user: bool,
    /// The rules that an exception lets off.
    #[serde(default)]
    excepts: Vec<String>,
    /// `RULE ACTION PATH: MESSAGE`, or without the message where `says` gives a part of it.
    pub(crate) finds: Vec<String>,
    #[serde(default)]
    pub(crate) says: Option<String>,
    /// What hardening makes of it: the canonical Deployment with these fields set otherwise.
    #[serde(default)]
    becomes: serde_json::Map<String, Value>,
}

impl Case {
    pub(crate) fn manifest(&self) -> Value {
        changed(&self.set)
    }

    pub(crate) fn knowledge(&self) -> Knowledge {
        let version = self.kubernetes.map(Knowledge::of_kubernetes);
        known_beside(version.unwrap_or_default(), &self.knows)
    }

    pub(crate) fn settings(&self) -> Settings {
        let exceptions = self.excepts.iter().flat_map(|id| {
            WorkloadKind::ALL.map(|kind| Exception {
                rule: workload_rules().find(|rule| rule.id == id).unwrap(),
                kind: kind.into(),
                namespace: "tiller-world".to_owned(),
                name: "tiller-deploy".to_owned(),
                reason: "it can wait".to_owned(),
                expires: Timestamp(i64::MAX),
            })
        });
        Settings {
            require_team: self.require_team,
            injectors: {
                let listed = |it: &Injector| self.injectors.iter().any(|id| id == it.as_str());
                Injector::ALL.into_iter().filter(listed).collect()
            },
            run_as_user: if self.project_user {
                RunAsUser::Project
            } else {
                RunAsUser::Nobody
            },
            exceptions: exceptions.collect(),
            ..Settings::default()
        }
    }

    pub(crate) fn hardened(&self) -> Value {
        changed(&self.becomes)
    }
}

/// Every case, by its rule.
pub(crate) fn cases() -> BTreeMap<&'static str, Vec<Case>> {
    workload_rules()
        .map(|rule| (rule.id, cases_of(rule, |case: &Case| &case.finds)))
        .collect()
}

/// The cases of a rule, of which at least one finds it.
pub(crate) fn cases_of<C: DeserializeOwned>(rule: &Rule, finds: fn(&C) -> &[String]) -> Vec<C> {
    let cases: Vec<C> = read(rule.id);
    let found = |case| finds(case).iter().any(|line| line.starts_with(rule.id));
    assert!(cases.iter().any(found), "no case finds {}", rule.id);
    cases
}

/// Reads a file of the corpus by its name without the extension.
pub(crate) fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = file(name);
    let text = fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The file of the corpus with this name.
pub(crate) fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    folder.join(name).with_extension("yaml")
}

/// Whether the findings are those of a case, which may leave out the message.
pub(crate) fn as_said(found: &[String], said: &[String]) -> bool {
    let one = |(found, said): (&String, &String)| {
        found == said || found.starts_with(&format!("{said}: "))
    };
    found.len() == said.len() && found.iter().zip(said).all(one)
}

/// The canonical hardened Deployment.
pub(crate) fn canonical() -> Value {
    read("hardened")
}

/// A pointer with its shorthand written out.
pub(crate) fn expanded(pointer: &str) -> String {
    PLACES
        .iter()
        .find_map(|(short, long)| Some(format!("{long}{}", pointer.strip_prefix(short)?)))
        .unwrap_or_else(|| pointer.to_owned())
}

/// A pointer in its shortest form.
pub(crate) fn shortened(pointer: &str) -> String {
    PLACES
        .iter()
        .find_map(|(short, long)| Some(format!("{short}{}", pointer.strip_prefix(long)?)))
        .unwrap_or_else(|| pointer.to_owned())
}

fn changed(changes: &serde_json::Map<String, Value>) -> Value {
    let mut manifest = canonical();
    for (pointer, value) in changes {
        let path = PointerBuf::parse(expanded(pointer)).unwrap();
        let operation = match (value, manifest.pointer(path.as_str())) {
            (Value::Null, _) => PatchOperation::Remove(RemoveOperation { path }),
            // In a list, `add` would insert.
            (value, Some(_)) => PatchOperation::Replace(json_patch::ReplaceOperation {
                path,
                value: value.clone(),
            }),
            (value, None) => PatchOperation::Add(AddOperation {
                path,
                value: value.clone(),
            }),
        };
        json_patch::patch(&mut manifest, &Patch(vec![operation]))
            .unwrap_or_else(|error| panic!("{pointer}: {error}"));
    }
    manifest
}
