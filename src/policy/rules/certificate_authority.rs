//! `certificate-authority`

use std::collections::BTreeSet;

use crate::policy::case::{CustodyCase, Findings};
use crate::policy::custody::{CaFile, CustodyObject};
use crate::policy::pointer::Place;
use crate::policy::{Knowledge, Pointer, Rule, Severity};

/// # What it finds
/// A CA in `ca.crt` of a team's Secret whose fingerprint the team does not name, or that cannot be read. A team
/// without fingerprints may have any CA.
/// # Why it matters
/// Tiller obeys everyone who has a certificate of one of these CAs.
/// # What hardening does
/// Nothing: an administrator adds the fingerprint of a new CA to the team before the CA is put there.
pub(super) static RULE: Rule = Rule {
    id: "certificate-authority",
    severity: Severity::Critical,
    summary: "The Secret of a team's Tiller trusts a CA that is not the team's.",
    answer: "Refused: put the team's CA there, or ask an administrator to add the new CA to the team first.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &CustodyCase<'_>, findings: &mut Findings<'_>) {
    let CustodyObject::Secret(secret) = case.object else {
        return;
    };
    let Some(namespace) = case.certificates_for(secret) else {
        return;
    };
    if let Some(objection) = objection(&secret.ca_file, namespace, case.context.knowledge) {
        findings.refuse(
            &RULE,
            Pointer::new(Place::Object, "data/ca.crt"),
            objection,
            "put the team's CA there; add a new CA to the team's ca-fingerprint first",
        );
    }
}

/// What is wrong with the CAs that a Tiller in this namespace trusts, or would.
pub(super) fn objection(
    ca_file: &CaFile,
    namespace: &str,
    knowledge: &Knowledge,
) -> Option<String> {
    let teams = || knowledge.teams_in(namespace);
    let right: BTreeSet<_> = teams().flat_map(|team| &team.ca_fingerprints).collect();
    let team = teams().next().filter(|_| !right.is_empty())?;
    match ca_file {
        CaFile::Absent => None,
        CaFile::Unreadable(reason) => Some(format!("ca.crt cannot be read: {reason}")),
        CaFile::Certificates(fingerprints) => {
            let strange = fingerprints.iter().any(|it| !right.contains(it));
            strange.then(|| {
                format!(
                    "ca.crt holds a CA that does not belong to team {}",
                    team.name
                )
            })
        }
    }
}
