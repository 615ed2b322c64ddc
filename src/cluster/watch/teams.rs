//! The registered teams, and which of them count.

use std::collections::{BTreeMap, BTreeSet};

use super::store::Remark;
use crate::gather::Gather as _;
use crate::policy::team::{Team, TeamError, TeamRegistration, register};

/// The registered teams.
#[derive(Debug, Default)]
pub(super) struct Teams {
    registered: BTreeMap<Box<str>, Result<TeamRegistration, TeamError>>,
    /// Those that count.
    counting: BTreeMap<Box<str>, Team>,
    /// Those that do not, and why.
    ignored: BTreeMap<Box<str>, String>,
}

/// What changes when the teams are looked at anew.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The names of those that count no more.
    pub(super) gone: Vec<Box<str>>,
    /// Those that count from now on, or have changed.
    pub(super) come: Vec<Team>,
    /// What is worth a word.
    pub(super) remarks: Vec<Remark>,
}

// === impl Teams ===

impl Teams {
    /// Takes down a team's `ConfigMap`.
    pub(super) fn put(&mut self, name: &str, registered: Result<TeamRegistration, TeamError>) {
        self.registered.insert(name.into(), registered);
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, name: &str) {
        self.registered.remove(name);
    }

    /// How many are ignored.
    pub(super) fn ignored(&self) -> usize {
        self.ignored.len()
    }

    /// Decides which count.
    pub(super) fn settle(&mut self) -> Settled {
        let good = self.registered.values().filter_map(|it| it.as_ref().ok());
        let (counting, clashes) = register(good);
        let counting: BTreeMap<Box<str>, Team> = counting
            .into_iter()
            .map(|team| (team.name.clone(), team.clone()))
            .gather();
        let bad = self.registered.iter().filter_map(|(name, registered)| {
            let error = registered.as_ref().err()?;
            Some((name.clone(), error.to_string()))
        });
        let clashing = clashes.iter().map(|it| (it.team.clone(), it.to_string()));
        let ignored: BTreeMap<Box<str>, String> = bad.chain(clashing).gather();

        let before: BTreeSet<_> = self.ignored.iter().gather();
        let update = ignored.iter().filter(|entry| !before.contains(entry));
        let told = update.map(|(_, why)| Remark::TeamIgnored(why.clone()));
        let mended = self.ignored.keys().filter(|it| !ignored.contains_key(*it));
        let mended = mended.map(|name| Remark::TeamMended(name.to_string()));
        let settled = Settled {
            gone: self
                .counting
                .keys()
                .filter(|name| !counting.contains_key(*name))
                .cloned()
                .collect(),
            come: counting
                .values()
                .filter(|team| self.counting.get(&team.name) != Some(team))
                .cloned()
                .collect(),
            remarks: told.chain(mended).collect(),
        };
        self.counting = counting;
        self.ignored = ignored;
        settled
    }
}
