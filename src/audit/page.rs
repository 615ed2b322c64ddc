//! The report as a page to look at.

use super::graph::graph;
use super::pods::{self, differing};
use super::reached::{Reaches, named, people, reaches};
use super::report::{
    AuditReport, AuditedCertificate, AuditedTiller, CanReach, Grant, GuardState, ObjectName,
    Opener, Step,
};
use super::text::{age, grants, releases, restart, title, told, unknown_ways, update};
use crate::policy::Timestamp;
use crate::report::{
    Item, Maybe, Page, Section, Tile, Tone, configuration, count, severity, worst,
};

/// The most lines of a Tiller about one thing.
pub(super) const NAMED: usize = 8;
/// The most objects beside the Tillers and their pods.
const OTHERS: usize = 200;
/// The most rules that are named of those that refuse.
const FEW: usize = 5;

/// The report as a page.
pub fn page(report: &AuditReport, now: Timestamp) -> Page<'_> {
    let AuditReport {
        policy,
        tillers,
        openers,
        guard,
        unknown,
        not_served,
        ..
    } = report;
    let reaches = reaches(tillers);
    let of_tillers = tillers
        .iter()
        .map(|tiller| of_tiller(tiller, &reaches, now));
    let mut sections = vec![people(tillers, &reaches)];
    sections.extend(guard.as_ref().map(of_guard));
    let mut notes = Vec::new();
    let (openers, left_out) = worst(openers.iter(), |it| severity(&it.findings), OTHERS);
    if !not_served.is_empty() {
        notes.push(format!(
            "not served by this API server: {}",
            not_served.join(", ")
        ));
    }
    Page {
        title: "Tillers of the cluster".to_owned(),
        subject: [time(now), Some(format!("policy: {policy}"))]
            .into_iter()
            .flatten()
            .collect(),
        tiles: tiles(report),
        graph: (!tillers.is_empty()).then(|| graph(report)),
        columns: vec![
            "State",
            "Next restart",
            "Next update",
            "Network",
            "Reached by",
            "Can reach",
        ],
        items: of_tillers
            .chain(pods::items(tillers))
            .chain(openers.into_iter().map(of_opener))
            .collect(),
        left_out,
        sections,
        unknown: unknown
            .iter()
            .map(|it| (it.what.clone(), it.reason.clone()))
            .collect(),
        notes,
    }
}

fn tiles(report: &AuditReport) -> Vec<Tile> {
    let summary = report.summary;
    let open = report.tillers.iter().filter(|it| is_open(it)).count();
    let mut tiles = vec![
        Tile::of(summary.tillers, ["Tiller", "Tillers"], Tone::Plain),
        Tile::of(
            open,
            [
                "open to everybody who reaches its pod",
                "open to everybody who reaches their pod",
            ],
            Tone::Open,
        ),
        Tile::of(summary.findings, ["finding", "findings"], Tone::Unknown),
        Tile::of(
            summary.openers,
            ["other object that opens one", "other objects that open one"],
            Tone::Open,
        ),
        Tile::of(
            summary.refused_at_restart,
            ["refused at the next restart"; 2],
            Tone::Open,
        ),
        Tile::of(
            summary.refused_at_update,
            ["refused at the next update"; 2],
            Tone::Open,
        ),
    ];
    if report.guard.is_some() {
        let label = [
            "problem of the webhook configurations",
            "problems of the webhook configurations",
        ];
        tiles.push(Tile::of(summary.webhook_problems, label, Tone::Open));
    }
    tiles.push(Tile::of(
        summary.unknown,
        ["could not be read"; 2],
        Tone::Unknown,
    ));
    tiles
}

/// Whether a Tiller, or one of its pods, asks for no certificate.
pub(super) fn is_open(tiller: &AuditedTiller) -> bool {
    let mut pods = tiller.pods.iter();
    let everybody = Maybe::Known("everybody");
    tiller.network == everybody || pods.any(|pod| pod.network == everybody)
}

fn of_tiller<'r>(tiller: &'r AuditedTiller, reaches: &Reaches<'_>, now: Timestamp) -> Item<'r> {
    let answer = |answer: &str| match answer {
        "refused" => Tone::Open,
        "left" | "unknown" => Tone::Unknown,
        "allowed" => Tone::Good,
        _ => Tone::Plain,
    };
    let cell = |step: &Step| (step.answer.to_owned(), answer(step.answer));
    let mut people = counted(&tiller.reached_by, Vec::len);
    if unknown_ways(tiller).is_some() {
        people = (format!("{}, some unknown", people.0), Tone::Unknown);
    }
    let reach = match &tiller.can_reach {
        Maybe::Known(reach) if !reach.cluster.is_empty() => {
            ("whole cluster".to_owned(), Tone::Open)
        }
        Maybe::Known(reach) => (count(reach.namespaces.len(), "namespace"), Tone::Plain),
        Maybe::Unknown { .. } => ("unknown".to_owned(), Tone::Unknown),
    };
    Item {
        title: title(&tiller.object),
        cells: vec![
            (tiller.state.to_owned(), Tone::Plain),
            cell(&tiller.next.restart),
            cell(&tiller.next.update),
            port(tiller),
            people,
            reach,
        ],
        findings: &tiller.findings,
        details: details(tiller, reaches, now),
    }
}

fn counted<T>(value: &Maybe<T>, number: impl Fn(&T) -> usize) -> (String, Tone) {
    match value {
        Maybe::Known(value) => (number(value).to_string(), Tone::Plain),
        Maybe::Unknown { .. } => ("unknown".to_owned(), Tone::Unknown),
    }
}

/// Who reaches its port, in short.
pub(super) fn port(tiller: &AuditedTiller) -> (String, Tone) {
    let (text, tone) = match &tiller.network {
        _ if is_open(tiller) => ("open", Tone::Open),
        Maybe::Known("certificates") => ("certificates", Tone::Good),
        Maybe::Known("own-pod") => ("own pod", Tone::Good),
        Maybe::Known(_) => ("exits", Tone::Plain),
        Maybe::Unknown { .. } => ("unknown", Tone::Unknown),
    };
    (text.to_owned(), tone)
}

fn details(
    tiller: &AuditedTiller,
    reaches: &Reaches<'_>,
    now: Timestamp,
) -> Vec<(&'static str, Vec<String>)> {
    let one = |name, text: String| (name, vec![text]);
    let age = age(&tiller.created, now).map(|days| format!("{} old", count(days, "day")));
    let team = tiller.team.as_ref().map(|team| format!("team {team}"));
    let mode = format!("mode {}", tiller.mode);
    let about: Vec<String> = [age, team, Some(mode)].into_iter().flatten().collect();
    let refusing = tiller.next.with_enforce.as_ref();
    let refusing = refusing.map_or(&tiller.next.restart, |it| &it.restart);
    let restart = (refusing.rules.len() < FEW).then(|| one("next restart", restart(tiller)));
    let network = match &tiller.network {
        Maybe::Known(_) => None,
        Maybe::Unknown { unknown } => Some(one("network", format!("unknown: {unknown}"))),
    };
    let rows = [
        Some(one("about", about.join(", "))),
        Some((
            "runs with",
            tiller.containers.iter().map(configuration).collect(),
        )),
        Some(("pods", few(differing(tiller)))),
        restart,
        Some(one("next update", update(tiller))),
        Some(one("releases", told(&tiller.releases, releases))),
        Some(one("account", tiller.account.clone())),
        Some(("can reach", reaches_of(tiller))),
        Some((
            "reached by",
            lines(&tiller.reached_by, |it| {
                let mut lines = named(it, reaches);
                lines.extend(unknown_ways(tiller));
                lines
            }),
        )),
        network,
        Some(("exposed by", few(lines(&tiller.exposed_by, Clone::clone)))),
        Some((
            "certificates",
            lines(&tiller.certificates, |it| {
                it.iter().map(certificate).collect()
            }),
        )),
    ];
    let rows = rows.into_iter().flatten();
    rows.filter(|(_, lines)| !lines.is_empty()).collect()
}

/// What the account of a Tiller reaches, and what those of pods that have another one.
fn reaches_of(tiller: &AuditedTiller) -> Vec<String> {
    let mut told: Vec<&str> = Vec::new();
    let mut all = Vec::new();
    for (account, reached) in tiller.accounts() {
        if !told.contains(&account) {
            let own = account == tiller.account;
            let line = |line: String| {
                if own {
                    line
                } else {
                    format!("{account}: {line}")
                }
            };
            all.extend(lines(reached, reach).into_iter().map(line));
            told.push(account);
        }
    }
    all
}

/// What an account reaches: the first of the namespaces in which it has a right of any power, and how many more there are.
fn reach(reach: &CanReach) -> Vec<String> {
    let CanReach {
        cluster,
        namespaces,
    } = reach;
    let everything = |grants: &[Grant]| grants.iter().position(|it| it.can == "everything");
    let told = |place: &str, all: &[Grant]| match everything(all).and_then(|at| all.get(at..=at)) {
        Some(one) => grants(place, one),
        None => grants(place, all),
    };
    let mut lines = Vec::new();
    if !cluster.is_empty() {
        lines.push(told("the whole cluster", cluster));
    }
    let powerful = namespaces.iter().filter(|(_, grants)| !grants.is_empty());
    lines.extend(
        powerful
            .take(NAMED)
            .map(|(namespace, all)| told(namespace, all)),
    );
    let more = namespaces.len() + usize::from(!cluster.is_empty()) - lines.len();
    if more > 0 {
        lines.push(format!("and {}", count(more, "more namespace")));
    }
    lines
}

/// The first of many lines.
fn few(mut lines: Vec<String>) -> Vec<String> {
    if let Some(more @ 1..) = lines.len().checked_sub(NAMED) {
        lines.truncate(NAMED);
        lines.push(format!("and {more} more; -o json has all"));
    }
    lines
}

fn lines<T>(value: &Maybe<T>, lines: impl FnOnce(&T) -> Vec<String>) -> Vec<String> {
    match value {
        Maybe::Known(value) => lines(value),
        Maybe::Unknown { unknown } => vec![format!("unknown: {unknown}")],
    }
}

fn certificate(certificate: &AuditedCertificate) -> String {
    let word = if certificate.expired {
        "expired"
    } else {
        "ends"
    };
    format!(
        "{} {}: {word} {}",
        certificate.secret, certificate.file, certificate.ends
    )
}

fn of_opener(opener: &Opener) -> Item<'_> {
    Item {
        title: title(&opener.object),
        cells: Vec::new(),
        findings: &opener.findings,
        details: Vec::new(),
    }
}

/// `NAMESPACE/NAME`.
pub(super) fn short(object: &ObjectName) -> String {
    let namespace = object.namespace.as_deref().unwrap_or_default();
    format!("{namespace}/{}", object.name)
}

fn of_guard(guard: &GuardState) -> Section {
    let GuardState {
        configurations,
        changed_by,
    } = guard;
    let states = configurations.iter().map(|(kind, state)| {
        let text = match state {
            Maybe::Known(wrong) if wrong.is_empty() => "as installed".to_owned(),
            Maybe::Known(wrong) => wrong.join("; "),
            Maybe::Unknown { unknown } => format!("unknown: {unknown}"),
        };
        vec![(*kind).to_owned(), text]
    });
    let changers = match changed_by {
        Maybe::Known(all) => all
            .iter()
            .map(|it| {
                let by: Vec<_> = it.by.iter().map(|it| &**it).collect();
                vec![
                    it.who.clone(),
                    format!("may change them ({})", by.join(", ")),
                ]
            })
            .collect(),
        Maybe::Unknown { unknown } => vec![vec![
            "who may change them".to_owned(),
            format!("unknown: {unknown}"),
        ]],
    };
    Section {
        title: "Webhook configurations of tiller-guard",
        about: "Whether they are as installed, and who may change them.",
        columns: vec!["What", "State"],
        rows: states.chain(changers).collect(),
    }
}

fn time(now: Timestamp) -> Option<String> {
    let now = time::OffsetDateTime::from_unix_timestamp(now.0).ok()?;
    now.format(&time::format_description::well_known::Rfc3339)
        .ok()
}
