//! Findings that are known: those of an earlier report.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::report::ReportedObject;

/// How often each finding is known, independent of file and line.
#[derive(Debug, Default)]
pub struct Baseline(BTreeMap<Known, usize>);

/// The rule, the object's kind, namespace and name, and the path in it.
type Known = (String, String, Option<String>, String, String);

#[derive(Deserialize)]
struct Report {
    version: u32,
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    kind: String,
    namespace: Option<String>,
    name: String,
    findings: Vec<Finding>,
}

#[derive(Deserialize)]
struct Finding {
    rule: String,
    path: String,
}

/// A text is no report.
#[derive(Debug, thiserror::Error)]
pub enum NotBaseline {
    /// It is not the JSON of a report.
    #[error("it is not a report that `check -o json` printed")]
    Json(#[from] serde_json::Error),
    /// It is of a newer tiller-guard.
    #[error("it has version {0} of the format, which this tiller-guard does not read")]
    Version(u32),
}

// === impl Baseline ===

impl Baseline {
    /// Reads a report that `check -o json` printed.
    pub fn read(text: &[u8]) -> Result<Self, NotBaseline> {
        let Report { version, objects } = serde_json::from_slice(text)?;
        if version != crate::report::FORMAT_VERSION {
            return Err(NotBaseline::Version(version));
        }
        let mut known = BTreeMap::new();
        for object in objects {
            for finding in object.findings {
                let key = (
                    finding.rule,
                    object.kind.clone(),
                    object.namespace.clone(),
                    object.name.clone(),
                    finding.path,
                );
                *known.entry(key).or_default() += 1;
            }
        }
        Ok(Self(known))
    }

    /// Removes the known findings, and returns their number.
    pub fn leave_out(&mut self, objects: &mut [ReportedObject]) -> usize {
        let mut found = 0;
        for object in objects {
            let ReportedObject {
                kind,
                namespace,
                name,
                findings,
                ..
            } = object;
            findings.retain(|finding| {
                let key = (
                    finding.rule.to_owned(),
                    kind.clone(),
                    namespace.clone(),
                    name.clone(),
                    finding.path.clone(),
                );
                let left = self.0.get_mut(&key).filter(|left| **left > 0);
                let is_known = left.map(|left| *left -= 1).is_some();
                found += usize::from(is_known);
                !is_known
            });
        }
        found
    }
}
