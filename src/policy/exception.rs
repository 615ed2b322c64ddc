//! What an administrator lets one object off, for a reason and for a time.

use super::rules::{client_not_verified, tls_disabled, tls_environment};
use super::{
    Context, Finding, ObjectKind, ObjectName, Rule, Settings, Timestamp, Verdict, Workload, Writer,
};

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

/// The exceptions in force for one workload.
#[derive(Debug, Clone, Default)]
pub(super) struct Exemptions<'a>(Vec<&'a Exception>);

// === impl Exception ===

impl Exception {
    fn covers(&self, workload: &Workload<'_>) -> bool {
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

    fn names(&self, object: ObjectName<'_>) -> bool {
        let own = ObjectName {
            kind: self.kind,
            namespace: &self.namespace,
            name: &self.name,
        };
        own == object
    }

    /// A Tiller that may serve plaintext need not ask for certificates, nor need its variables say
    /// otherwise.
    fn lets_off(&self, rule: &Rule) -> bool {
        let follows: &[&Rule] = if *self.rule == tls_disabled::RULE {
            &[&client_not_verified::RULE, &tls_environment::RULE]
        } else if *self.rule == client_not_verified::RULE {
            &[&tls_environment::RULE]
        } else {
            &[]
        };
        self.rule == rule || follows.contains(&rule)
    }
}

/// Whether a controller names so what it makes of an object of this name: a Deployment's `ReplicaSet`s end in
/// a hash, a `CronJob`'s Jobs in a number.
pub(super) fn is_made_of(made: &str, name: &str) -> bool {
    made.strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'))
        .is_some_and(|end| !end.is_empty() && end.bytes().all(|it| it.is_ascii_alphanumeric()))
}

/// The verdict on an object that carries no pod, of what was found in it.
pub fn except<'a>(
    findings: Vec<Finding>,
    object: ObjectName<'_>,
    settings: &'a Settings,
    context: &Context<'_>,
) -> Verdict<'a> {
    let in_force = settings.exceptions.iter();
    let in_force = in_force.filter(|it| it.expires > context.now && it.names(object));
    let exemptions = Exemptions(in_force.collect());
    let mut excepted: Vec<Excepted<'a>> = Vec::new();
    let mut left = findings;
    left.retain(|finding| match exemptions.of_rule(finding.rule) {
        None => true,
        Some(exception) => {
            if excepted.last().is_none_or(|last| last.rule != finding.rule) {
                excepted.push(Excepted {
                    rule: finding.rule,
                    reason: &exception.reason,
                });
            }
            false
        }
    });
    Verdict {
        excepted,
        ..Verdict::from(left)
    }
}

// === impl Exemptions ===

impl<'a> Exemptions<'a> {
    pub(super) fn of(exceptions: &'a [Exception], workload: &Workload<'_>, now: Timestamp) -> Self {
        let in_force = |exception: &&Exception| exception.expires > now;
        let counting = exceptions.iter().filter(in_force);
        Self(counting.filter(|it| it.covers(workload)).collect())
    }

    /// The exception that lets this rule off.
    pub(super) fn of_rule(&self, rule: &Rule) -> Option<&'a Exception> {
        self.0.iter().find(|it| it.lets_off(rule)).copied()
    }

    /// Whether a rule is let off.
    pub(super) fn lets_off(&self, rule: &Rule) -> bool {
        self.of_rule(rule).is_some()
    }
}
