//! What `check` found, as a page.

use super::model::{Item, Page, Section, Tile, Tone, severity, worst};
use crate::releases::Problem;
use crate::report::tiller::{Effective, Maybe, Tiller};
use crate::report::{Report, ReportedObject, Unreadable, count, title};

/// The most objects.
const OBJECTS: usize = 500;

impl<'r> From<&'r Report> for Page<'r> {
    fn from(report: &'r Report) -> Self {
        let summary = report.summary;
        let shown = report.objects.iter();
        let shown = shown.filter(|it| !it.findings.is_empty() || !it.tillers.is_empty());
        let (shown, left_out) = worst(shown, |it| severity(&it.findings), OBJECTS);
        let unknown = report.errors.iter().map(|error: &Unreadable| {
            let message = error.message.clone();
            (error.to_string(), message)
        });
        Page {
            title: "Tiller in manifests".to_owned(),
            subject: vec![format!("{} read", count(summary.objects, "object"))],
            tiles: vec![
                Tile::of(summary.tillers, ["Tiller", "Tillers"], Tone::Plain),
                Tile::of(summary.findings, ["finding", "findings"], Tone::Unknown),
                Tile::of(summary.harden, ["fixed by hardening"; 2], Tone::Plain),
                Tile::of(summary.refuse, ["refused until fixed"; 2], Tone::Open),
                Tile::of(
                    summary.release_problems,
                    ["problem of release records", "problems of release records"],
                    Tone::Open,
                ),
                Tile::of(summary.unreadable, ["could not be read"; 2], Tone::Unknown),
            ],
            columns: vec!["File", "Line", "Tillers"],
            items: shown.into_iter().map(item).collect(),
            left_out,
            sections: vec![Section {
                title: "Release records",
                about: "What is wrong with release records among the objects.",
                columns: vec!["Record", "Problem", "What", "Fix"],
                rows: report.release_problems.iter().map(problem).collect(),
            }],
            unknown: unknown.collect(),
            notes: report.notes.clone(),
            ..Page::default()
        }
    }
}

fn problem(problem: &Problem) -> Vec<String> {
    let Problem {
        problem,
        tiller_namespace,
        storage,
        record,
        message,
        remedy,
        ..
    } = problem;
    let record = title(storage.kind(), Some(tiller_namespace), record);
    vec![
        record,
        problem.as_str().to_owned(),
        message.clone(),
        remedy.clone(),
    ]
}

fn item(object: &ReportedObject) -> Item<'_> {
    let ReportedObject {
        file,
        line,
        kind,
        namespace,
        name,
        findings,
        tillers,
        ..
    } = object;
    let plain = |text: String| (text, Tone::Plain);
    let mut details = vec![("file", vec![format!("{file}:{line}")])];
    let configurations = tillers.iter().map(configuration).collect::<Vec<_>>();
    if !configurations.is_empty() {
        details.push(("runs with", configurations));
    }
    Item {
        title: title(kind, namespace.as_deref(), name),
        cells: vec![
            plain(file.clone()),
            plain(line.to_string()),
            plain(tillers.len().to_string()),
        ],
        findings,
        details,
    }
}

/// What a Tiller runs with, in a line.
pub fn configuration(tiller: &Tiller) -> String {
    let Tiller {
        container,
        version,
        effective,
        starts,
        ..
    } = tiller;
    let Effective {
        storage,
        listen,
        history_max,
        tls,
        ..
    } = effective;
    if let Some(reason) = &starts.exit_reason {
        return format!("{container}, version {version}: exits: {reason}");
    }
    // What cannot be read is unknown for one reason mostly.
    if let (Maybe::Unknown { unknown }, Maybe::Unknown { unknown: other }) = (storage, listen)
        && unknown == other
    {
        return format!("{container}, version {version}: unknown: {unknown}");
    }
    let on = |it: &Maybe<bool>| match it {
        Maybe::Known(true) => "on".to_owned(),
        Maybe::Known(false) => "off".to_owned(),
        Maybe::Unknown { unknown } => format!("unknown ({unknown})"),
    };
    format!(
        "{container}, version {version}: storage {storage}, TLS {}, client certificates {}, listens on {listen}, history-max {history_max}",
        on(&tls.enabled),
        match on(&tls.verify) {
            it if it == "on" => "required".to_owned(),
            it if it == "off" => "not required".to_owned(),
            other => other,
        }
    )
}
