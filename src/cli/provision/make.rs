//! A prepared team, brought to its desired state.

use std::slice;

use serde_json::Value;

use super::adoption::{Adoption, changes};
use super::apply::Making;
use super::arguments::DoingArguments;
use super::bundles;
use super::issuance::Course;
use super::prepare::{Prepared, Scope};
use super::session::{Failure, OWNER, Session};
use crate::cluster::apply::Effect;
use crate::cluster::team::{Granted, Grants};
use crate::policy::rbac::Account;
use crate::provision::{CheckedTeam, Names, tiller_deployment};

impl Session<'_> {
    /// Brings a team to its desired state, if all of it can be done.
    pub(super) async fn make(
        &self,
        team: &CheckedTeam,
        what: (Course, Scope),
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        let prepared = self.prepare(team, what, doing).await?;
        if what.1 != Scope::Certificates {
            self.may_carry_out(&prepared, &[], doing).await?;
        }
        self.carry_out(&prepared, &[], doing).await
    }

    /// Whether the current user may write what was prepared, and delete what is to go.
    pub(super) async fn may_carry_out(
        &self,
        prepared: &Prepared<'_>,
        gone: &[Value],
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        if doing.effect() != Effect::Write {
            return Ok(());
        }
        let may = self.may_write(slice::from_ref(prepared), gone).await;
        may.map_err(Failure::cluster)
    }

    /// Writes what was prepared, deletes what is to go, and waits until Tiller is ready.
    pub(super) async fn carry_out(
        &self,
        prepared: &Prepared<'_>,
        gone: &[Value],
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        let name = &prepared.team.team;
        if prepared.scope == Scope::Certificates && !prepared.is_change() {
            return self.line(name, "nothing is due");
        }
        let writer = self.writer(doing, true);
        let is_real = writer.effect == Effect::Write;
        let arguments = &self.shared.certificates;
        if is_real {
            let kept = prepared.issuance.keep(name, arguments, prepared.course);
            kept.map_err(Failure::input)?;
        }
        if prepared.restarts() {
            self.line(name, format_args!("this restarts Tiller{}", doing.tried()))?;
        }
        if doing.adopt {
            self.warn_of_changes(prepared)?;
            self.tell_of_wide_rights(prepared.team).await?;
        }
        let adoption = Adoption::new(self, prepared.team, doing);
        if prepared.moves {
            let what = "release records move, and the old Tiller is stopped";
            self.steps.begin(name, what);
            adoption.begin().await?;
        }
        let making = Making {
            session: self,
            prepared,
            doing,
            writer,
        };
        making.apply().await?;
        if !gone.is_empty() {
            self.steps
                .begin(name, "bundles and rights of those who left");
        }
        self.delete(name, gone, OWNER, doing).await?;
        if !is_real {
            return Ok(());
        }
        self.write_bundles(prepared)?;
        let done = match &prepared.plan.init_line {
            Some(line) => self.tell_what_is_next(prepared, line),
            None if doing.no_wait && prepared.moves => self.line(
                name,
                format_args!(
                    "then, once Tiller is ready, to delete the old records: tiller-guard releases move --to secrets -n {}",
                    prepared.team.tiller_namespace
                ),
            ),
            None if doing.no_wait || prepared.scope != Scope::Whole && !prepared.restarts() => Ok(()),
            None => {
                self.wait_for(prepared, doing).await?;
                if doing.adopt {
                    self.steps.begin(name, "old release records");
                    adoption.finish().await?;
                }
                Ok(())
            }
        };
        self.steps.end(name);
        done
    }

    async fn wait_for(
        &self,
        prepared: &Prepared<'_>,
        doing: &DoingArguments,
    ) -> Result<(), Failure> {
        let still = match prepared.course {
            Course::Replace | Course::ReplaceOnce | Course::Complete => {
                ", and may accept the old bundles until then"
            }
            Course::Keep | Course::Rotate | Course::Finish => "",
        };
        let what = format!("all objects are written; Tiller is not ready yet{still}");
        self.steps.begin(&prepared.team.team, what);
        self.wait(prepared.team, doing.timeout).await
    }

    /// Warns of what changes with a Tiller that is taken over.
    fn warn_of_changes(&self, prepared: &Prepared<'_>) -> Result<(), Failure> {
        let tiller = tiller_deployment(prepared.team);
        let is_it = |it: &&Value| it.get("kind") == tiller.get("kind");
        let (Some(live), Some(planned)) = (
            prepared.looked.live(&tiller),
            prepared.plan.objects().find(is_it),
        ) else {
            return Ok(());
        };
        for change in changes(live, planned, self.settings) {
            let warning = format_args!("warning: {change}");
            self.line(&prepared.team.team, warning)?;
        }
        Ok(())
    }

    /// Warns of rights in the whole cluster that an account keeps when it is taken over. Whoever may not list bindings is not told.
    async fn tell_of_wide_rights(&self, team: &CheckedTeam) -> Result<(), Failure> {
        let Ok(grants) = Grants::find(&self.cluster).await else {
            return Ok(());
        };
        let account = Account {
            namespace: &team.tiller_namespace,
            name: &team.service_account,
        };
        let granted = grants.of(account);
        for Granted { binding, role, .. } in granted.iter().filter(|it| it.namespace.is_none()) {
            self.line(
                &team.team,
                format_args!(
                    "warning: {binding} gives Tiller's service account {role} in the whole cluster: delete it, once the \
                     team's own rights are enough"
                ),
            )?;
        }
        Ok(())
    }

    fn write_bundles(&self, prepared: &Prepared<'_>) -> Result<(), Failure> {
        let Prepared { team, issuance, .. } = prepared;
        let arguments = &self.shared.certificates;
        let Some(folder) = &arguments.bundle_dir else {
            return Ok(());
        };
        let folders = bundles::write_all(folder, team, &issuance.certificates, arguments.force);
        for folder in folders.map_err(Failure::input)? {
            self.line(&team.team, format_args!("wrote {}", folder.display()))?;
        }
        Ok(())
    }

    /// What is left to do where Tiller is not a part of the plan. Tiller reads its certificates at its start alone.
    fn tell_what_is_next(&self, prepared: &Prepared<'_>, init_line: &str) -> Result<(), Failure> {
        let Prepared { team, issuance, .. } = prepared;
        let now = issuance.certificates.server.certificate.fingerprint();
        match prepared.served {
            Some(served) if served == now && prepared.course == Course::Keep => Ok(()),
            Some(_) => self.line(
                &team.team,
                format_args!(
                    "then: kubectl -n {} rollout restart deployment {}",
                    team.tiller_namespace,
                    Names::TILLER
                ),
            ),
            None => self.line(&team.team, format_args!("then: {init_line}")),
        }
    }
}
