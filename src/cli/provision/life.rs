//! What happens to a team after it was made: renewed, given another CA, a person more or less.

use anyhow::{Context as _, anyhow};
use clap::{ArgGroup, Args};
use futures_util::stream::{self, StreamExt as _};

use super::super::Exit;
use super::arguments::{DoingArguments, SharedArguments};
use super::issuance::Course;
use super::prepare::Scope;
use super::session::{About, Failure, Session, in_cluster};
use crate::cluster::apply::Effect;
use crate::cluster::team::{Rollout, people, rollout};
use crate::provision::{CheckedTeam, Person, PersonKind, TeamSpec, revoked, team_name};

/// Teams that are renewed at once.
const TEAMS_AT_ONCE: usize = 8;

/// A team, or all.
#[derive(Debug, Args)]
pub(in crate::cli) struct RenewArguments {
    /// Teams to renew; all if none is named
    #[arg(value_name = "TEAM", value_parser = team_name)]
    teams: Vec<String>,

    #[command(flatten)]
    shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// A team and what becomes of its CA.
#[derive(Debug, Args)]
pub(in crate::cli) struct RotateArguments {
    /// Name of the team
    #[arg(value_parser = team_name)]
    team: String,

    /// Stop trusting the old CA, once everybody has a bundle of the new one
    #[arg(long)]
    finish: bool,

    /// Stop trusting the old CA at once: every bundle that was handed out stops working
    #[arg(long, conflicts_with = "finish")]
    now: bool,

    #[command(flatten)]
    shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// A team and people.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("people").args(["user", "group"]).required(true).multiple(true))]
pub(in crate::cli) struct PeopleArguments {
    /// Name of the team
    #[arg(value_parser = team_name)]
    team: String,

    /// User (repeatable)
    #[arg(long, value_name = "NAME")]
    user: Vec<String>,

    /// Group (repeatable)
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,

    #[command(flatten)]
    shared: SharedArguments,

    #[command(flatten)]
    doing: DoingArguments,
}

/// Issues anew what is near its end.
pub(super) fn renew(arguments: RenewArguments) -> anyhow::Result<Exit> {
    let RenewArguments {
        teams,
        shared,
        doing,
    } = arguments;
    let about = match teams.as_slice() {
        [team] => About::One(team),
        _ => About::Certificates,
    };
    in_cluster(&shared, doing.effect(), about, async |session| {
        let teams = if teams.is_empty() {
            session.provisioned()
        } else {
            teams.clone()
        };
        let specs = teams
            .iter()
            .map(|team| session.checked(session.spec(team)?));
        let specs = specs.collect::<anyhow::Result<Vec<_>>>()?;
        let what = (Course::Keep, Scope::Certificates);
        let doing = &doing;
        let mut renewed = stream::iter(&specs)
            .map(|team| async move { (team, session.make(team, what, doing).await) })
            .buffered(TEAMS_AT_ONCE);
        let mut exit = Exit::Clean;
        while let Some((team, made)) = renewed.next().await {
            exit = session.end(&team.team, made, exit)?;
        }
        Ok(exit)
    })
}

/// Puts a new CA in the place of the old one, with overlap unless told otherwise.
pub(super) fn rotate(arguments: RotateArguments) -> anyhow::Result<Exit> {
    let RotateArguments {
        team,
        finish,
        now,
        shared,
        doing,
    } = arguments;
    let course = match (finish, now) {
        (true, _) => Course::Finish,
        (_, true) => Course::ReplaceOnce,
        (false, false) => Course::Rotate,
    };
    in_cluster(
        &shared,
        doing.effect(),
        About::One(&team),
        async |session| {
            let team = session.checked(session.spec(&team)?)?;
            let made = turn(session, &team, course, &doing).await;
            session.end(&team.team, made, Exit::Clean)
        },
    )
}

/// Brings the CA to where it is wanted; where a run before was interrupted, does the rest.
async fn turn(
    session: &Session<'_>,
    team: &CheckedTeam,
    course: Course,
    doing: &DoingArguments,
) -> Result<(), Failure> {
    let name = &team.team;
    let prepared = session.prepare(team, (course, Scope::Whole), doing).await?;
    session.may_carry_out(&prepared, &[], doing).await?;
    if prepared.issuance.is_continued {
        let done = match (course, prepared.is_change()) {
            (Course::ReplaceOnce, _) => {
                "an interrupted run has made a new CA already: this brings it in; to make another CA, run this once more"
            }
            (_, true) => "the CA was already rotated; this does what is missing",
            (_, false) => "the CA was already rotated; nothing is missing",
        };
        session.line(name, done)?;
    }
    session.carry_out(&prepared, &[], doing).await?;
    if course == Course::Rotate && doing.effect() == Effect::Write {
        session.line(
            name,
            format_args!(
                "the old CA is trusted until `tiller-guard provision rotate {name} --finish`: run that once everybody has the \
                 new bundle"
            ),
        )?;
    }
    Ok(())
}

/// Lets people use a team's Tiller.
pub(super) fn grant(arguments: PeopleArguments) -> anyhow::Result<Exit> {
    let PeopleArguments {
        team,
        user,
        group,
        shared,
        doing,
    } = arguments;
    in_cluster(
        &shared,
        doing.effect(),
        About::One(&team),
        async |session| {
            let mut spec = session.spec(&team)?;
            add(&mut spec.users, user);
            add(&mut spec.groups, group);
            let team = session.checked(spec)?;
            let what = (Course::Keep, Scope::Change);
            let made = session.make(&team, what, &doing).await;
            session.end(&team.team, made, Exit::Clean)
        },
    )
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
pub(super) fn revoke(arguments: PeopleArguments) -> anyhow::Result<Exit> {
    let PeopleArguments {
        team,
        user,
        group,
        shared,
        doing,
    } = arguments;
    in_cluster(
        &shared,
        doing.effect(),
        About::One(&team),
        async |session| {
            let old = session.spec(&team)?;
            let spec = TeamSpec {
                users: without(&old.users, &user),
                groups: without(&old.groups, &group),
                ..old.clone()
            };
            let (old, team) = (session.checked(old)?, session.checked(spec)?);
            let gone = named(&user, &group)?;
            let made = shut_out(session, &old, &team, &gone, &doing).await;
            session.end(&team.team, made, Exit::Clean)
        },
    )
}

fn named(users: &[String], groups: &[String]) -> anyhow::Result<Vec<Person>> {
    let users = users.iter().map(|name| (PersonKind::User, name));
    let groups = groups.iter().map(|name| (PersonKind::Group, name));
    let people = users.chain(groups).map(|(kind, name)| {
        Person::new(kind, name)
            .with_context(|| format!("there is no {} \"{}\"", kind.as_str(), name.escape_debug()))
    });
    people.collect()
}

/// Replaces the CA if one of these people is a member. If none is, a run before was interrupted, whose rest is done, or there is
/// nothing to do.
async fn shut_out(
    session: &Session<'_>,
    old: &CheckedTeam,
    team: &CheckedTeam,
    gone: &[Person],
    doing: &DoingArguments,
) -> Result<(), Failure> {
    let left = people(&session.stock, &team.team);
    let mut members = gone.iter().filter(|it| old.people().contains(it));
    let has_members = members.next().is_some();
    let known = |it: &&Person| old.people().contains(it) || left.contains(it);
    let has_known = gone.iter().any(|it| known(&it));
    let stranger = gone.iter().find(|it| !known(it));
    let no_access =
        |stranger| Failure::input(anyhow!("the {stranger} has no access to its Tiller"));
    if let Some(stranger) = stranger.filter(|_| has_members) {
        return Err(no_access(stranger));
    }
    let course = if has_members {
        Course::Replace
    } else {
        Course::Complete
    };
    let prepared = session.prepare(team, (course, Scope::Whole), doing).await?;
    if let Some(stranger) = stranger.filter(|_| !has_known) {
        if !(prepared.is_change() || is_restarting(session, team, doing).await?) {
            return Err(no_access(stranger));
        }
        session.line(
            &team.team,
            format_args!(
                "the {stranger} is not in the team, but Tiller may still accept bundles that were revoked: this does what is missing"
            ),
        )?;
    }
    let gone = revoked(team, gone);
    session.may_carry_out(&prepared, &gone, doing).await?;
    let done = session.carry_out(&prepared, &gone, doing).await;
    done.map_err(|failure| match failure.exit {
        Exit::TimedOut => Failure {
            error: anyhow!(
                "{:#}. Until Tiller restarts, it still accepts the revoked bundle: run this again to wait for it; see \
                 `tiller-guard provision status {}`",
                failure.error,
                team.team
            ),
            ..failure
        },
        _ => failure,
    })
}

/// Whether the command waits for Tiller, and Tiller is not ready yet.
async fn is_restarting(
    session: &Session<'_>,
    team: &CheckedTeam,
    doing: &DoingArguments,
) -> Result<bool, Failure> {
    if doing.no_wait || !team.with_tiller {
        return Ok(false);
    }
    let state = rollout(&session.cluster, &team.tiller_namespace).await;
    Ok(state.map_err(Failure::cluster)? != Rollout::Done)
}

fn without(names: &[String], gone: &[String]) -> Vec<String> {
    let kept = names.iter().filter(|name| !gone.contains(name));
    kept.cloned().collect()
}
