//! `tiller-guard provision`: a team's Tiller, with its rights and certificates.

mod adoption;
mod apply;
mod arguments;
mod beside;
mod bundles;
mod ca_folder;
mod certs;
pub(super) mod configure;
pub(super) mod deprovision;
mod difference;
mod folder;
mod issuance;
mod life;
mod make;
mod may_write;
mod offline;
mod one_team;
mod prepare;
mod progress;
mod record;
mod session;
mod show;
mod status;

use clap::{Args, Subcommand};
use futures_util::stream::{self, StreamExt as _};

use super::Exit;
use crate::cluster::apply::Effect;
use crate::cluster::told::chain;
use crate::provision::CheckedTeam;
use arguments::{DoingArguments, DryRun, MakeArguments};
use issuance::Course;
use offline::Keep;
use prepare::Scope;
use session::{Session, in_cluster_by};

/// Teams that are made at once.
const TEAMS_AT_ONCE: usize = 4;

const EXAMPLES: &str = "\
Examples:
  tiller-guard provision blue --tiller-namespace blue-tiller --target-namespace blue --user ada@example.com
  tiller-guard provision -f teams.yaml --diff     what would change, of many teams
  tiller-guard provision -f teams.yaml -o yaml    all objects, keys included, without a cluster
  tiller-guard provision grant blue --user bob@example.com
  tiller-guard provision status blue";

/// Make a team's Tiller with its rights and certificates, or update it
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = EXAMPLES
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    make: MakeArguments,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show teams: Tiller, its settings, days left, users, last change, effective rights
    Status(show::ShowArguments),
    /// List the teams, one line each
    List(show::ListArguments),
    /// List the teams' certificates, with the days that are left
    Certs(show::ShowArguments),
    /// Renew certificates that are near their end, and restart Tiller if its own is among them
    Renew(life::RenewArguments),
    /// Replace a team's CA, with overlap
    Rotate(life::RotateArguments),
    /// Let users and groups use a team's Tiller
    Grant(life::PeopleArguments),
    /// Stop users and groups from using a team's Tiller, by a new CA and new bundles for those who stay
    Revoke(life::PeopleArguments),
}

/// Provisions teams, or does what else was asked for.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { command, make } = arguments;
    let Some(command) = command else {
        return run_make(&make);
    };
    match command {
        Command::Status(arguments) => status::status(arguments),
        Command::List(arguments) => status::list(arguments),
        Command::Certs(arguments) => certs::run(arguments),
        Command::Renew(arguments) => life::renew(arguments),
        Command::Rotate(arguments) => life::rotate(arguments),
        Command::Grant(arguments) => life::grant(arguments),
        Command::Revoke(arguments) => life::revoke(arguments),
    }
}

fn run_make(make: &MakeArguments) -> anyhow::Result<Exit> {
    let settings = make.shared.settings()?;
    let (shared, doing) = (&make.shared, &make.doing);
    match (make.output, doing.dry_run) {
        (Some(format), _) => {
            let teams = make.teams(&settings, None)?;
            let plans = offline::plans(&teams, shared, &settings, Keep::Files)?;
            offline::print(&plans, format)
        }
        // Only the cluster knows which records would move.
        (None, Some(DryRun::Client)) if !doing.adopt => {
            let teams = make.teams(&settings, None)?;
            let plans = offline::plans(&teams, shared, &settings, Keep::Nothing)?;
            offline::name(&plans)
        }
        (None, Some(DryRun::Client | DryRun::Server) | None) => {
            // An invalid file is reported before the first request to the cluster.
            let of_file = make.is_file().then(|| make.teams(&settings, None));
            let of_file = of_file.transpose()?;
            let about = make.about();
            in_cluster_by(&settings, shared, doing.effect(), about, async |session| {
                let teams = match of_file {
                    Some(teams) => teams,
                    None => make.teams(&settings, Some(session))?,
                };
                make_all(session, &teams, doing).await
            })
        }
    }
}

/// Makes the teams, if all of it can be done; else nothing is changed.
async fn make_all(
    session: &Session<'_>,
    teams: &[CheckedTeam],
    doing: &DoingArguments,
) -> anyhow::Result<Exit> {
    session.examine(teams)?;
    let what = (Course::Keep, Scope::Whole);
    let looked = stream::iter(teams)
        .map(|team| async move { (team, session.prepare(team, what, doing).await) });
    let looked: Vec<_> = looked.buffered(TEAMS_AT_ONCE).collect().await;
    let (mut prepared, mut exit) = (Vec::new(), Exit::Clean);
    for (team, looked) in looked {
        match looked {
            Ok(team) => prepared.push(team),
            Err(failure) => exit = session.end(&team.team, Err(failure), exit)?,
        }
    }
    if exit != Exit::Clean {
        return Ok(exit);
    }
    if doing.effect() == Effect::Write
        && let Err(error) = session.may_write(&prepared, &[]).await
    {
        session
            .progress
            .error(format_args!("{}", chain(error.as_ref())))?;
        return Ok(Exit::Unreachable);
    }
    let mut done = stream::iter(prepared)
        .map(|prepared| async move {
            let done = session.carry_out(&prepared, &[], doing).await;
            (prepared.team, done)
        })
        .buffer_unordered(TEAMS_AT_ONCE);
    while let Some((team, result)) = done.next().await {
        exit = session.end(&team.team, result, exit)?;
    }
    Ok(exit)
}
