//! Manifests in files: what they tell of one another, judged and hardened.

pub mod files;
pub mod harden;
pub mod judge;
pub mod learn;

use crate::policy::{Context, Knowledge, Modes, Settings, Timestamp};

/// What to judge manifests by.
#[derive(Debug, Clone)]
pub struct Judging {
    /// What the rules are told.
    pub settings: Settings,
    /// The modes; of these only `forbid` says something of a file.
    pub modes: Modes,
    /// The time.
    pub now: Timestamp,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// What the manifests tell of one another.
    pub knowledge: Knowledge,
}

// === impl Judging ===

impl Judging {
    /// What the manifests are judged with beside the settings.
    pub fn context(&self) -> Context<'_> {
        Context::new(self.now, &self.knowledge)
    }
}
