//! What an administrator lets one object off, for a reason and for a time.

use super::finding::{Excepting, LaunchPart, Rule};
use super::object::Object;
use super::object_kind::ObjectKind;
use super::timestamp::Timestamp;
use super::workload::{Workload, Writer, is_made_of};

/// A rule that does not count for an object.
///
/// It covers the named object and what controllers make of it: the `ReplicaSet`s of a Deployment, the Jobs
/// of a `CronJob`, and their Pods, told by the controlling owner that they name. Whoever may write Pods in the
/// namespace can forge that owner, so that it counts only where one of Kubernetes' own controllers writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// The rule.
    pub rule: &'static Rule,
    /// The object's kind, of those that the rule looks at.
    pub kind: ObjectKind,
    /// The object's namespace; empty for what has none.
    pub namespace: String,
    /// The object's name.
    pub name: String,
    /// Why, for those who read the record.
    pub reason: String,
    /// From then on it counts no more.
    pub expires: Timestamp,
}

/// A rule that found something and was let off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excepted<'a> {
    /// The rule.
    pub rule: &'static Rule,
    /// The exception's reason.
    pub reason: &'a str,
}

/// The exceptions in force for one object.
#[derive(Debug, Clone, Default)]
pub(super) struct Exemptions<'a>(Vec<&'a Exception>);

// === impl Exception ===

impl Exception {
    fn covers(&self, object: &Object<'_>) -> bool {
        match object {
            Object::Workload(workload) => self.covers_workload(workload),
            Object::Rbac(_) | Object::Exposure(_) | Object::Custody(_) => self.names(object),
            Object::Connection(_) => false,
        }
    }

    fn covers_workload(&self, workload: &Workload<'_>) -> bool {
        let Self {
            kind,
            namespace,
            name,
            ..
        } = self;
        let ObjectKind::Workload(kind) = kind else {
            return false;
        };
        if workload.namespace.as_deref() != Some(namespace.as_str()) {
            return false;
        }
        if workload.kind == *kind && workload.name.as_str() == name {
            return true;
        }
        // Whoever writes Pods may claim any owner: only a controller's word counts, and that of a manifest.
        let owner = workload
            .controller()
            .filter(|_| workload.writer != Writer::Other);
        owner.is_some_and(|(owner, owner_name)| {
            let made = kind.makes() == Some(owner) && is_made_of(owner_name, name);
            made || (owner == *kind && owner_name == name)
        })
    }

    /// Whether it names this object itself.
    fn names(&self, object: &Object<'_>) -> bool {
        let kind = object.kind();
        let namespace = object.namespace().filter(|_| kind.has_namespace());
        self.kind == kind
            && self.namespace == namespace.unwrap_or_default()
            && self.name == object.name()
    }

    fn lets_off(&self, rule: &Rule) -> bool {
        self.rule == rule || self.rule.followed_by.contains(&rule)
    }

    /// Whether it means this to the canonical command line, by its rule or one that follows from it.
    fn means(&self, what: Excepting) -> bool {
        let followed_by = self.rule.followed_by.iter().copied();
        let mut rules = [self.rule].into_iter().chain(followed_by);
        rules.any(|rule| rule.excepted == Some(what))
    }
}

// === impl Exemptions ===

impl<'a> Exemptions<'a> {
    pub(super) fn of(exceptions: &'a [Exception], object: &Object<'_>, now: Timestamp) -> Self {
        let in_force = |exception: &&Exception| exception.expires > now;
        let counting = exceptions.iter().filter(in_force);
        Self(counting.filter(|it| it.covers(object)).collect())
    }

    /// The exception that lets this rule off.
    pub(super) fn of_rule(&self, rule: &Rule) -> Option<&'a Exception> {
        self.0.iter().find(|it| it.lets_off(rule)).copied()
    }

    /// Whether this part of the command line stays as it is.
    pub(super) fn keep(&self, part: LaunchPart) -> bool {
        self.0.iter().any(|it| it.means(Excepting::Keeps(part)))
    }

    /// Whether this part of the command line is set whatever depends on it.
    pub(super) fn set(&self, part: LaunchPart) -> bool {
        self.0.iter().any(|it| it.means(Excepting::Sets(part)))
    }
}
