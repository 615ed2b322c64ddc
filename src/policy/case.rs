//! What a rule is given, and where it puts what it finds.

use std::borrow::Cow;

use super::canonical;
use super::harden::Edit;
use super::{Action, Finding, Rule, Settings, Subject};
use crate::pod::Container;
use crate::tiller::{ContainerList, Recognised, Tiller, Unknown};

/// The findings of one rule on one object that are told one by one: a manifest of a million bad
/// variables is as refused as one of seventeen.
const TOLD_PER_RULE: usize = 16;

/// A subject with at least one Tiller, as a rule sees it.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) subject: &'a Subject<'a>,
    pub(super) settings: &'a Settings,
    pub(super) tillers: &'a [TillerContainer<'a>],
    /// The JSON pointer of the pod's specification.
    pub(super) pod_path: &'a str,
}

/// A container taken for a Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillerContainer<'a> {
    /// The list it stands in.
    pub list: ContainerList,
    /// Its JSON pointer in the object.
    pub path: String,
    /// What the manifest says.
    pub container: &'a Container<'a>,
    /// What it does.
    pub tiller: Tiller<'a>,
}

/// Where rules put what they find. Bounded: see [`TOLD_PER_RULE`].
#[derive(Debug, Default)]
pub(super) struct Findings {
    told: Vec<Finding>,
    edits: Vec<Edit>,
    /// How many of the rule at work were found.
    of_rule: usize,
}

// === impl TillerContainer ===

impl<'a> TillerContainer<'a> {
    pub(super) fn new(recognised: Recognised<'a>, pod_path: &str, tiller: Tiller<'a>) -> Self {
        let Recognised {
            list,
            index,
            container,
        } = recognised;
        let path = format!("{pod_path}/{}/{index}", list.as_str());
        Self {
            list,
            path,
            container,
            tiller,
        }
    }

    /// Whether the command line is known and Tiller's parser accepts it, so that its settings mean
    /// something.
    pub(super) fn is_readable(&self) -> bool {
        self.tiller.launch.known().is_some()
            && self.tiller.effective.storage.unknown() != Some(&Unknown::Exits)
    }

    /// Whether the command line is readable and the canonical one may take its place: to a Tiller that is
    /// known to be too old, some of its flags are unknown, and it would exit.
    pub(super) fn has_open_launch(&self) -> bool {
        self.is_readable()
            && self
                .tiller
                .version
                .known()
                .is_none_or(|version| *version >= canonical::OLDEST)
    }

    /// The pointer of the words that a setting is read from: `args` where there are any.
    pub(super) fn words_path(&self) -> String {
        if !self.container.args.is_empty() {
            self.at("args")
        } else if !self.container.command.is_empty() {
            self.at("command")
        } else {
            self.path.clone()
        }
    }

    /// The pointer of a field of the container.
    pub(super) fn at(&self, field: &str) -> String {
        format!("{}/{field}", self.path)
    }
}

// === impl Findings ===

impl Findings {
    /// A finding that a person has to deal with.
    pub(super) fn refuse(
        &mut self,
        rule: &'static Rule,
        path: String,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        self.tell(rule, path, message.into(), remedy.into(), Action::Refuse);
    }

    /// A finding that this edit answers.
    pub(super) fn harden(
        &mut self,
        rule: &'static Rule,
        path: String,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
        edit: Edit,
    ) {
        self.tell(rule, path, message.into(), remedy.into(), Action::Harden);
        self.edits.push(edit);
    }

    /// A finding that the canonical command line answers.
    pub(super) fn relaunch(
        &mut self,
        rule: &'static Rule,
        tiller: &TillerContainer<'_>,
        message: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) {
        let edit = Edit::Launch {
            tiller: tiller.path.clone(),
        };
        self.harden(rule, tiller.words_path(), message, remedy, edit);
    }

    fn tell(
        &mut self,
        rule: &'static Rule,
        path: String,
        message: Cow<'static, str>,
        remedy: Cow<'static, str>,
        action: Action,
    ) {
        self.of_rule += 1;
        if self.of_rule <= TOLD_PER_RULE || action == Action::Harden {
            self.told.push(Finding {
                rule,
                path,
                message,
                remedy,
                action,
            });
        }
    }

    /// Ends a rule's turn: what it found beyond the bound is told as a number.
    pub(super) fn end_rule(&mut self, rule: &'static Rule, path: &str) {
        if let Some(untold @ 1..) = self.of_rule.checked_sub(TOLD_PER_RULE)
            && self
                .told
                .last()
                .is_some_and(|last| last.action == Action::Refuse)
        {
            self.told.push(Finding {
                rule,
                path: path.to_owned(),
                message: format!("{untold} more of the same rule").into(),
                remedy: "see the ones above".into(),
                action: Action::Refuse,
            });
        }
        self.of_rule = 0;
    }

    pub(super) fn into_parts(self) -> (Vec<Finding>, Vec<Edit>) {
        let Self {
            told,
            edits,
            of_rule: _,
        } = self;
        (told, edits)
    }
}
