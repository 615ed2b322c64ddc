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
use crate::cluster::team::people;
use crate::provision::{CheckedTeam, Person, PersonKind, TeamSpec, revoked};

/// Teams that are renewed at once.
const TEAMS_AT_ONCE: usize = 8;

/// A team, or all.
#[derive(Debug, Args)]
pub(in crate::cli) struct RenewArguments {
    /// Teams to renew; all if none is named
    #[arg(value_name = "TEAM")]
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
        (_, true) => Course::Replace,
        (false, false) => Course::Rotate,
    };
    in_cluster(
        &shared,
        doing.effect(),
        About::One(&team),
        async |session| {
            let team = session.checked(session.spec(&team)?)?;
            let mut made = session.make(&team, (course, Scope::Change), &doing).await;
            let name = &team.team;
            let is_written = session.writer(&doing, true).effect == Effect::Write;
            if made.is_ok() && course == Course::Rotate && is_written {
                made = session.line(
                name,
                format_args!(
                    "the old CA is trusted until `tiller-guard provision rotate {name} --finish`"
                ),
            );
            }
            session.end(name, made, Exit::Clean)
        },
    )
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

/// Whoever is no longer one of the team, and has something of it yet, is what a run left that was killed: the CA is new
/// already.
async fn shut_out(
    session: &Session<'_>,
    old: &CheckedTeam,
    team: &CheckedTeam,
    gone: &[Person],
    doing: &DoingArguments,
) -> Result<(), Failure> {
    let (members, others): (Vec<_>, Vec<_>) = gone
        .iter()
        .partition(|person| old.people().contains(person));
    if !others.is_empty() {
        let left = people(&session.stock, &team.team);
        if let Some(stranger) = others.into_iter().find(|person| !left.contains(person)) {
            let error = anyhow!("the {stranger} has no access to its Tiller");
            return Err(Failure::input(error));
        }
    }
    let course = if members.is_empty() {
        Course::Keep
    } else {
        Course::Replace
    };
    let prepared = session
        .prepare(team, (course, Scope::Change), doing)
        .await?;
    let done = session
        .carry_out(&prepared, &revoked(team, gone), doing)
        .await;
    done.map_err(|failure| match failure.exit {
        Exit::TimedOut => Failure {
            error: anyhow!(
                "{:#}. Until Tiller restarts, it still accepts the revoked bundle; see `tiller-guard provision status {}`",
                failure.error,
                team.team
            ),
            ..failure
        },
        _ => failure,
    })
}

fn without(names: &[String], gone: &[String]) -> Vec<String> {
    let kept = names.iter().filter(|name| !gone.contains(name));
    kept.cloned().collect()
}
