//! The certificates of teams.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::super::Exit;
use super::session::{Failure, Session};
use super::show::{Layout, ShowArguments, Shown, each};
use crate::cluster::team::{FoundCertificates, Looked, found};
use crate::pki::team::Certificate;
use crate::policy::team::Team;

const HEADINGS: &[&str] = &["TEAM", "OF", "HOLDER", "SHA-256", "DAYS LEFT", "UNTIL"];

/// A certificate of a team's, and what it is: `CA`, `old CA`, `Tiller`, or the person.
pub(super) struct Known {
    pub(super) of: String,
    pub(super) certificate: Certificate,
}

/// Lists the certificates of teams.
pub(super) fn run(arguments: ShowArguments) -> anyhow::Result<Exit> {
    each(arguments, Layout::Table(HEADINGS), async |session, team| {
        let now = SystemTime::now();
        let mut found = found_of(session, &team.team).await?;
        let name = &team.team.name;
        let unusable = std::mem::take(&mut found.unusable);
        let unusable = unusable.iter().map(|it| Shown {
            text: [name, it.of.as_str(), "-", "-", "unusable", "-"]
                .map(ToOwned::to_owned)
                .to_vec(),
            value: json!({ "team": name, "of": it.of, "unusable": it.why, "secret": it.secret }),
        });
        let certificates = certificates(found);
        let shown = certificates.iter().map(|known| shown(name, known, now));
        Ok(shown.chain(unusable).collect())
    })
}

/// What there is of a team's certificates.
pub(super) async fn found_of(
    session: &Session<'_>,
    team: &Team,
) -> Result<FoundCertificates, Failure> {
    let server = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "namespace": team.tiller_namespace,
            "name": session.settings.certificate_secret,
        },
    });
    let mut looked = Looked::default();
    let done = looked
        .at(&session.cluster, &session.stock, &[&server])
        .await;
    done.map_err(Failure::cluster)?;
    let found = found(
        &session.stock,
        &team.name,
        &session.shared.place.guard_namespace,
        looked.live(&server),
    );
    found.map_err(Failure::cluster)
}

/// Each certificate that there is of a team.
pub(super) fn certificates(found: FoundCertificates) -> Vec<Known> {
    let FoundCertificates {
        ca,
        retiring,
        server,
        trusted: _,
        bundles,
        unusable: _,
    } = found;
    let known = |of: &str, certificate| Known {
        of: of.to_owned(),
        certificate,
    };
    let ca = ca.map(|it| known("CA", it.certificate().clone()));
    let retiring = retiring.into_iter().map(|it| known("old CA", it));
    let server = server.map(|it| known("Tiller", it.certificate));
    let bundles = bundles
        .into_iter()
        .map(|it| known(&it.person.to_string(), it.issued.certificate));
    ca.into_iter()
        .chain(retiring)
        .chain(server)
        .chain(bundles)
        .collect()
}

fn shown(team: &str, known: &Known, now: SystemTime) -> Shown {
    let Known { of, certificate } = known;
    let left = certificate.left(now);
    let holder = certificate.holder().to_string();
    let fingerprint = certificate.fingerprint().to_string();
    let until = certificate.validity().end_text();
    let due = certificate.is_due(now);
    let mark = if due { ", due" } else { "" };
    let start: String = fingerprint.chars().take(16).collect();
    Shown {
        text: vec![
            team.to_owned(),
            of.clone(),
            holder.clone(),
            format!("{start}…"),
            format!("{}{mark}", days_text(left)),
            until.clone(),
        ],
        value: json!({
            "team": team,
            "of": of,
            "holder": holder,
            "usage": certificate.usage().as_str(),
            "fingerprint": fingerprint,
            "not_after": until,
            "days_left": days(left),
            "due": due,
        }),
    }
}

/// Whole days.
pub(super) fn days(left: Duration) -> u64 {
    left.as_secs() / 86_400
}

/// Whole days, or `expired`.
pub(super) fn days_text(left: Duration) -> String {
    if left.is_zero() {
        "expired".to_owned()
    } else {
        days(left).to_string()
    }
}
