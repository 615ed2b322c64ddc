//! How a team stands: its Tiller, its certificates, and its effective rights.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::super::Exit;
use super::session::{Failure, Session};
use super::show::{ShowArguments, Shown, certificates_of, days, each};
use crate::cluster::team::{Deployed, Granted, Rollout, deployed, rights};
use crate::k8s;
use crate::policy::access::Team;
use crate::policy::{Context, Kind, Settings, decide};
use crate::report;

/// Tells how teams stand.
pub(super) fn run(arguments: ShowArguments) -> anyhow::Result<Exit> {
    each(arguments, async |session, team| {
        Ok(vec![status_of(session, team).await?])
    })
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
