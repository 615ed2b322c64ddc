//! `listen-address`

use crate::policy::case::{Findings, TillerContainer};
use crate::policy::harden::canonical;
use crate::policy::{Excepting, LaunchPart, Rule, Severity};

/// # What it finds
/// A Tiller that listens on another port than 44134, or whose probe server listens on another port than 44135.
/// # Why it matters
/// Network policies, Services and people look for Tiller on its port. They miss a Tiller on another one.
/// # What hardening does
/// Sets `:44134`, or `127.0.0.1:44134` if Tiller listened only on loopback; the same for the address of the probe
/// server, if it is set.
pub(in crate::policy) static RULE: Rule = Rule {
    id: "listen-address",
    severity: Severity::Medium,
    summary: "Tiller does not listen on port 44134, or its probe server not on 44135.",
    answer: "Hardened: `:44134`, or `127.0.0.1:44134` if Tiller listened only on loopback.",
    excepted: Some(Excepting::Keeps(LaunchPart::Listen)),
    ..Rule::PLAIN
};

pub(super) fn check(tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let effective = &tiller.tiller.effective;
    for (what, address, right) in [
        (
            "Tiller",
            &effective.listen,
            canonical::listen as fn(&str) -> &str,
        ),
        (
            "the probe server",
            &effective.probe_listen,
            canonical::probe_listen,
        ),
    ] {
        let Some(address) = address.known() else {
            continue;
        };
        let right = right(address);
        if right != address.as_ref() {
            findings.relaunch(
                &RULE,
                tiller,
                format!("{what} listens on \"{address}\""),
                format!("listen on {right}"),
            );
        }
    }
}
