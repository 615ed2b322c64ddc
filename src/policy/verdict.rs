//! The decision on one subject.

use std::sync::LazyLock;

use super::case::{Case, Findings, TillerContainer};
use super::rules::{CHECKS, Check, check_borrowed_account};
use super::{Action, Finding, Knowledge, Patch, Settings, Subject, harden};
use crate::tiller::{Surroundings, Tiller, recognise};

/// What was decided on a subject.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The containers taken for Tillers; where there are none, the subject is our business only if something was
    /// found.
    pub tillers: Vec<TillerContainer<'a>>,
    /// What the rules found, in the order of [`rules()`](super::rules()).
    pub findings: Vec<Finding>,
    /// What makes the findings of [`Action::Harden`] go away (RFC 6902).
    pub patch: Patch<'a>,
}

impl Verdict<'_> {
    /// Whether a person has to change the object before it may be admitted.
    pub fn refuses(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.action == Action::Refuse)
    }
}

/// Judges a subject where nothing is known of the cluster.
///
/// Total, pure and deterministic: it knows no clock, no I/O, and not who asks.
pub fn decide<'a>(subject: &'a Subject<'a>, settings: &'a Settings) -> Verdict<'a> {
    static NOTHING: LazyLock<Knowledge> = LazyLock::new(Knowledge::default);
    decide_knowing(subject, settings, &NOTHING)
}

/// Judges a subject with what is known of the cluster.
pub fn decide_knowing<'a>(
    subject: &'a Subject<'a>,
    settings: &'a Settings,
    knowledge: &'a Knowledge,
) -> Verdict<'a> {
    let case = Case {
        subject,
        settings,
        knowledge,
    };
    let recognised = recognise(&subject.pod, subject.traits());
    if recognised.is_empty() {
        let mut findings = Findings::default();
        check_borrowed_account(&case, &mut findings);
        let (findings, _) = findings.into_parts();
        return Verdict {
            tillers: Vec::new(),
            findings,
            patch: Patch::default(),
        };
    }
    let surroundings = Surroundings {
        namespace: subject.namespace.as_deref(),
    };
    let tillers: Vec<_> = recognised
        .into_iter()
        .map(|recognised| {
            let tiller = Tiller::read(recognised.container, surroundings);
            TillerContainer::new(recognised, subject.kind, tiller)
        })
        .collect();
    let (findings, edits) = examine(&case, &tillers).into_parts();
    let patch = harden::patch(&case, &tillers, edits);
    Verdict {
        tillers,
        findings,
        patch,
    }
}

fn examine<'a>(case: &Case<'a>, tillers: &[TillerContainer<'a>]) -> Findings<'a> {
    let mut findings = Findings::default();
    for (rule, check) in CHECKS {
        match check {
            Check::Pod(check) => check(case, &mut findings),
            Check::Tiller(check) => {
                for tiller in tillers {
                    check(case, tiller, &mut findings);
                }
            }
            Check::Launch(check) => {
                for tiller in tillers.iter().filter(|tiller| tiller.has_open_launch()) {
                    check(tiller, &mut findings);
                }
            }
        }
        findings.end_rule(rule, case.pod(""));
    }
    findings
}
