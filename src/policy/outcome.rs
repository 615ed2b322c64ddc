//! From what was decided on an object to what is done about it: the one place that knows modes.

use super::{Action, Finding, Mode, Rule, Settings, Severity, Verdict};

/// # What it finds
/// A new Tiller in a namespace whose mode is `freeze`.
/// # Why it matters
/// While Tillers are migrated to Helm 3, each new one is one more to migrate.
/// # What hardening does
/// Nothing.
static TILLER_FROZEN: Rule = Rule {
    id: "tiller-frozen",
    severity: Severity::Critical,
    summary: "A new Tiller, and the policy's mode is `freeze`.",
    answer: "Refused: use the existing Tiller, or Helm 3.",
    ..Rule::PLAIN
};

/// # What it finds
/// A Tiller in a namespace whose mode is `forbid`.
/// # Why it matters
/// After the migration to Helm 3, nobody needs one.
/// # What hardening does
/// Nothing.
static TILLER_FORBIDDEN: Rule = Rule {
    id: "tiller-forbidden",
    severity: Severity::Critical,
    summary: "A Tiller, and the policy's mode is `forbid`.",
    answer: "Refused: use Helm 3, which needs no Tiller.",
    ..Rule::PLAIN
};

/// The rules that a mode alone enforces, whatever else is found.
pub fn mode_rules() -> [&'static Rule; 2] {
    [&TILLER_FROZEN, &TILLER_FORBIDDEN]
}

/// Which of the two webhooks is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Webhook {
    /// `mutate.tiller-guard.io`: hardens.
    Mutate,
    /// `validate.tiller-guard.io`: judges the final object.
    Validate,
}

/// What was decided on a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// No Tiller: allowed.
    Unconcerned,
    /// A Tiller in which nothing is found: allowed.
    Allowed,
    /// Allowed with a patch.
    Hardened,
    /// Refused, 403.
    Refused,
    /// Allowed as it is, since the mode only records.
    Audited,
    /// Allowed as it is with warnings, since the mode only warns, or there is nothing to refuse.
    Warned,
    /// Would be refused, but for who asks: allowed as it is.
    BreakGlass,
    /// The trial object of `doctor` and `install`: refused in every mode, and no incident.
    Trial,
}

/// Under which circumstances a Tiller comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Circumstances {
    /// Which webhook is asked.
    pub webhook: Webhook,
    /// Whether the Tiller is a new one.
    pub arrival: Arrival,
    /// Whether the object may still be changed.
    pub can_be_patched: bool,
    /// Whether who asks may break the glass.
    pub may_break_glass: bool,
}

/// Whether a Tiller is a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// A new object, or one that held no Tiller before this update.
    New,
    /// A new object that a controller of Kubernetes' own makes of one that is stored: a restart, or a rollout.
    ///
    /// By induction no new Tiller comes in so: what the controller makes it of was let in or updated itself.
    Made,
    /// An update of what held a Tiller before.
    Known,
}

/// What is done about an object.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was decided.
    pub decision: Decision,
    /// What the mode alone objects to; there is nothing to mend then.
    pub objection: Option<Finding>,
}

// === impl Webhook ===

impl Webhook {
    /// The name in metrics and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

// === impl Decision ===

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 8] = [
        Self::Unconcerned,
        Self::Allowed,
        Self::Hardened,
        Self::Refused,
        Self::Audited,
        Self::Warned,
        Self::BreakGlass,
        Self::Trial,
    ];

    /// The name in metrics, logs and audit annotations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unconcerned => "unconcerned",
            Self::Allowed => "allowed",
            Self::Hardened => "hardened",
            Self::Refused => "refused",
            Self::Audited => "audited",
            Self::Warned => "warned",
            Self::BreakGlass => "break-glass",
            Self::Trial => "trial",
        }
    }
}

// === impl Circumstances ===

impl Circumstances {
    /// Whether the webhook may answer with a patch.
    pub fn can_harden(self) -> bool {
        self.webhook == Webhook::Mutate && self.can_be_patched
    }
}

// === impl Outcome ===

impl Outcome {
    /// For what is none of our business.
    pub fn unconcerned() -> Self {
        Self {
            decision: Decision::Unconcerned,
            objection: None,
        }
    }

    /// What is done about a verdict.
    ///
    /// The mutating webhook hardens, and refuses at once what hardening cannot mend. The validating one
    /// refuses whatever is not hardened: by its turn the object is final. So does the mutating one with what
    /// may not be changed, so that all is told at once. Whoever may break the glass passes where he would be
    /// refused; where hardening is enough, his Tiller is hardened too.
    pub fn of(
        verdict: &Verdict<'_>,
        mode: Mode,
        circumstances: Circumstances,
        settings: &Settings,
    ) -> Self {
        let objection = match mode {
            Mode::Freeze if circumstances.arrival == Arrival::New => frozen(verdict, settings),
            Mode::Forbid => forbidden(verdict, settings),
            Mode::Audit | Mode::Warn | Mode::Enforce | Mode::Freeze => None,
        };
        let decision = if verdict.is_empty() {
            Decision::Unconcerned
        } else if objection.is_some() {
            refused(circumstances.may_break_glass)
        } else if verdict.findings.is_empty() {
            Decision::Allowed
        } else {
            match mode {
                Mode::Audit => Decision::Audited,
                Mode::Warn => Decision::Warned,
                Mode::Enforce | Mode::Freeze if verdict.only_reports() => Decision::Warned,
                Mode::Enforce | Mode::Freeze | Mode::Forbid => {
                    enforced(verdict, mode, circumstances)
                }
            }
        };
        Self {
            decision,
            objection,
        }
    }

    /// What is done about an object that is not what its kind says.
    pub fn of_malformed(mode: Mode, may_break_glass: bool) -> Self {
        let decision = match mode {
            Mode::Audit => Decision::Audited,
            Mode::Warn => Decision::Warned,
            Mode::Enforce | Mode::Freeze | Mode::Forbid => refused(may_break_glass),
        };
        Self {
            decision,
            objection: None,
        }
    }
}

fn enforced(verdict: &Verdict<'_>, mode: Mode, circumstances: Circumstances) -> Decision {
    let answered = match mode {
        Mode::Forbid => verdict.hardens(),
        Mode::Audit | Mode::Warn | Mode::Enforce | Mode::Freeze => !verdict.refuses(),
    };
    if circumstances.can_harden() && answered {
        Decision::Hardened
    } else {
        refused(circumstances.may_break_glass)
    }
}

fn refused(may_break_glass: bool) -> Decision {
    if may_break_glass {
        Decision::BreakGlass
    } else {
        Decision::Refused
    }
}

/// That no new Tiller is let in.
fn frozen(verdict: &Verdict<'_>, settings: &Settings) -> Option<Finding> {
    objection(
        &TILLER_FROZEN,
        "this namespace is frozen: no new Tiller is allowed",
        "use the existing Tiller, or Helm 3, which needs none",
        verdict,
        settings,
    )
}

/// That no Tiller is let in at all; nothing where there is none.
pub fn forbidden(verdict: &Verdict<'_>, settings: &Settings) -> Option<Finding> {
    objection(
        &TILLER_FORBIDDEN,
        "Tillers are forbidden in this namespace",
        "use Helm 3, which needs no Tiller; scale this one to zero or delete it",
        verdict,
        settings,
    )
}

fn objection(
    rule: &'static Rule,
    message: &'static str,
    remedy: &'static str,
    verdict: &Verdict<'_>,
    settings: &Settings,
) -> Option<Finding> {
    verdict.tillers.first().map(|tiller| Finding {
        rule,
        severity: settings.severity(rule),
        path: tiller.path(),
        message: message.into(),
        remedy: remedy.into(),
        action: Action::Refuse,
        injector: None,
    })
}
