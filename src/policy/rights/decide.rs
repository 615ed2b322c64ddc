//! The decision on an object that gives rights.

use super::AccessCase;
use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rbac::AccessObject;
use crate::policy::rules::ACCESS_CHECKS;
use crate::policy::{Finding, Knowledge, Pointer, Settings};

/// Judges a role or a binding: what it would give the accounts that are known for Tillers', with what is known of
/// roles and bindings already. None of the findings can be hardened away.
///
/// Total, pure and deterministic: it knows no clock, no I/O, and not who asks.
pub fn decide_access(
    object: &AccessObject<'_>,
    settings: &Settings,
    knowledge: &Knowledge,
) -> Vec<Finding> {
    let case = AccessCase::new(object, settings, knowledge);
    let mut findings = Findings::new(settings);
    for (rule, check) in ACCESS_CHECKS {
        check(&case, &mut findings);
        findings.end_rule(rule, None, Pointer::new(Place::Object, ""));
    }
    let (findings, ..) = findings.into_parts();
    findings
}
