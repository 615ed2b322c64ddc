//! `tiller-guard check`: findings, and what each Tiller really does.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::exit::{Exit, kept};
use super::files::FileArguments;
use super::output::{OutputArguments, Written};
use super::policy_options::ManifestArguments;
use crate::manifest::{Document, Part, Stream};
use crate::offline::baseline::Baseline;
use crate::offline::files::Source;
use crate::offline::judge::{judge, report_object, report_unreadable, unjudged};
use crate::offline::learn::knowing;
use crate::offline::records::examined;
use crate::offline::{Judging, exclude, on_all_cores, other};
use crate::policy::Severity;
use crate::releases::{Examined, Inventory};
use crate::report::{self, Issues, Page, Report, Style, Unreadable};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// Leave out files and folders whose path or name is like this: * is anything except /, ** anything, / in front the directory that is checked (repeatable)
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    exclude: Vec<String>,

    /// Succeed if there is no Kubernetes object in the input
    #[arg(long)]
    allow_empty: bool,

    /// Fail only on findings of this severity or a higher one: low, medium, high or critical
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    fail_on: Option<Severity>,

    /// Leave out the findings of this earlier report, which `check -o json` printed
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    #[command(flatten)]
    output: OutputArguments,

    #[command(flatten)]
    policy: ManifestArguments,
}

/// Checks the files.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        files,
        exclude,
        allow_empty,
        fail_on,
        baseline,
        output,
        policy,
    } = arguments;
    output.check()?;
    let baseline = baseline.map(|path| read_baseline(&path)).transpose()?;
    let directories = files.directories();
    let mut sources = files.sources();
    sources.retain(|source| !(allow_empty && matches!(source, Source::Empty(_))));
    for pattern in &exclude {
        let before = sources.len();
        sources.retain(|source| !is_excluded(source, &directories, pattern));
        if sources.len() == before {
            writeln!(io::stderr(), "note: --exclude {pattern} leaves out nothing")?;
        }
    }
    let report = check(sources, policy.resolve()?, baseline.unwrap_or_default());
    let exit = exit(&report, fail_on.unwrap_or(Severity::Low));
    let empty = report.objects.is_empty() && report.errors.is_empty() && !allow_empty;
    let exit = kept(output.write(&report), exit)?;
    if empty {
        let message =
            "there is no Kubernetes object in the input; pass --allow-empty if that is expected";
        writeln!(io::stderr(), "error: {message}")?;
        return Ok(Exit::Unreadable);
    }
    Ok(exit)
}

fn pattern(text: &str) -> Result<String, String> {
    exclude::check(text)?;
    Ok(text.to_owned())
}

fn severity(name: &str) -> Result<Severity, String> {
    let unknown = || "give low, medium, high or critical".to_owned();
    Severity::find(name).ok_or_else(unknown)
}

fn read_baseline(path: &Path) -> anyhow::Result<Baseline> {
    let context = || format!("cannot use the baseline {}", path.display());
    let text = fs::read(path).with_context(context)?;
    Baseline::read(&text).with_context(context)
}

fn is_excluded(source: &Source, directories: &[PathBuf], pattern: &str) -> bool {
    let path = source.path();
    path.is_some_and(|path| exclude::matches_from(directories, pattern, path))
}

impl Written for Report {
    fn write_text(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        report::write_text(self, style, out)
    }

    fn issues(&self) -> Issues<'_> {
        self.into()
    }

    fn page(&self) -> Page<'_> {
        self.into()
    }
}

fn check(sources: Vec<Source>, judging: Judging, mut baseline: Baseline) -> Report {
    let read: Vec<_> = sources.into_iter().map(Source::read).collect();
    let streams: Vec<_> = read.iter().flatten().collect();
    let patches = other::patches(&streams);
    let judging = knowing(judging, &streams);
    let checked = on_all_cores(&read, |stream| match stream {
        Ok(stream) => match other::skipped_patch(&stream.file, &patches) {
            Some(skipped) => Checked {
                skipped: vec![skipped],
                ..Checked::default()
            },
            None => check_stream(stream, &judging),
        },
        Err(unreadable) => Checked {
            errors: vec![unreadable.clone()],
            ..Checked::default()
        },
    });
    let mut all = Checked::default();
    let mut records = Inventory::default();
    for one in checked {
        all.objects.extend(one.objects);
        all.errors.extend(one.errors);
        all.skipped.extend(one.skipped);
        all.notes.extend(one.notes);
        one.records
            .into_iter()
            .for_each(|record| records.add(record));
    }
    let known = baseline.leave_out(&mut all.objects);
    let problems = records.listing(false).problems;
    let mut report = Report::new(all.objects, all.errors, problems).skipping(all.skipped);
    report.summary.known = known;
    report.notes.extend(all.notes);
    report
}

/// What was found in a stream.
#[derive(Default)]
struct Checked {
    objects: Vec<report::ReportedObject>,
    errors: Vec<Unreadable>,
    skipped: Vec<report::Skipped>,
    notes: Vec<String>,
    records: Vec<Examined>,
}

fn check_stream(stream: &Stream, judging: &Judging) -> Checked {
    let mut checked = Checked::default();
    for part in stream.parts() {
        match &part {
            Part::Document(document) => match other::skipped(&stream.file, document) {
                Some(skipped) => checked.skipped.push(skipped),
                None => check_document(&stream.file, document, judging, &mut checked),
            },
            Part::Unreadable(unreadable, _) => {
                let mut unreadable = report_unreadable(&stream.file, unreadable);
                let text = stream.text_of_part(&part);
                if let Some(rendering) = other::rendering(&stream.file, text) {
                    unreadable.message = format!("{}; {rendering}", unreadable.message);
                }
                checked.errors.push(unreadable);
            }
            Part::Blank(_) => {}
        }
    }
    if !checked.errors.is_empty()
        && let Some(skipped) = other::skipped_template(stream)
    {
        checked.errors.clear();
        checked.skipped.push(skipped);
    }
    checked
}

fn check_document(file: &str, document: &Document, judging: &Judging, checked: &mut Checked) {
    for object in document.objects() {
        let judged = object.and_then(|object| {
            checked.records.extend(examined(&object, judging));
            match judge(&object, judging) {
                Ok(judgement) => Ok((object, judgement)),
                Err(error) => Err(unjudged(document, &object, &error)),
            }
        });
        match judged {
            Ok((object, judgement)) => {
                checked.notes.extend(other::unfilled(file, &object));
                let reported = report_object(file, document, object, judgement, judging);
                checked.objects.push(reported);
            }
            Err(unreadable) => checked.errors.push(report_unreadable(file, &unreadable)),
        }
    }
}

fn exit(report: &Report, fail_on: Severity) -> Exit {
    let findings = report.objects.iter().flat_map(|object| &object.findings);
    let mut severities = findings.filter_map(|finding| Severity::find(finding.severity));
    if !report.errors.is_empty() {
        Exit::Unreadable
    } else if report.summary.release_problems > 0 || severities.any(|severity| severity >= fail_on)
    {
        Exit::Findings
    } else {
        Exit::Clean
    }
}
