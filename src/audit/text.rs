//! The report for people.
//!
//! ```text
//! Deployment blue/tiller-deploy: running, 120 days old, 1 pod
//!   critical tls-disabled  /spec/template/spec/containers/0
//!            …
//!   next restart   refused (tls-disabled)
//!   next update    hardened
//!   releases       3 in ConfigMaps, 0 in Secrets
//!   can reach      the whole cluster: everything (ClusterRoleBinding tiller)
//!   reached by     Group system:masters: port-forward, exec (ClusterRoleBinding cluster-admin)
//! ```

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::report::{
    AuditReport, AuditedTiller, CanReach, Grant, GuardState, ObjectName, Reacher, Releases, Step,
    Stored,
};
use crate::gather::Gather as _;
use crate::policy::Timestamp;
use crate::report::{Maybe, OneLine as _, Style, count, write_finding, write_tiller};

/// How wide the first column is.
const COLUMN: usize = 14;

/// Writes the report.
pub fn write(
    report: &AuditReport,
    now: Timestamp,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for tiller in &report.tillers {
        write_audited(tiller, now, style, out)?;
    }
    for opener in &report.openers {
        writeln!(out, "{}", style.bold(&title(&opener.object)))?;
        for finding in &opener.findings {
            write_finding(finding, style, out)?;
        }
        writeln!(out)?;
    }
    if let Some(guard) = &report.guard {
        write_guard(guard, style, out)?;
    }
    for unseen in &report.unknown {
        let (what, reason) = (unseen.what.one_line(), unseen.reason.one_line());
        writeln!(out, "unknown: {what}: {reason}")?;
    }
    if !report.not_served.is_empty() {
        writeln!(
            out,
            "note: not served by this API server: {}",
            report.not_served.join(", ")
        )?;
    }
    write_summary(report, out)
}

fn write_summary(report: &AuditReport, out: &mut dyn Write) -> io::Result<()> {
    let summary = report.summary;
    writeln!(
        out,
        "{}, {}, {}; at the next restart {} refused, at the next update {}{}{}",
        count(summary.tillers, "Tiller"),
        count(summary.findings, "finding"),
        count(summary.openers, "other object") + " opening one",
        summary.refused_at_restart,
        summary.refused_at_update,
        match summary.webhook_problems {
            0 => String::new(),
            number => format!(
                "; {} of the webhook configurations",
                count(number, "problem")
            ),
        },
        match summary.unknown {
            0 => String::new(),
            number => format!("; {number} could not be looked at"),
        }
    )
}

fn write_audited(
    tiller: &AuditedTiller,
    now: Timestamp,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let age = age(&tiller.created, now)
        .map_or_else(String::new, |days| format!(", {} old", count(days, "day")));
    let pods = match tiller.pods.len() {
        0 => String::new(),
        number => format!(", {}", count(number, "pod")),
    };
    writeln!(
        out,
        "{}: {}{age}{pods}",
        style.bold(&title(&tiller.object)),
        tiller.state
    )?;
    for finding in &tiller.findings {
        write_finding(finding, style, out)?;
    }
    for container in &tiller.containers {
        write_tiller(container, style, out)?;
    }
    write_pods(tiller, style, out)?;
    if let Some(team) = &tiller.team {
        row("team", &team.one_line(), out)?;
    }
    row("mode", tiller.mode, out)?;
    row("next restart", &restart(tiller), out)?;
    row("next update", &update(tiller), out)?;
    row("releases", &told(&tiller.releases, releases), out)?;
    row("account", &tiller.account.one_line(), out)?;
    rows("can reach", &tiller.can_reach, can_reach, out)?;
    rows(
        "reached by",
        &tiller.reached_by,
        |it| it.iter().map(reacher).collect(),
        out,
    )?;
    if let Some(unknown) = unknown_ways(tiller) {
        row("", &unknown, out)?;
    }
    row(
        "network",
        &told(&tiller.network, |it| network(it).to_owned()),
        out,
    )?;
    rows(
        "exposed by",
        &tiller.exposed_by,
        |it| it.iter().map(|it| it.one_line()).collect(),
        out,
    )?;
    rows(
        "certificates",
        &tiller.certificates,
        |all| {
            let each = all.iter().map(|it| {
                let word = if it.expired { "expired" } else { "ends" };
                format!(
                    "{} {}: {word} {}",
                    it.secret.one_line(),
                    it.file,
                    it.ends.to_string().one_line()
                )
            });
            each.collect()
        },
        out,
    )?;
    writeln!(out)
}

/// Writes the pods that differ from what the object makes now.
fn write_pods(tiller: &AuditedTiller, style: Style, out: &mut dyn Write) -> io::Result<()> {
    for pod in tiller.pods.iter().filter(|pod| pod.differs) {
        let (name, kind) = (pod.name.one_line(), &tiller.object.kind);
        let told = format!("{name} runs with another configuration than the {kind} says now");
        row("pod", &told, out)?;
    }
    for pod in tiller.differing() {
        let name = pod.name.one_line();
        if pod.account != tiller.account {
            let account = format!("{name} runs as {}", pod.account.one_line());
            row("", &account, out)?;
        }
        if let Some(reach) = &pod.can_reach {
            row("", &format!("{name} can reach"), out)?;
            rows("", reach, can_reach, out)?;
        }
        if pod.network != tiller.network {
            let reached = told(&pod.network, |it| network(it).to_owned());
            row("", &format!("{name} is reached by: {reached}"), out)?;
        }
        for finding in &pod.findings {
            write_finding(finding, style, out)?;
        }
    }
    Ok(())
}

fn write_guard(guard: &GuardState, style: Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "{}",
        style.bold("Webhook configurations of tiller-guard")
    )?;
    for (kind, state) in &guard.configurations {
        let text = match state {
            Maybe::Known(wrong) if wrong.is_empty() => "as installed".to_owned(),
            Maybe::Known(wrong) => wrong.join("; ").one_line(),
            Maybe::Unknown { unknown } => format!("unknown: {}", unknown.one_line()),
        };
        row(kind, &text, out)?;
    }
    rows(
        "changed by",
        &guard.changed_by,
        |it| it.iter().map(reacher).collect(),
        out,
    )?;
    writeln!(out)
}

fn row(name: &str, value: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "  {name:<COLUMN$} {value}")
}

fn rows<T>(
    name: &str,
    value: &Maybe<T>,
    lines: impl FnOnce(&T) -> Vec<String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let lines = match value {
        Maybe::Known(value) => lines(value),
        Maybe::Unknown { unknown } => vec![format!("unknown: {}", unknown.one_line())],
    };
    let mut name = name;
    for line in &lines {
        row(name, line, out)?;
        name = "";
    }
    if lines.is_empty() {
        row(name, "nothing", out)
    } else {
        Ok(())
    }
}

pub(super) fn told<T>(value: &Maybe<T>, text: impl FnOnce(&T) -> String) -> String {
    match value {
        Maybe::Known(value) => text(value),
        Maybe::Unknown { unknown } => format!("unknown: {}", unknown.one_line()),
    }
}

pub(super) fn title(object: &ObjectName) -> String {
    let ObjectName {
        kind,
        namespace,
        name,
    } = object;
    match namespace {
        Some(namespace) => format!("{kind} {}/{}", namespace.one_line(), name.one_line()),
        None => format!("{kind} {}", name.one_line()),
    }
}

/// What the guard does if one of a Tiller's pods is created again.
pub(super) fn restart(tiller: &AuditedTiller) -> String {
    let next = &tiller.next;
    let enforced = next.with_enforce.as_ref().map(|it| &it.restart);
    with_enforced(&next.restart, enforced, tiller.mode)
}

/// What the guard does if somebody applies a Tiller again.
pub(super) fn update(tiller: &AuditedTiller) -> String {
    let next = &tiller.next;
    let enforced = next.with_enforce.as_ref().map(|it| &it.update);
    let update = with_enforced(&next.update, enforced, tiller.mode);
    match &tiller.missing_secret {
        Some(secret) if next.hardens() => {
            format!(
                "{update}; its pods cannot start until there is a Secret {}",
                secret.one_line()
            )
        }
        _ => update,
    }
}

fn with_enforced(own: &Step, enforced: Option<&Step>, mode: &str) -> String {
    let own_text = step(own, mode);
    match enforced {
        Some(enforced) if enforced.answer != own.answer => {
            format!(
                "{own_text}; with mode enforce: {}",
                step(enforced, "enforce")
            )
        }
        _ => own_text,
    }
}

fn step(step: &Step, mode: &str) -> String {
    match (step.answer, mode) {
        ("left", "enforce" | "freeze" | "forbid") => {
            "left as it is, since what was found is only reported".to_owned()
        }
        ("left", _) => "left as it is, since the mode only reports".to_owned(),
        ("unknown", _) => "unknown: the pods cannot be listed".to_owned(),
        ("refused", _) => format!("refused ({})", step.rules.join(", ")),
        (answer, _) => answer.to_owned(),
    }
}

pub(super) fn releases(releases: &Releases) -> String {
    let stored = |stored: &Stored, storage: &str| {
        let problems = stored.problems.iter();
        let problems: Vec<_> = problems
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        let problems = match problems.as_slice() {
            [] => String::new(),
            all => format!(" ({})", all.join(", ")),
        };
        format!("{} in {storage}{problems}", stored.releases)
    };
    let Releases {
        configmaps,
        secrets,
    } = releases;
    format!(
        "{}, {}",
        stored(configmaps, "ConfigMaps"),
        stored(secrets, "Secrets")
    )
}

fn can_reach(reach: &CanReach) -> Vec<String> {
    let cluster = (!reach.cluster.is_empty()).then(|| grants("the whole cluster", &reach.cluster));
    let namespaces = reach.namespaces.iter();
    let namespaces = namespaces.map(|(namespace, all)| grants(&namespace.one_line(), all));
    cluster.into_iter().chain(namespaces).collect()
}

pub(super) fn grants(place: &str, grants: &[Grant]) -> String {
    let can: Vec<_> = grants.iter().map(|it| it.can).collect();
    let by: BTreeSet<_> = grants.iter().flat_map(|it| &it.by).gather();
    match can.as_slice() {
        [] => format!("{place}: rights of no power"),
        _ => format!("{place}: {} {}", can.join(", "), bindings(by)),
    }
}

fn reacher(reacher: &Reacher) -> String {
    let Reacher { who, ways, by } = reacher;
    format!(
        "{}: {} {}",
        who.one_line(),
        ways.join(", "),
        bindings(by.iter().collect())
    )
}

/// By which objects' names nobody knows who reaches a Tiller, if those were not listed.
pub(super) fn unknown_ways(tiller: &AuditedTiller) -> Option<String> {
    let lists = &tiller.reached_by_unknown;
    let lacks = matches!(tiller.reached_by, Maybe::Known(_)) && !lists.is_empty();
    lacks.then(|| format!("unknown: rights by the names of {}", lists.join(", ")))
}

fn bindings(by: BTreeSet<&String>) -> String {
    let by: Vec<_> = by.into_iter().map(|it| it.one_line()).collect();
    format!("({})", by.join(", "))
}

fn network(reached: &str) -> &'static str {
    match reached {
        "everybody" => "everything that reaches its pod, without a certificate",
        "certificates" => "who has a certificate of its CA",
        "own-pod" => "its own pod only",
        _ => "nobody: it exits",
    }
}

/// How many days ago something was made, by its time in RFC 3339 and UTC.
pub(super) fn age(created: &str, now: Timestamp) -> Option<usize> {
    let made = time::OffsetDateTime::parse(created, &time::format_description::well_known::Rfc3339)
        .ok()?;
    usize::try_from((now.0 - made.unix_timestamp()) / 86_400).ok()
}
