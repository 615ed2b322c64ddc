//! The decision on one object: the only way in, for every door.

use super::case::{Case, ConnectionCase, CustodyCase, Findings, TillerContainer};
use super::context::Context;
use super::exception::Exemptions;
use super::finding::Rule;
use super::harden::{self, Patch};
use super::object::Object;
use super::pointer::{Place, Pointer};
use super::rights::RbacCase;
use super::rules::{
    BORROWED_ACCOUNT, CHECKS, CONNECTION_CHECKS, CUSTODY_CHECKS, Check, EXPOSURE_CHECKS,
    RBAC_CHECKS,
};
use super::settings::Settings;
use super::verdict::Verdict;
use super::workload::Workload;
use crate::tiller::{Recognised, Surroundings, Tiller};

/// Judges an object. What an exception lets off is left out; what carries no pod cannot be hardened.
///
/// Total, pure and deterministic: it knows no clock, no I/O, and not which door the object came through.
pub fn decide<'a>(
    object: &'a Object<'a>,
    settings: &'a Settings,
    context: &Context<'a>,
) -> Verdict<'a> {
    let exemptions = Exemptions::of(&settings.exceptions, object, context.now);
    match object {
        Object::Workload(workload) => decide_workload(&Case {
            workload,
            settings,
            exemptions,
            knowledge: context.knowledge,
        }),
        Object::Rbac(object) => {
            let case = RbacCase::new(object, settings, context.knowledge);
            by(&RBAC_CHECKS, settings, &exemptions, |check, findings| {
                check(&case, findings);
            })
        }
        Object::Exposure(object) => by(
            &EXPOSURE_CHECKS,
            settings,
            &exemptions,
            |check, findings| {
                check(object, findings);
            },
        ),
        Object::Custody(object) => {
            let case = CustodyCase {
                object,
                settings,
                context: *context,
            };
            by(&CUSTODY_CHECKS, settings, &exemptions, |check, findings| {
                check(&case, findings);
            })
        }
        Object::Connection(connection) => {
            let Some(case) = ConnectionCase::new(connection, settings, context) else {
                return verdict_of(Findings::new(settings));
            };
            by(
                &CONNECTION_CHECKS,
                settings,
                &exemptions,
                |check, findings| {
                    check(&case, findings);
                },
            )
        }
    }
}

/// The verdict by each of these rules in turn.
fn by<'a, Check>(
    checks: &'static [(&'static Rule, Check)],
    settings: &'a Settings,
    exemptions: &Exemptions<'a>,
    look: impl Fn(&Check, &mut Findings<'a>),
) -> Verdict<'a> {
    let mut findings = Findings::new(settings);
    for (rule, check) in checks {
        look(check, &mut findings);
        if findings.has_found() {
            findings.end_rule(
                rule,
                exemptions.of_rule(rule),
                Pointer::new(Place::Object, ""),
            );
        }
    }
    verdict_of(findings)
}

/// The verdict on what carries no Tiller.
fn verdict_of(findings: Findings<'_>) -> Verdict<'_> {
    let (findings, _, excepted) = findings.into_parts();
    Verdict {
        tillers: Vec::new(),
        findings,
        excepted,
        patch: Patch::default(),
    }
}

fn decide_workload<'a>(case: &Case<'a>) -> Verdict<'a> {
    let Case {
        workload, settings, ..
    } = case;
    let recognised = settings.recognise(workload);
    if recognised.is_empty() {
        let (rule, check) = BORROWED_ACCOUNT;
        let mut findings = Findings::new(settings);
        check(case, &mut findings);
        findings.end_rule(rule, case.exemptions.of_rule(rule), case.pod(""));
        return verdict_of(findings);
    }
    let tillers = recognised.into_iter();
    let tillers: Vec<_> = tillers.map(|it| read(it, workload, settings)).collect();
    let (findings, edits, excepted) = examine(case, &tillers).into_parts();
    let patch = if edits.is_empty() {
        Patch::default()
    } else {
        harden::patch(case, &tillers, edits)
    };
    Verdict {
        tillers,
        findings,
        excepted,
        patch,
    }
}

/// A container as the Tiller that it starts.
fn read<'a>(
    recognised: Recognised<'a>,
    workload: &'a Workload<'a>,
    settings: &Settings,
) -> TillerContainer<'a> {
    let surroundings = Surroundings {
        namespace: workload.namespace.as_deref(),
        version: settings.version_of(&recognised.container.image),
    };
    let tiller = Tiller::read(recognised.container, surroundings);
    TillerContainer::new(recognised, workload.kind, tiller)
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
