//! Which teams there are, and their certificates.

use std::io::{self, BufWriter, Write as _};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::Exit;
use super::super::rewrite::pretty;
use super::arguments::SharedArguments;
use super::session::{Failure, Session, in_cluster};
use crate::cluster::team::{Found, Registered, look};
use crate::pki::team::Certificate;
use crate::policy::access::Team;

/// Which teams, and how they are shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArguments {
    /// The teams; without any, all
    #[arg(value_name = "TEAM")]
    teams: Vec<String>,

    #[command(flatten)]
    output: OutputArgument,

    #[command(flatten)]
    shared: SharedArguments,
}

/// How all teams are shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    #[command(flatten)]
    output: OutputArgument,

    #[command(flatten)]
    shared: SharedArguments,
}

#[derive(Debug, Clone, Copy, Args)]
struct OutputArgument {
    /// The output's format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

/// What is shown: for programs, and for people.
pub(super) type Shown = (Value, Vec<String>);

/// Lists the teams.
pub(super) fn list(arguments: ListArguments) -> anyhow::Result<Exit> {
    let ListArguments { output, shared } = arguments;
    in_cluster(&shared, async |session| {
        let shown = session.registered.iter().map(of_registration).collect();
        print(shown, output.output)?;
        Ok(Exit::Clean)
    })
}

fn of_registration(registered: &Registered) -> Shown {
    let Registered {
        team,
        spec,
        is_ours,
        created,
    } = registered;
    let Team {
        name,
        tiller_namespace,
        service_account,
        target_namespaces,
        users,
        groups,
        ..
    } = team;
    let value = json!({
        "team": name,
        "tiller_namespace": tiller_namespace,
        "service_account": service_account,
        "target_namespaces": target_namespaces,
        "users": users,
        "groups": groups,
        "provisioned": *is_ours && spec.is_some(),
        "registered": created,
    });
    let targets: Vec<_> = target_namespaces.iter().map(AsRef::as_ref).collect();
    let line = format!(
        "{name}  Tiller in {tiller_namespace} as {service_account}  releases in {}  {} users, {} groups",
        targets.join(","),
        users.len(),
        groups.len()
    );
    (value, vec![line])
}

/// Lists the certificates of teams.
pub(super) fn certificates(arguments: ShowArguments) -> anyhow::Result<Exit> {
    each(arguments, async |session, team| {
        let now = SystemTime::now();
        let name = &team.name;
        let certificates = certificates_of(session, team).await?;
        let shown = certificates
            .iter()
            .map(|(what, it)| of_certificate(name, what, it, now));
        Ok(shown.collect())
    })
}

/// Shows something of each team that is meant.
pub(super) fn each(
    arguments: ShowArguments,
    mut show: impl AsyncFnMut(&Session<'_>, &Team) -> Result<Vec<Shown>, Failure>,
) -> anyhow::Result<Exit> {
    let ShowArguments {
        teams,
        output,
        shared,
    } = arguments;
    in_cluster(&shared, async |session| {
        let (mut shown, mut exit) = (Vec::new(), Exit::Clean);
        for team in wanted(session, &teams)? {
            match show(session, team).await {
                Ok(of_team) => shown.extend(of_team),
                Err(error) => exit = session.end(&team.name, Err(error), exit)?,
            }
        }
        print(shown, output.output)?;
        Ok(exit)
    })
}

/// Each certificate with what it is.
pub(super) async fn certificates_of(
    session: &Session<'_>,
    team: &Team,
) -> Result<Vec<(String, Certificate)>, Failure> {
    let found = look(
        &session.cluster,
        &team.name,
        &session.shared.guard_namespace,
        &team.tiller_namespace,
        &session.settings.certificate_secret,
    );
    let Found {
        authority,
        retiring,
        server,
        bundles,
    } = found.await.map_err(Failure::cluster)?;
    let authority = authority.map(|it| ("CA".to_owned(), it.certificate().clone()));
    let retiring = retiring
        .into_iter()
        .map(|it| ("CA on its way out".to_owned(), it));
    let server = server.map(|it| ("Tiller".to_owned(), it.certificate));
    let bundles = bundles
        .into_iter()
        .map(|it| (it.person.to_string(), it.issued.certificate));
    Ok(authority
        .into_iter()
        .chain(retiring)
        .chain(server)
        .chain(bundles)
        .collect())
}

fn of_certificate(team: &str, what: &str, certificate: &Certificate, now: SystemTime) -> Shown {
    let days = days(certificate.left(now));
    let fingerprint = certificate.fingerprint().to_string();
    let until = certificate.validity().end_text();
    let due = certificate.is_due(now);
    let value = json!({
        "team": team,
        "of": what,
        "holder": certificate.holder().to_string(),
        "usage": certificate.usage().as_str(),
        "fingerprint": fingerprint,
        "not_after": until,
        "days_left": days,
        "due": due,
    });
    let mark = if due {
        ", due: `tiller-guard provision renew`"
    } else {
        ""
    };
    let start: String = fingerprint.chars().take(16).collect();
    let line = format!(
        "{team}  {what}  {}  {start}…  {days} days left, until {until}{mark}",
        certificate.holder()
    );
    (value, vec![line])
}

pub(super) fn days(left: Duration) -> u64 {
    left.as_secs() / 86_400
}

/// The registered teams that are meant.
fn wanted<'s>(session: &'s Session<'_>, names: &[String]) -> anyhow::Result<Vec<&'s Team>> {
    if names.is_empty() {
        return Ok(session.registered.iter().map(|it| &it.team).collect());
    }
    let find = |name: &String| {
        let found = session.registered(name).map(|it| &it.team);
        found.with_context(|| {
            format!("there is no team \"{name}\": `tiller-guard provision list` has them all")
        })
    };
    names.iter().map(find).collect()
}

fn print(shown: Vec<Shown>, format: Format) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match format {
        Format::Text => {
            for line in shown.iter().flat_map(|(_, lines)| lines) {
                writeln!(out, "{line}")?;
            }
        }
        Format::Json => {
            let values: Value = shown.into_iter().map(|(value, _)| value).collect();
            out.write_all(pretty(&values)?.as_bytes())?;
        }
    }
    out.flush()?;
    Ok(())
}
