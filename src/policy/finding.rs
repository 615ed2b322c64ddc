//! What a rule finds, where, and what to do about it.

use std::borrow::Cow;
use std::fmt;

use super::injector::Injector;
use super::pointer::Pointer;

/// A rule, as every finding, table and test names it.
#[derive(Debug)]
pub struct Rule {
    /// The kebab-case name, stable over releases.
    pub id: &'static str,
    /// How bad what it finds is.
    pub severity: Severity,
    /// What it finds, in a sentence.
    pub summary: &'static str,
    /// What the guard does about it, in a sentence.
    pub answer: &'static str,
    /// The rules that an exception for it lets off with it: what these find follows from what it lets be.
    pub followed_by: &'static [&'static Self],
    /// What an exception for it means to the canonical command line.
    pub excepted: Option<Excepting>,
    /// What it goes by that a watch may not have told of yet: what it refuses by that may be let in by a lookup.
    pub live: Option<LiveFact>,
}

/// A part of Tiller's command line that hardening sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LaunchPart {
    /// `--listen` and `--probe-listen`.
    Listen,
    /// `--storage`.
    Storage,
    /// `--tls`.
    Tls,
    /// `--tls-verify`.
    TlsVerify,
    /// The paths of key and certificates.
    CertificatePaths,
    /// `--trace`.
    Trace,
    /// `--experimental-release`.
    ExperimentalRelease,
    /// What is logged, and to where.
    Logging,
}

/// What an exception means to the canonical command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excepting {
    /// This part stays as it is.
    Keeps(LaunchPart),
    /// This part is set though what is there depends on it.
    Sets(LaunchPart),
}

/// What a decision goes by that a watch may be behind with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveFact {
    /// Roles and bindings.
    Rights,
    /// How many Secrets of a namespace hold a release.
    ReleaseRecords,
    /// The token Secrets of an account.
    TokenSecrets,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Untidy, or a door that another rule holds too.
    Low,
    /// Weakens a protection.
    Medium,
    /// Takes a protection away.
    High,
    /// Hands out Tiller's rights.
    Critical,
}

/// What the guard does about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// There is one right answer, which the patch holds.
    Harden,
    /// A person has to decide.
    Refuse,
    /// It is told and let pass, but where the mode forbids Tillers.
    Report,
}

/// One thing that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// Where; what it names may be absent and missed there.
    pub path: Pointer,
    /// What is there, in a sentence without a full stop.
    pub message: Cow<'static, str>,
    /// What to do, in a sentence without a full stop.
    pub remedy: Cow<'static, str>,
    /// What the guard does about it.
    pub action: Action,
    /// Whose webhook put it into a pod as that was made: what the pod was made from need not be at fault.
    pub injector: Option<Injector>,
}

// === impl Rule ===

impl Rule {
    /// What most rules leave unsaid, to be filled with the rest.
    pub const PLAIN: Self = Self {
        id: "",
        severity: Severity::Low,
        summary: "",
        answer: "",
        followed_by: &[],
        excepted: None,
        live: None,
    };
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}

// === impl Severity ===

impl Severity {
    /// Every severity, the least first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The severity of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }

    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

// === impl Action ===

impl Action {
    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Harden => "harden",
            Self::Refuse => "refuse",
            Self::Report => "report",
        }
    }
}

// === impl Finding ===

/// One line: rule, path where it is not the whole object, what is there, what to do.
impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            severity: _,
            path,
            message,
            remedy,
            action: _,
            injector: _,
        } = self;
        write!(formatter, "{}: ", rule.id)?;
        if !path.is_whole() {
            write!(formatter, "{path}: ")?;
        }
        write!(formatter, "{message}; {remedy}")
    }
}
