//! A team beside those that are there, and beside what it was itself.

use anyhow::anyhow;

use super::session::Session;
use crate::cluster::team::Registered;
use crate::provision::{CheckedTeam, check_beside, quoted};

impl Session<'_> {
    /// Examines teams beside those that are there.
    pub(super) fn examine(&self, teams: &[CheckedTeam]) -> anyhow::Result<()> {
        let known: Vec<_> = self.registered.iter().map(|it| it.team.clone()).collect();
        check_beside(teams, &known).map_err(|errors| {
            let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
            anyhow!(lines.join("\nerror: "))
        })?;
        teams
            .iter()
            .try_for_each(|team| self.takes_nothing_away(team))
    }

    /// Whoever leaves somebody or something out has to say so: it takes more than a new plan.
    fn takes_nothing_away(&self, team: &CheckedTeam) -> anyhow::Result<()> {
        let Some(Registered { team: old, .. }) = self.registered(&team.team) else {
            return Ok(());
        };
        let name = &team.team;
        if *old.tiller_namespace != *team.tiller_namespace
            || *old.service_account != *team.service_account
        {
            return Err(anyhow!(
                "the team \"{name}\" has its Tiller in {} as {}: deprovision it before it moves",
                old.tiller_namespace,
                old.service_account
            ));
        }
        let lost = |old: &[Box<str>], new: &[String]| {
            let lost = old.iter().find(|it| new.iter().all(|new| **new != ***it));
            lost.map(ToString::to_string)
        };
        if let Some(namespace) = lost(&old.target_namespaces, &team.target_namespaces) {
            return Err(anyhow!(
                "the team \"{name}\" has the target namespace {namespace} too: name it, or take it away with \
                 `tiller-guard deprovision {name} --target-namespace {namespace}`"
            ));
        }
        for (kind, old, new) in [
            ("user", &old.users, &team.users),
            ("group", &old.groups, &team.groups),
        ] {
            if let Some(person) = lost(old, new) {
                return Err(anyhow!(
                    "the {kind} \"{person}\" has access to the Tiller of the team \"{name}\", and is left out here: add it, or run \
                     `tiller-guard provision revoke {name} --{kind} {}`",
                    quoted(&person)
                ));
            }
        }
        Ok(())
    }
}
