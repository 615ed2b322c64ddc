//! What happens to a team after it was made: renewed, given another CA, a person more or less.

use anyhow::bail;
use clap::Args;
use futures_util::StreamExt as _;

use super::super::Exit;
use super::apply::unapplied;
use super::arguments::{DoingArguments, SharedArguments};
use super::issuance::Course;
use super::session::{Failure, OWNER, Session};
use crate::cluster::apply::{Change, Effect};
use crate::policy::Settings;
use crate::provision::{CheckedTeam, Person, PersonKind, TeamSpec, revoked};

/// A team, or all.
#[derive(Debug, Args)]
pub(in crate::cli) struct RenewArguments {
    /// The teams; without any, all
    #[arg(value_name = "TEAM")]
    teams: Vec<String>,

    #[command(flatten)]
    pub(super) shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// A team and what becomes of its CA.
#[derive(Debug, Args)]
pub(in crate::cli) struct RotateArguments {
    /// The team
    team: String,

    /// Trust the old CA no more, once everybody has a bundle of the new one
    #[arg(long)]
    finish: bool,

    /// Trust the old CA no more at once: every bundle that was handed out is void
    #[arg(long, conflicts_with = "finish")]
    now: bool,

    #[command(flatten)]
    pub(super) shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// A team and people.
#[derive(Debug, Args)]
pub(in crate::cli) struct PeopleArguments {
    /// The team
    team: String,

    /// A user (repeatable)
    #[arg(long, value_name = "NAME", required_unless_present = "group")]
    user: Vec<String>,

    /// A group (repeatable)
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,

    #[command(flatten)]
    pub(super) shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// Issues anew what is near its end, and brings all else up to date.
pub(super) async fn renew(arguments: RenewArguments, settings: &Settings) -> anyhow::Result<Exit> {
    let RenewArguments {
        teams,
        shared,
        doing,
    } = arguments;
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let teams = if teams.is_empty() {
        let ours = session.registered.iter().filter(|it| it.spec.is_some());
        ours.map(|it| it.team.name.to_string()).collect()
    } else {
        teams
    };
    let mut exit = Exit::Clean;
    for team in teams {
        let team = session.checked(session.spec(&team)?)?;
        let made = session.make(&team, Course::Keep, &doing).await;
        exit = session.end(&team.team, made, exit)?;
    }
    Ok(exit)
}

/// Puts a new CA in the place of the old one, with overlap unless told otherwise.
pub(super) async fn rotate(
    arguments: RotateArguments,
    settings: &Settings,
) -> anyhow::Result<Exit> {
    let RotateArguments {
        team,
        finish,
        now,
        shared,
        doing,
    } = arguments;
    let course = match (finish, now) {
        (true, _) => Course::Finish,
        (_, true) => Course::Replace,
        (false, false) => Course::Rotate,
    };
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let team = session.checked(session.spec(&team)?)?;
    let made = session.make(&team, course, &doing).await;
    if made.is_ok()
        && course == Course::Rotate
        && session.writer(&doing, true).effect == Effect::Write
    {
        let name = &team.team;
        session.progress.line(format_args!(
            "{name}: the old CA is trusted until `tiller-guard provision rotate {name} --finish`"
        ))?;
    }
    session.end(&team.team, made, Exit::Clean)
}

/// Lets people use a team's Tiller.
pub(super) async fn grant(arguments: PeopleArguments, settings: &Settings) -> anyhow::Result<Exit> {
    let PeopleArguments {
        team,
        user,
        group,
        shared,
        doing,
    } = arguments;
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let mut spec = session.spec(&team)?;
    add(&mut spec.users, user);
    add(&mut spec.groups, group);
    let team = session.checked(spec)?;
    let made = session.make(&team, Course::Keep, &doing).await;
    session.end(&team.team, made, Exit::Clean)
}

fn add(names: &mut Vec<String>, new: Vec<String>) {
    for name in new {
        if !names.contains(&name) {
            names.push(name);
        }
    }
}

/// Takes a team's Tiller away from people. Tiller knows no revocation: a new CA voids every certificate there is, and
/// those who stay get new ones.
pub(super) async fn revoke(
    arguments: PeopleArguments,
    settings: &Settings,
) -> anyhow::Result<Exit> {
    let PeopleArguments {
        team,
        user,
        group,
        shared,
        doing,
    } = arguments;
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let old = session.spec(&team)?;
    let spec = TeamSpec {
        users: without(&old.users, &user),
        groups: without(&old.groups, &group),
        ..old
    };
    let team = session.checked(spec)?;
    let users = user.iter().map(|name| (PersonKind::User, name));
    let groups = group.iter().map(|name| (PersonKind::Group, name));
    let mut gone = Vec::new();
    for (kind, name) in users.chain(groups) {
        let Ok(person) = Person::new(kind, name) else {
            bail!("there is no {} \"{}\"", kind.as_str(), name.escape_debug());
        };
        gone.push(person);
    }
    let made = match session.make(&team, Course::Replace, &doing).await {
        Ok(()) => remove(&session, &team, &gone, &doing).await,
        failed => failed,
    };
    session.end(&team.team, made, Exit::Clean)
}

fn without(names: &[String], gone: &[String]) -> Vec<String> {
    let kept = names.iter().filter(|name| !gone.contains(name));
    kept.cloned().collect()
}

/// Deletes the bundles of those who have no access any more, and their rights to read them.
async fn remove(
    session: &Session<'_>,
    team: &CheckedTeam,
    gone: &[Person],
    doing: &DoingArguments,
) -> Result<(), Failure> {
    let writer = session.writer(doing, true);
    let models: Vec<_> = gone
        .iter()
        .flat_map(|person| revoked(team, person))
        .collect();
    let mut deleted = futures_util::stream::iter(&models)
        .map(|model| writer.delete(model))
        .buffered(OWNER.len());
    while let Some(done) = deleted.next().await {
        let done = done.map_err(unapplied)?;
        if done.change == Change::Deleted {
            session.line(
                &team.team,
                format_args!("{} {}{}", done.object, done.change.as_str(), doing.tried()),
            )?;
        }
    }
    Ok(())
}
