//! Problems of release records, for formats that know rules only.

use crate::policy::{Rule, Severity};

/// What problems of release records go by in other formats, which know rules only.
pub static RELEASE_PROBLEM: Rule = Rule {
    id: "release-problem",
    severity: Severity::High,
    summary: "A release record of Tiller has a problem.",
    answer: "`tiller-guard releases list` names the problem and its fix.",
    ..Rule::PLAIN
};
