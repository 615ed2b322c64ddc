//! The records of a Tiller that is taken over, moved to where the team's Tiller looks for them.
//!
//! ```text
//! stop the old Tiller ─ copy, compare, set aside ─ the team's plan ─ Tiller is ready ─ delete the old records
//! ```
//!
//! If it is killed, the next run continues: each step follows from the current state.

use anyhow::anyhow;
use serde_json::Value;

use super::super::releases::{told, unmoved, waits};
use super::arguments::DoingArguments;
use super::session::{Failure, Session};
use super::status::tillers;
use crate::cluster::apply::Effect;
use crate::cluster::releases::{Move, MoveError, Moved};
use crate::policy::Settings;
use crate::provision::CheckedTeam;
use crate::releases::Storage;

/// A move of a team's records into Secrets.
pub(super) struct Adoption<'a> {
    session: &'a Session<'a>,
    team: &'a CheckedTeam,
    doing: &'a DoingArguments,
    records: Move,
}

/// What of a Tiller changes that its releases rely on, in a line each: its version, and how many revisions of a release it keeps.
pub(super) fn changes(live: &Value, planned: &Value, settings: &Settings) -> Vec<String> {
    let first = |deployment| tillers(deployment, settings).into_iter().next();
    let (Some(before), Some(after)) = (first(live), first(planned)) else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    let version = |it: &Value| Some(it.get("version")?.as_str()?.to_owned());
    if let (Some(before), Some(after)) = (version(&before), version(&after))
        && before != after
    {
        lines.push(format!(
            "Tiller's version changes from {before} to {after}; to keep it, pass --tiller-version v{before}"
        ));
    }
    let kept = |it: &Value| it.pointer("/effective/history_max")?.as_i64();
    if let (Some(before), Some(after)) = (kept(&before), kept(&after))
        && after > 0
        && (before <= 0 || after < before)
    {
        let (so_far, option) = match before {
            ..=0 => ("all".to_owned(), 0),
            _ => (before.to_string(), before),
        };
        lines.push(format!(
            "Tiller kept {so_far} revisions of a release, and keeps {after} now: at the next upgrade it deletes older ones; to keep \
             them, pass --history-max {option}"
        ));
    }
    lines
}

// === impl Adoption ===

impl<'a> Adoption<'a> {
    /// The move of what is recorded in the namespace of this team's Tiller.
    pub(super) fn new(
        session: &'a Session<'a>,
        team: &'a CheckedTeam,
        doing: &'a DoingArguments,
    ) -> Self {
        let records = Move {
            namespace: team.tiller_namespace.clone(),
            to: Storage::Secrets,
            keep: false,
            allow_pending: false,
            // The team's plan holds Tiller's Deployment.
            switches: false,
            timeout: doing.timeout,
            waits,
        };
        Self {
            session,
            team,
            doing,
            records,
        }
    }

    /// Moves the records, and leaves Tiller stopped: the plan starts it. A dry run only reports what would be moved.
    pub(super) async fn begin(&self) -> Result<(), Failure> {
        let cluster = &self.session.cluster;
        let tell = |moved: Moved| self.tell(&moved);
        let moved = match self.doing.effect() {
            Effect::Write => self.records.run(cluster, tell).await,
            effect => {
                let tries = effect == Effect::ServerDryRun;
                self.records.plan(cluster, tries, tell).await
            }
        };
        self.done(moved)
    }

    /// Deletes the old records, of an earlier run too, once Tiller is ready.
    pub(super) async fn finish(&self) -> Result<(), Failure> {
        let tell = |moved: Moved| self.tell(&moved);
        self.done(self.records.finish(&self.session.cluster, tell).await)
    }

    fn tell(&self, moved: &Moved) {
        let tried = self.doing.tried();
        let line = format_args!("{}{tried}", told(moved, &self.records));
        // A closed output does not stop the work halfway.
        self.session.line(&self.team.team, line).ok();
    }

    fn done(&self, moved: Result<(), MoveError>) -> Result<(), Failure> {
        moved.map_err(|failed| {
            let (exit, told) = unmoved(failed, &self.records);
            let error = anyhow!(told);
            Failure { exit, error }
        })
    }
}
