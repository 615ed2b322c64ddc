//! The decision on one workload.

use super::case::{Case, Findings, TillerContainer};
use super::exception::Exemptions;
use super::rules::{BORROWED_ACCOUNT, CHECKS, Check};
use super::{Action, Context, Excepted, Finding, Patch, Settings, Workload, harden};
use crate::tiller::{Surroundings, Tiller};

/// What was decided on a workload.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// The containers taken for Tillers; where there are none, the workload is our business only if something was
    /// found.
    pub tillers: Vec<TillerContainer<'a>>,
    /// What the rules found, in the order of [`rules()`](super::rules()).
    pub findings: Vec<Finding>,
    /// The rules that found something and were let off by an exception, in the same order.
    pub excepted: Vec<Excepted<'a>>,
    /// What makes the findings of [`Action::Harden`] go away (RFC 6902).
    pub patch: Patch<'a>,
}

impl Verdict<'_> {
    /// Whether the workload is none of our business.
    pub fn is_empty(&self) -> bool {
        self.tillers.is_empty() && self.findings.is_empty() && self.excepted.is_empty()
    }

    /// Whether a person has to change the object before it may be admitted.
    pub fn refuses(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.action == Action::Refuse)
    }
}

impl Verdict<'_> {
    /// Whether hardening answers all that was found.
    pub(super) fn hardens(&self) -> bool {
        self.all(Action::Harden)
    }

    /// Whether nothing was found but what is told and let pass.
    pub(super) fn only_reports(&self) -> bool {
        self.all(Action::Report)
    }

    fn all(&self, action: Action) -> bool {
        self.findings.iter().all(|finding| finding.action == action)
    }
}

impl From<Vec<Finding>> for Verdict<'_> {
    /// On what carries no Tiller and cannot be hardened.
    fn from(findings: Vec<Finding>) -> Self {
        Self {
            tillers: Vec::new(),
            findings,
            excepted: Vec::new(),
            patch: Patch::default(),
        }
    }
}

/// Judges a workload.
///
/// Total, pure and deterministic: it knows no clock, no I/O, and not who asks.
pub fn decide<'a>(
    workload: &'a Workload<'a>,
    settings: &'a Settings,
    context: &Context<'a>,
) -> Verdict<'a> {
    let case = Case {
        workload,
        settings,
        exemptions: Exemptions::of(&settings.exceptions, workload, context.now),
        knowledge: context.knowledge,
    };
    let recognised = settings.recognise(workload);
    if recognised.is_empty() {
        let (rule, check) = BORROWED_ACCOUNT;
        let mut findings = Findings::new(settings);
        check(&case, &mut findings);
        findings.end_rule(rule, case.exemptions.of_rule(rule), case.pod(""));
        let (findings, _, excepted) = findings.into_parts();
        return Verdict {
            tillers: Vec::new(),
            findings,
            excepted,
            patch: Patch::default(),
        };
    }
    let tillers: Vec<_> = recognised
        .into_iter()
        .map(|recognised| {
            let surroundings = Surroundings {
                namespace: workload.namespace.as_deref(),
                version: settings.version_of(&recognised.container.image),
            };
            let tiller = Tiller::read(recognised.container, surroundings);
            TillerContainer::new(recognised, workload.kind, tiller)
        })
        .collect();
    let (findings, edits, excepted) = examine(&case, &tillers).into_parts();
    let patch = if edits.is_empty() {
        Patch::default()
    } else {
        harden::patch(&case, &tillers, edits)
    };
    Verdict {
        tillers,
        findings,
        excepted,
        patch,
    }
}

fn examine<'a>(case: &Case<'a>, tillers: &[TillerContainer<'a>]) -> Findings<'a> {
    let mut findings = Findings::new(case.settings);
    let whole = case.workload.kind.shows_whole_pod();
    for (rule, check) in CHECKS {
        match check {
            Check::Lists(check) => check(case, &mut findings),
            Check::Pod(_) | Check::Tiller(_) | Check::Launch(_) if !whole => {}
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
        if findings.has_found() {
            findings.end_rule(rule, case.exemptions.of_rule(rule), case.pod(""));
        }
    }
    findings
}
