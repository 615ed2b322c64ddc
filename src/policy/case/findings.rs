//! Where rules put what they find.

use std::borrow::Cow;

use super::workload::TillerContainer;
use crate::policy::exception::{Excepted, Exception};
use crate::policy::finding::{Action, Finding, Rule};
use crate::policy::harden::Edit;
use crate::policy::injector::Injector;
use crate::policy::pointer::Pointer;
use crate::policy::settings::Settings;

/// The refusals of one rule on one object that are told one by one: a manifest of a million bad variables is
/// as refused as one of seventeen. What is hardened is told in full, as its patch is.
const TOLD_PER_RULE: usize = 16;

/// What is found in the Deployment of `helm init`.
const USUAL: usize = 16;

/// Where rules put what they find. Bounded: see [`TOLD_PER_RULE`].
#[derive(Debug)]
pub(in crate::policy) struct Findings<'a> {
    settings: &'a Settings,
    told: Vec<Finding>,
    edits: Vec<Edit<'a>>,
    excepted: Vec<Excepted<'a>>,
    /// How many findings and lookups there were when the current rule began.
    begun: (usize, usize),
    /// How many refusals the rule at work has found.
    refused: usize,
}

// === impl Findings ===

impl<'a> Findings<'a> {
    pub(in crate::policy) fn new(settings: &'a Settings) -> Self {
        Self {
            settings,
            told: Vec::new(),
            edits: Vec::new(),
            excepted: Vec::new(),
            begun: (0, 0),
            refused: 0,
        }
    }

    /// A finding that a person must deal with.
    pub(in crate::policy) fn refuse(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.refused += 1;
        if self.refused <= TOLD_PER_RULE {
            self.tell(rule, path, message.into(), remedy.into(), Action::Refuse);
        }
    }

    /// A finding that a person has to deal with, of what another webhook has put into a pod whose Tiller is in this
    /// container.
    pub(in crate::policy) fn refuse_injected(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        (injector, container): (Injector, &str),
    ) {
        let told = self.told.len();
        self.refuse(rule, path, message, injector.kept_away_from(container));
        for finding in self.told.iter_mut().skip(told) {
            finding.injector = Some(injector);
        }
    }

    /// A finding that is reported and allowed.
    pub(in crate::policy) fn report(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.tell(rule, path, message.into(), remedy.into(), Action::Report);
    }

    /// A finding that this edit answers.
    pub(in crate::policy) fn harden(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
        edit: Edit<'a>,
    ) {
        self.tell(rule, path, message.into(), remedy.into(), Action::Harden);
        if self.edits.is_empty() {
            self.edits.reserve(USUAL);
        }
        self.edits.push(edit);
    }

    /// A finding that the canonical command line answers.
    pub(in crate::policy) fn relaunch(
        &mut self,
        rule: &'static Rule,
        tiller: &TillerContainer<'_>,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        let edit = Edit::Launch(tiller.place());
        self.harden(rule, tiller.words(), message, remedy, edit);
    }

    fn tell(
        &mut self,
        rule: &'static Rule,
        path: Pointer,
        message: Cow<'static, str>,
        remedy: Cow<'static, str>,
        action: Action,
    ) {
        if self.told.is_empty() {
            self.told.reserve(USUAL);
        }
        self.told.push(Finding {
            rule,
            severity: self.settings.severity(rule),
            path,
            message,
            remedy,
            action,
            injector: None,
        });
    }

    /// Whether the rule at work has found something.
    pub(in crate::policy) fn has_found(&self) -> bool {
        self.told.len() > self.begun.0
    }

    /// Ends a rule's turn: an exception takes back what it found and asked for, and what it found beyond the
    /// bound is reported as a number, for the object.
    pub(in crate::policy) fn end_rule(
        &mut self,
        rule: &'static Rule,
        exception: Option<&'a Exception>,
        object: Pointer,
    ) {
        let (told, edits) = self.begun;
        if self.has_found()
            && let Some(exception) = exception
        {
            self.told.truncate(told);
            self.edits.truncate(edits);
            self.excepted.push(Excepted {
                rule,
                reason: &exception.reason,
            });
        } else if let Some(untold @ 1..) = self.refused.checked_sub(TOLD_PER_RULE) {
            self.tell(
                rule,
                object,
                format!("{untold} more of the same rule").into(),
                "see the ones above".into(),
                Action::Refuse,
            );
        }
        self.refused = 0;
        self.begun = (self.told.len(), self.edits.len());
    }

    pub(in crate::policy) fn into_parts(self) -> (Vec<Finding>, Vec<Edit<'a>>, Vec<Excepted<'a>>) {
        let Self {
            settings: _,
            told,
            edits,
            excepted,
            begun: _,
            refused: _,
        } = self;
        (told, edits, excepted)
    }
}
