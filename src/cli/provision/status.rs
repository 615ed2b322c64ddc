//! How a team stands: its Tiller, its certificates, and its effective rights.

use std::time::SystemTime;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::super::Exit;
use super::certs::{certificates, days, days_text, found_of};
use super::deprovision::planned;
use super::session::{Failure, Session};
use super::show::{Layout, ListArguments, ShowArguments, Shown, each};
use crate::cluster::apply::ObjectReference;
use crate::cluster::team::{
    Deployed, Granted, Grants, Looked, Registered, Rollout, Unusable, deployed,
};
use crate::k8s;
use crate::policy::team::Team;
use crate::policy::{Context, Settings, WorkloadKind, decide};
use crate::provision::Names;
use crate::report;

const HEADINGS: &[&str] = &[
    "TEAM",
    "TILLER",
    "VERSION",
    "STORAGE",
    "TLS",
    "VERIFY",
    "DAYS LEFT",
    "NAMESPACE",
    "TARGETS",
    "PEOPLE",
];

/// What there is of a team but for its rights.
struct TeamStatus<'a> {
    registered: &'a Registered,
    deployed: Option<Deployed>,
    /// What the Tillers of its Deployment really do, as `check` reports it.
    tillers: Vec<Value>,
    ends_first: Option<EndsFirst>,
    /// What an interrupted run left of its certificates, if it left something.
    outdated: Option<&'static str>,
    unusable: Vec<Unusable>,
}

/// The certificate with the least time left.
struct EndsFirst {
    of: String,
    days: u64,
    text: String,
    due: bool,
}

/// Lists the teams, a line each.
pub(super) fn list(arguments: ListArguments) -> anyhow::Result<Exit> {
    each(
        arguments.into(),
        Layout::Table(HEADINGS),
        async |session, team| {
            let standing = TeamStatus::find(session, team).await?;
            Ok(vec![Shown {
                value: standing.value(),
                text: standing.row(),
            }])
        },
    )
}

/// Tells how teams stand.
pub(super) fn status(arguments: ShowArguments) -> anyhow::Result<Exit> {
    let grants = OnceCell::new();
    each(arguments, Layout::Lines, async |session, team| {
        let grants = grants
            .get_or_try_init(|| Grants::find(&session.cluster))
            .await;
        let granted = grants.map_err(Failure::cluster)?.of(team.team.account());
        let standing = TeamStatus::find(session, team).await?;
        let missing = missing(session, team).await?;
        let (mut value, mut text) = (standing.value(), standing.lines());
        if let Some(last) = text.len().checked_sub(1) {
            let name = &team.team.name;
            let ca = Names { team: name }.ca();
            let lines = missing.iter().map(|object| {
                // A new CA is made by this alone: bundles of the old one are out there.
                let command = if object.ends_with(&format!("/{ca}")) {
                    format!("provision rotate {name} --now")
                } else {
                    format!("provision {name}")
                };
                format!("  incomplete    {object} is missing: run `tiller-guard {command}`")
            });
            text.splice(last..last, lines);
        }
        let rights: Vec<Shown> = granted.iter().map(|it| right(it, &team.team)).collect();
        text.extend(rights.iter().flat_map(|it| it.text.iter().cloned()));
        if let Some(fields) = value.as_object_mut() {
            let rights = rights.into_iter().map(|it| it.value).collect();
            fields.insert("rights".to_owned(), rights);
            let tillers = standing.tillers.iter().cloned().collect();
            fields.insert("tillers".to_owned(), tillers);
            fields.insert("missing".to_owned(), missing.into());
        }
        Ok(vec![Shown { value, text }])
    })
}

/// The objects of a team that are not there, as after a run of `provision` that was interrupted.
async fn missing(session: &Session<'_>, registered: &Registered) -> Result<Vec<String>, Failure> {
    if !registered.is_ours || registered.spec.is_none() {
        return Ok(Vec::new());
    }
    let name = &registered.team.name;
    let spec = session.spec(name).and_then(|spec| session.checked(spec));
    let models =
        spec.and_then(|team| planned(&team, session.settings, &session.shared.certificates));
    let models = models.map_err(Failure::input)?;
    let mut looked = Looked::default();
    let wanted: Vec<_> = models.iter().collect();
    let done = looked.at(&session.cluster, &session.stock, &wanted).await;
    done.map_err(Failure::cluster)?;
    let absent: Vec<_> = wanted
        .into_iter()
        .filter(|it| looked.live(it).is_none())
        .collect();
    let served = session.served(&absent).await;
    let absent = absent.into_iter().filter(|it| served.has(it));
    let named = absent.filter_map(ObjectReference::of);
    Ok(named.map(|it| it.to_string()).collect())
}

// === impl TeamStatus ===

impl<'a> TeamStatus<'a> {
    async fn find(session: &Session<'_>, registered: &'a Registered) -> Result<Self, Failure> {
        let now = SystemTime::now();
        let team = &registered.team;
        let deployed = deployed(&session.cluster, &team.tiller_namespace).await;
        let deployed = deployed.map_err(Failure::cluster)?;
        let mut found = found_of(session, team).await?;
        let unusable = std::mem::take(&mut found.unusable);
        let deployment = deployed.as_ref().map(|it| &it.0);
        let outdated = match deployment {
            _ if !registered.is_ours => None,
            _ if found.is_of_another_ca() => {
                Some("Tiller's certificate is of another CA than the team's")
            }
            Some(deployment) if found.is_newer_than(deployment) => {
                Some("Tiller has not been restarted with the certificates in its Secret")
            }
            _ => None,
        };
        let certificates = certificates(found);
        let first = certificates
            .iter()
            .min_by_key(|it| it.certificate.left(now));
        Ok(Self {
            registered,
            tillers: deployed
                .as_ref()
                .map(|it| tillers(&it.0, session.settings))
                .unwrap_or_default(),
            deployed,
            outdated,
            unusable,
            ends_first: first.map(|first| {
                let left = first.certificate.left(now);
                EndsFirst {
                    of: first.of.clone(),
                    days: days(left),
                    text: days_text(left),
                    due: first.certificate.is_due(now),
                }
            }),
        })
    }

    /// The README tells what the fields mean.
    fn value(&self) -> Value {
        let Registered {
            team,
            spec,
            is_ours,
            created,
        } = self.registered;
        json!({
            "team": team.name,
            "tiller_namespace": team.tiller_namespace,
            "service_account": team.service_account,
            "target_namespaces": team.target_namespaces,
            "users": team.users,
            "groups": team.groups,
            "provisioned": *is_ours && spec.is_some(),
            "registered": created,
            "tiller": self.state().0,
            "version": self.setting("/version"),
            "storage": self.setting("/effective/storage"),
            "tls": self.setting("/effective/tls/enabled"),
            "tls_verify": self.setting("/effective/tls/verify"),
            "days_left": self.ends_first.as_ref().map(|it| it.days),
            "ends_first": self.ends_first.as_ref().map(|it| &it.of),
            "due": self.ends_first.as_ref().is_some_and(|it| it.due),
            "outdated": self.outdated.is_some(),
            "unusable": self.unusable.iter().map(|it| &it.secret).collect::<Vec<_>>(),
            "last_change": self.last_change(),
        })
    }

    fn row(&self) -> Vec<String> {
        let team = &self.registered.team;
        let people = team.users.iter().chain(&team.groups);
        let days = self.ends_first.as_ref().map(EndsFirst::marked);
        let incomplete = self.outdated.map_or("", |_| ", incomplete");
        let unusable = if self.unusable.is_empty() {
            ""
        } else {
            ", unusable certificate"
        };
        vec![
            team.name.to_string(),
            format!("{}{incomplete}{unusable}", self.state().0),
            self.word("/version"),
            self.word("/effective/storage"),
            self.word("/effective/tls/enabled"),
            self.word("/effective/tls/verify"),
            days.unwrap_or_else(|| "-".to_owned()),
            team.tiller_namespace.to_string(),
            team.target_namespaces.join(","),
            or_none(&people.cloned().collect::<Vec<_>>().join(",")),
        ]
    }

    /// All but the rights.
    fn lines(&self) -> Vec<String> {
        let team = &self.registered.team;
        let (state, hindrance) = self.state();
        let people = |kind: &str, names: &[Box<str>]| {
            let names = names.iter().map(|name| format!("{kind} {name}"));
            names.collect::<Vec<_>>()
        };
        let people = [people("user", &team.users), people("group", &team.groups)].concat();
        let mut lines = vec![
            team.name.to_string(),
            format!(
                "  Tiller        {state}, in {} as {}",
                team.tiller_namespace, team.service_account
            ),
        ];
        lines.extend(hindrance.map(|reason| format!("                {reason}")));
        if !self.tillers.is_empty() {
            lines.push(format!(
                "  settings      version {}, storage {}, tls {}, tls-verify {}",
                self.word("/version"),
                self.word("/effective/storage"),
                self.word("/effective/tls/enabled"),
                self.word("/effective/tls/verify")
            ));
        }
        let certificates = match &self.ends_first {
            Some(first) if first.due => format!(
                "{} days left on the certificate of {}, due: `tiller-guard provision renew {}`",
                first.text, first.of, team.name
            ),
            Some(first) => format!(
                "{} days left on the certificate of {}, which expires first",
                first.text, first.of
            ),
            None => "none".to_owned(),
        };
        lines.extend([
            format!("  certificates  {certificates}"),
            format!("  releases in   {}", team.target_namespaces.join(", ")),
            format!("  people        {}", or_none(&people.join(", "))),
            format!(
                "  last change   {}",
                self.last_change().unwrap_or("unknown")
            ),
        ]);
        lines.extend(self.outdated.map(|outdated| {
            format!(
                "  incomplete    {outdated}, and Tiller may accept people who were revoked: run what was interrupted again, or \
                 `tiller-guard provision {}`",
                team.name
            )
        }));
        lines.extend(self.unusable.iter().map(|it| {
            format!(
                "  unusable      certificate of {} in Secret {}: {}: run `tiller-guard provision renew {}`",
                it.of, it.secret, it.why, team.name
            )
        }));
        lines.push("  rights".to_owned());
        lines
    }

    /// `ready`, `progressing` or `absent`, and what hinders it.
    fn state(&self) -> (&'static str, Option<String>) {
        match self.deployed.as_ref().map(Deployed::rollout) {
            None | Some(Rollout::Absent) => ("absent", None),
            Some(Rollout::Done) => ("ready", None),
            Some(Rollout::Under { reason, .. }) => ("progressing", reason),
        }
    }

    fn last_change(&self) -> Option<&str> {
        self.deployed.as_ref().and_then(Deployed::last_change)
    }

    /// A setting of its Tiller; null where there is none, or it is not known.
    fn setting(&self, pointer: &str) -> Value {
        let value = self.tillers.first().and_then(|it| it.pointer(pointer));
        value
            .filter(|it| !it.is_object())
            .cloned()
            .unwrap_or_default()
    }

    /// The same for people.
    fn word(&self, pointer: &str) -> String {
        match self.setting(pointer) {
            Value::String(text) => text,
            Value::Bool(true) => "on".to_owned(),
            Value::Bool(false) => "off".to_owned(),
            _ if self.tillers.is_empty() => "-".to_owned(),
            _ => "unknown".to_owned(),
        }
    }
}

// === impl EndsFirst ===

impl EndsFirst {
    fn marked(&self) -> String {
        let mark = if self.due { ", due" } else { "" };
        format!("{}{mark}", self.text)
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "-" } else { text }.to_owned()
}

/// What the Tillers of a Deployment really do.
pub(super) fn tillers(deployment: &Value, settings: &Settings) -> Vec<Value> {
    let Ok(workload) = k8s::read(WorkloadKind::Deployment, deployment) else {
        return Vec::new();
    };
    let context = Context::at(super::super::policy_options::now());
    let verdict = decide(&workload, settings, &context);
    let tillers = verdict.tillers.iter().map(report::Tiller::from);
    tillers
        .filter_map(|tiller| serde_json::to_value(tiller).ok())
        .collect()
}

/// A right, and whether it is where the team's Tiller may have one.
fn right(granted: &Granted, team: &Team) -> Shown {
    let Granted {
        namespace,
        binding,
        role,
        rules,
    } = granted;
    let is_inside = namespace.as_deref().is_some_and(|namespace| {
        *namespace == *team.tiller_namespace
            || team.target_namespaces.iter().any(|it| **it == *namespace)
    });
    let place = namespace.as_deref().unwrap_or("the whole cluster");
    let outside = if is_inside {
        ""
    } else {
        ", which is not the team's"
    };
    let mut text = vec![format!("    in {place}{outside}, by {binding} ({role})")];
    match rules {
        Some(rules) => text.extend(rules.iter().map(|rule| format!("      {rule}"))),
        None => text.push("      nothing: there is no such role".to_owned()),
    }
    let value = json!({
        "namespace": namespace,
        "binding": binding,
        "role": role,
        "rules": rules,
        "inside": is_inside,
    });
    Shown { value, text }
}
