//! How much of what is decided on a Tiller comes to pass.

use std::collections::BTreeMap;

/// What the guard does about a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mode {
    /// Everything is allowed; findings are recorded.
    Audit,
    /// Everything is allowed; findings are recorded and told as warnings.
    Warn,
    /// What can be hardened is, the rest is refused.
    #[default]
    Enforce,
    /// The same, and no new Tiller is let in. Those that are there may restart.
    Freeze,
    /// No Tiller is let in.
    Forbid,
}

/// The modes of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Modes {
    /// The mode of every namespace that is not listed.
    pub default: Mode,
    /// The modes of single namespaces, by name.
    pub namespaces: BTreeMap<String, Mode>,
}

// === impl Mode ===

impl Mode {
    /// Every mode, the mildest first.
    pub const ALL: [Self; 5] = [
        Self::Audit,
        Self::Warn,
        Self::Enforce,
        Self::Freeze,
        Self::Forbid,
    ];

    /// The lower-case name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
            Self::Freeze => "freeze",
            Self::Forbid => "forbid",
        }
    }

    /// The mode of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

// === impl Modes ===

impl Modes {
    /// The mode of a namespace, or of what names none.
    pub fn of(&self, namespace: Option<&str>) -> Mode {
        namespace
            .and_then(|name| self.namespaces.get(name))
            .map_or(self.default, |mode| *mode)
    }
}
