//! The report for people.
//!
//! ```text
//! tiller.yaml:2: Deployment team-a/tiller-deploy
//!   high     release-storage  /spec/template/spec/containers/0/args (line 21)
//!            releases are recorded in ConfigMaps
//!            fix: set --storage=secret (hardened by `harden`)
//!   Tiller "tiller", version 2.16.12: serves with
//!     storage              configmap
//!     …
//!
//! 1 object, 1 Tiller: 1 finding (1 to harden, 0 refused)
//! ```

use std::fmt;
use std::io::{self, Write};

use super::object::RULE_PAGES;
use super::{
    Effective, Finding, Maybe, Report, ReportedObject, Skipped, Style, Summary, Tiller, Tls,
    Unreadable,
};
use crate::releases::Problem;

/// Writes the report.
pub fn write(report: &Report, style: Style, out: &mut dyn Write) -> io::Result<()> {
    write_problems(&report.objects, &report.errors, style, out)?;
    for problem in &report.release_problems {
        write_release_problem(problem, style, out)?;
    }
    for skipped in &report.skipped {
        let Skipped {
            file,
            reason,
            render: Some(render),
            ..
        } = skipped
        else {
            continue;
        };
        let (file, render) = (file.one_line(), render.one_line());
        writeln!(out, "note: {file} is {reason}; check its objects: {render}")?;
    }
    for note in &report.notes {
        writeln!(out, "note: {}", note.one_line())?;
    }
    if report.summary.findings > 0 {
        writeln!(
            out,
            "note: `tiller-guard explain RULE` explains a rule, as does {RULE_PAGES}/RULE.md"
        )?;
    }
    writeln!(out, "{}", report.summary)
}

/// Writes what was found about objects, and what cannot be read.
pub fn write_problems(
    objects: &[ReportedObject],
    errors: &[Unreadable],
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    for object in objects {
        write_object(object, style, out)?;
    }
    for error in errors {
        writeln!(
            out,
            "{}: {}\n",
            style.bold(&error.to_string()),
            error.message.one_line()
        )?;
    }
    Ok(())
}

/// Writes an object with findings or Tillers.
fn write_object(object: &ReportedObject, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let ReportedObject {
        findings,
        tillers,
        not_tiller,
        ..
    } = object;
    if findings.is_empty() && tillers.is_empty() && not_tiller.is_none() {
        return Ok(());
    }
    writeln!(out, "{}", style.bold(&object.to_string()))?;
    if let Some(reason) = not_tiller {
        writeln!(
            out,
            "  not a Tiller, according to the policy: {}",
            reason.one_line()
        )?;
    }
    for finding in &object.findings {
        write_finding(finding, style, out)?;
    }
    for tiller in &object.tillers {
        write_tiller(tiller, style, out)?;
    }
    writeln!(out)
}

/// Writes one thing that was found.
pub fn write_finding(finding: &Finding, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Finding {
        rule,
        severity,
        path,
        line,
        column: _,
        message,
        remedy,
        action,
        documentation: _,
    } = finding;
    let fill = " ".repeat("critical".len().saturating_sub(severity.len()));
    let severity = style.severity(severity);
    let path = if path.is_empty() {
        "(the object)"
    } else {
        path.as_str()
    };
    let line = line.map_or(String::new(), |line| format!(" (line {line})"));
    let by = match *action {
        "harden" => "hardened by `harden`",
        "report" => "reported, not refused",
        _ => "refused until fixed",
    };
    writeln!(
        out,
        "  {severity}{fill} {}  {}{line}",
        style.bold(rule),
        path.one_line()
    )?;
    writeln!(out, "           {}", message.one_line())?;
    writeln!(
        out,
        "           fix: {} {}",
        remedy.one_line(),
        style.dim(&format!("({by})"))
    )
}

fn write_release_problem(problem: &Problem, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Problem {
        problem,
        release: _,
        revision: _,
        tiller_namespace,
        storage,
        record,
        message,
        remedy,
    } = problem;
    let record = format!("{} {tiller_namespace}/{record}", storage.kind());
    let record = style.bold(&record.one_line());
    writeln!(out, "{record}: {}", problem.as_str())?;
    writeln!(out, "  {}", message.one_line())?;
    writeln!(out, "  fix: {}\n", remedy.one_line())
}

/// Writes what a Tiller runs with.
pub fn write_tiller(tiller: &Tiller, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let Tiller {
        container,
        path: _,
        version,
        starts,
        effective,
    } = tiller;
    let start = match (&starts.starts, &starts.exit_reason) {
        (Maybe::Known(true), _) => "serves with".to_owned(),
        (Maybe::Known(false), Some(reason)) => format!("exits: {}", reason.one_line()),
        (Maybe::Known(false), None) => "exits".to_owned(),
        (Maybe::Unknown { unknown }, _) => {
            format!("unknown whether it starts: {}", unknown.one_line())
        }
    };
    let name = style.bold(&format!("Tiller \"{}\"", container.one_line()));
    let version = version.to_string();
    writeln!(out, "  {name}, version {}: {start}", version.one_line())?;
    // What a Tiller that exits would have run with is of no use to anybody.
    if starts.starts == Maybe::Known(false) {
        return Ok(());
    }
    write_effective(effective, out)
}

fn write_effective(effective: &Effective, out: &mut dyn Write) -> io::Result<()> {
    let Effective {
        storage,
        listen,
        probe_listen,
        namespace,
        history_max,
        trace,
        experimental_release,
        tls,
    } = effective;
    let Tls {
        enabled,
        verify,
        key,
        cert,
        ca,
    } = tls;
    let on = |setting: &Maybe<bool>| match setting {
        Maybe::Known(true) => "on".to_owned(),
        Maybe::Known(false) => "off".to_owned(),
        Maybe::Unknown { .. } => setting.to_string(),
    };
    let rows = [
        ("storage", storage.to_string()),
        ("listen", listen.to_string()),
        ("probe-listen", probe_listen.to_string()),
        ("namespace", namespace.to_string()),
        ("history-max", history_max.to_string()),
        ("trace", on(trace)),
        ("experimental-release", on(experimental_release)),
        ("tls", on(enabled)),
        ("tls-verify", on(verify)),
        ("tls-key", key.to_string()),
        ("tls-cert", cert.to_string()),
        ("tls-ca-cert", ca.to_string()),
    ];
    for (name, value) in rows {
        writeln!(out, "    {name:<21}{}", value.one_line())?;
    }
    Ok(())
}

// === Display ===

impl fmt::Display for ReportedObject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            kind,
            namespace,
            name,
            ..
        } = self;
        write!(
            formatter,
            "{}:{line}: {} ",
            file.one_line(),
            kind.one_line()
        )?;
        if let Some(namespace) = namespace {
            write!(formatter, "{}/", namespace.one_line())?;
        }
        formatter.write_str(&if name.is_empty() {
            "(no name)".to_owned()
        } else {
            name.one_line()
        })
    }
}

impl fmt::Display for Unreadable {
    /// The place: `file:line:column (document 2)`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file.one_line())?;
        for number in [self.line, self.column].into_iter().flatten() {
            write!(formatter, ":{number}")?;
        }
        match self.document {
            Some(document) => write!(formatter, ": document {document} cannot be read"),
            None => formatter.write_str(": cannot be read"),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            objects,
            tillers,
            findings,
            harden,
            refuse,
            unreadable,
            release_problems,
            skipped,
            known,
        } = *self;
        write!(
            formatter,
            "{}, {}: ",
            count(objects, "object"),
            count(tillers, "Tiller")
        )?;
        if findings == 0 {
            formatter.write_str("no findings")?;
        } else {
            let findings = count(findings, "finding");
            write!(
                formatter,
                "{findings} ({harden} to harden, {refuse} refused)"
            )?;
        }
        if release_problems > 0 {
            let problems = count(release_problems, "problem");
            write!(formatter, "; {problems} of release records")?;
        }
        for (number, what) in [
            (known, "known and left out"),
            (unreadable, "could not be read"),
            (skipped, "skipped: not Kubernetes objects"),
        ] {
            if number > 0 {
                write!(formatter, "; {number} {what}")?;
            }
        }
        Ok(())
    }
}

impl<T: fmt::Display> fmt::Display for Maybe<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(formatter),
            Self::Unknown { unknown } => write!(formatter, "unknown: {unknown}"),
        }
    }
}

/// A number with its noun: `1 pod`, `2 pods`.
pub fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A manifest's text on a terminal.
pub trait OneLine {
    /// The text on one line, and with no escape sequence of its own.
    fn one_line(&self) -> String;

    /// The same of each of its lines.
    fn visible(&self) -> String;
}

impl OneLine for str {
    fn one_line(&self) -> String {
        let mut line = String::with_capacity(self.len());
        for character in self.chars() {
            if is_invisible(character) {
                line.extend(character.escape_default());
            } else {
                line.push(character);
            }
        }
        line
    }

    fn visible(&self) -> String {
        let lines = self.split_inclusive('\n').map(|line| {
            let ends = ["\r\n", "\n"].into_iter();
            let mut ends = ends.filter_map(|end| Some((line.strip_suffix(end)?, end)));
            let (line, end) = ends.next().unwrap_or((line, ""));
            line.one_line() + end
        });
        lines.collect()
    }
}

/// Control characters, line breaks and marks that change the direction of what stands beside them.
pub(super) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
