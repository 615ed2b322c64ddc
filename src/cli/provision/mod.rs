//! `tiller-guard provision`: a team's Tiller, with its rights and certificates.

mod arguments;
mod authority_folder;
mod bundles;
mod difference;
mod folder;
mod issuance;
mod offline;
mod progress;
mod session;

use clap::Args;
use futures_util::stream::{self, StreamExt as _};

use super::Exit;
use super::reach::on_runtime;
use crate::policy::Settings;
use crate::provision::CheckedTeam;
use arguments::{DryRun, MakeArguments};
use issuance::Course;
use offline::Keep;
use session::{Failure, Session};

/// Teams that are made at once.
const TEAMS_AT_ONCE: usize = 4;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    make: MakeArguments,
}

/// Provisions teams.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { make } = arguments;
    let settings = make.shared.settings()?;
    let teams = make.teams(&settings)?;
    let (shared, doing) = (&make.shared, &make.doing);
    match (doing.output, doing.dry_run) {
        (Some(format), _) => {
            let plans = offline::plans(&teams, shared, &settings, Keep::Files)?;
            offline::print(&plans, format)
        }
        (None, Some(DryRun::Client)) => {
            let plans = offline::plans(&teams, shared, &settings, Keep::Nothing)?;
            offline::name(&plans)
        }
        (None, Some(DryRun::Server) | None) => on_runtime(make_all(&make, &teams, &settings)),
    }
}

async fn make_all(
    make: &MakeArguments,
    teams: &[CheckedTeam],
    settings: &Settings,
) -> anyhow::Result<Exit> {
    let session = match Session::open(&make.shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    session.examine(teams)?;
    let session = &session;
    let mut done = stream::iter(teams)
        .map(|team| async move {
            let outcome = session.make(team, Course::Keep, &make.doing).await;
            (team, outcome)
        })
        .buffer_unordered(TEAMS_AT_ONCE);
    let mut exit = Exit::Clean;
    while let Some((team, made)) = done.next().await {
        if let Err(Failure { exit: worse, error }) = made {
            session
                .progress
                .error(format_args!("{}: {error:#}", team.team))?;
            exit = worse;
        }
    }
    Ok(exit)
}
