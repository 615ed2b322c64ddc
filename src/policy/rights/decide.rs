//! The decision on an object that gives rights.

use super::RbacCase;
use crate::policy::case::Findings;
use crate::policy::pointer::Place;
use crate::policy::rbac::RbacObject;
use crate::policy::rules::RBAC_CHECKS;
use crate::policy::{Finding, Knowledge, Pointer, Settings};

/// Judges a role or a binding: what it would give the accounts that are known for Tillers', with what is known of
/// roles and bindings already. None of the findings can be hardened away.
///
/// Total, pure and deterministic: it knows no clock, no I/O, and not who asks.
pub fn decide_rbac(
    object: &RbacObject<'_>,
    settings: &Settings,
    knowledge: &Knowledge,
) -> Vec<Finding> {
    let case = RbacCase::new(object, settings, knowledge);
    let mut findings = Findings::new(settings);
    for (rule, check) in RBAC_CHECKS {
        check(&case, &mut findings);
        findings.end_rule(rule, None, Pointer::new(Place::Object, ""));
    }
    let (findings, ..) = findings.into_parts();
    findings
}
