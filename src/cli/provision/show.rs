//! Which teams there are, their certificates, and how a team stands.

use std::io::{self, BufWriter, Write as _};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::Exit;
use super::super::rewrite::pretty;
use super::arguments::SharedArguments;
use super::session::{Failure, Session};
use crate::cluster::team::{Deployed, Found, Granted, Registered, Rollout, deployed, look, rights};
use crate::k8s;
use crate::pki::team::Certificate;
use crate::policy::access::Team;
use crate::policy::{Context, Kind, Settings, decide};
use crate::report;

/// Which teams, and how they are shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArguments {
    /// The teams; without any, all
    #[arg(value_name = "TEAM")]
    teams: Vec<String>,

    #[command(flatten)]
    output: OutputArgument,

    #[command(flatten)]
    pub(super) shared: SharedArguments,
}

/// How all teams are shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    #[command(flatten)]
    output: OutputArgument,

    #[command(flatten)]
    pub(super) shared: SharedArguments,
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
type Shown = (Value, Vec<String>);

/// Lists the teams.
pub(super) async fn list(arguments: ListArguments, settings: &Settings) -> anyhow::Result<Exit> {
    let ListArguments { output, shared } = arguments;
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let shown = session.registered.iter().map(of_registration).collect();
    print(shown, output.output)
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
pub(super) async fn certificates(
    arguments: ShowArguments,
    settings: &Settings,
) -> anyhow::Result<Exit> {
    let ShowArguments {
        teams,
        output,
        shared,
    } = arguments;
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let now = SystemTime::now();
    let (mut shown, mut exit) = (Vec::new(), Exit::Clean);
    for team in wanted(&session, &teams)? {
        match certificates_of(&session, team).await {
            Ok(certificates) => {
                let name = &team.name;
                shown.extend(
                    certificates
                        .iter()
                        .map(|(what, it)| of_certificate(name, what, it, now)),
                );
            }
            Err(error) => exit = session.end(&team.name, Err(error), exit)?,
        }
    }
    print(shown, output.output)?;
    Ok(exit)
}

/// Each certificate with what it is.
async fn certificates_of(
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

fn days(left: Duration) -> u64 {
    left.as_secs() / 86_400
}

/// Tells how teams stand.
pub(super) async fn status(arguments: ShowArguments, settings: &Settings) -> anyhow::Result<Exit> {
    let ShowArguments {
        teams,
        output,
        shared,
    } = arguments;
    let session = match Session::open(&shared, settings).await? {
        Ok(session) => session,
        Err(exit) => return Ok(exit),
    };
    let (mut shown, mut exit) = (Vec::new(), Exit::Clean);
    for team in wanted(&session, &teams)? {
        match status_of(&session, team).await {
            Ok(status) => shown.push(status),
            Err(error) => exit = session.end(&team.name, Err(error), exit)?,
        }
    }
    print(shown, output.output)?;
    Ok(exit)
}

async fn status_of(session: &Session<'_>, team: &Team) -> Result<Shown, Failure> {
    let now = SystemTime::now();
    let deployed = deployed(&session.cluster, &team.tiller_namespace);
    let deployed = deployed.await.map_err(Failure::cluster)?;
    let granted = rights(&session.cluster, team.account()).await;
    let granted = granted.map_err(Failure::cluster)?;
    let certificates = certificates_of(session, team).await?;
    let nearest = certificates.iter().map(|(_, it)| days(it.left(now))).min();
    let (state, mut lines) = of_deployment(deployed.as_ref());
    let tillers = deployed
        .as_ref()
        .map(|it| tillers(it, session.settings))
        .unwrap_or_default();
    let change = deployed.as_ref().and_then(Deployed::last_change);
    let value = json!({
        "team": team.name,
        "tiller": state,
        "tillers": tillers,
        "days_left": nearest,
        "rights": granted.iter().map(of_right).collect::<Vec<_>>(),
        "last_change": change,
    });
    for tiller in &tillers {
        lines.push(format!(
            "version {}, storage {}, tls {}, tls-verify {}",
            word(tiller, "/version"),
            word(tiller, "/effective/storage"),
            word(tiller, "/effective/tls/enabled"),
            word(tiller, "/effective/tls/verify"),
        ));
    }
    if let Some(days) = nearest {
        lines.push(format!(
            "the certificate that ends first has {days} days left"
        ));
    }
    for granted in &granted {
        lines.push(right_line(granted));
    }
    if let Some(change) = change {
        lines.push(format!("last change {change}"));
    }
    let mut all = vec![team.name.to_string()];
    all.extend(lines.into_iter().map(|line| format!("  {line}")));
    Ok((value, all))
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

fn of_deployment(deployed: Option<&Deployed>) -> (&'static str, Vec<String>) {
    match deployed.map(Deployed::rollout) {
        None | Some(Rollout::Absent) => ("absent", vec!["Tiller is not there".to_owned()]),
        Some(Rollout::Done) => ("ready", vec!["Tiller is ready".to_owned()]),
        Some(Rollout::Under { ready, reason }) => {
            let mut lines = vec![format!("Tiller is coming up, {ready} pods ready")];
            lines.extend(reason);
            ("progressing", lines)
        }
    }
}

/// What the Tillers of a Deployment really do.
fn tillers(deployed: &Deployed, settings: &Settings) -> Vec<Value> {
    let Ok(subject) = k8s::subject(Kind::Deployment, &deployed.0) else {
        return Vec::new();
    };
    let verdict = decide(
        &subject,
        settings,
        &Context::at(super::super::policy::now()),
    );
    let tillers = verdict.tillers.iter().map(report::Tiller::from);
    tillers
        .filter_map(|tiller| serde_json::to_value(tiller).ok())
        .collect()
}

/// A setting as it is, or `unknown`.
fn word(tiller: &Value, pointer: &str) -> String {
    match tiller.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "on".to_owned(),
        Some(Value::Bool(false)) => "off".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => "unknown".to_owned(),
    }
}

fn of_right(granted: &Granted) -> Value {
    let Granted {
        namespace,
        binding,
        role,
        rules,
    } = granted;
    json!({ "namespace": namespace, "binding": binding, "role": role, "rules": rules })
}

fn right_line(granted: &Granted) -> String {
    let Granted {
        namespace,
        binding,
        role,
        rules,
    } = granted;
    let place = namespace.as_deref().unwrap_or("the whole cluster");
    let rules = rules.as_ref().map_or_else(
        || "a role that is not there".to_owned(),
        |rules| rules.join("; "),
    );
    format!("in {place} by {binding} ({role}): {rules}")
}

fn print(shown: Vec<Shown>, format: Format) -> anyhow::Result<Exit> {
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
    Ok(Exit::Clean)
}
