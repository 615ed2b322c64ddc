//! `tiller-guard check`: findings, and what each Tiller really does.

use std::io::{self, BufWriter, IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};

use super::exit::{Exit, kept};
use super::files::FileArguments;
use super::policy_options::ManifestArguments;
use super::style::style;
use crate::manifest::{Document, Part, Stream};
use crate::offline::files::Source;
use crate::offline::judge::{judge, report_object, report_unreadable, unjudged};
use crate::offline::learn::knowing;
use crate::offline::{Judging, on_all_cores};
use crate::report::{self, Report, Unreadable};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Format,

    #[command(flatten)]
    policy: ManifestArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Text for people
    Text,
    /// JSON for programs
    Json,
}

/// Checks the files.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        files,
        output,
        policy,
    } = arguments;
    let report = check(files.sources(), policy.resolve()?);
    kept(print(&report, output), exit(&report))
}

fn print(report: &Report, output: Format) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match output {
        Format::Text => report::write_text(report, style(io::stdout().is_terminal()), &mut out)?,
        Format::Json => report::write_json(report, &mut out)?,
    }
    out.flush()?;
    Ok(())
}

fn check(sources: Vec<Source>, judging: Judging) -> Report {
    let read: Vec<_> = sources.into_iter().map(Source::read).collect();
    let judging = knowing(judging, &read.iter().flatten().collect::<Vec<_>>());
    let checked = on_all_cores(&read, |stream| match stream {
        Ok(stream) => check_stream(stream, &judging),
        Err(unreadable) => (Vec::new(), vec![unreadable.clone()]),
    });
    let (objects, errors): (Vec<_>, Vec<_>) = checked.into_iter().unzip();
    Report::new(
        objects.into_iter().flatten().collect(),
        errors.into_iter().flatten().collect(),
    )
}

fn check_stream(
    stream: &Stream,
    judging: &Judging,
) -> (Vec<report::ReportedObject>, Vec<Unreadable>) {
    let (mut objects, mut errors) = (Vec::new(), Vec::new());
    for part in stream.parts() {
        match part {
            Part::Document(document) => {
                check_document(&stream.file, &document, judging, &mut objects, &mut errors);
            }
            Part::Unreadable(unreadable, _) => {
                errors.push(report_unreadable(&stream.file, &unreadable));
            }
            Part::Blank(_) => {}
        }
    }
    (objects, errors)
}

fn check_document(
    file: &str,
    document: &Document,
    judging: &Judging,
    objects: &mut Vec<report::ReportedObject>,
    errors: &mut Vec<Unreadable>,
) {
    for object in document.objects() {
        let judged = object.and_then(|object| match judge(&object, judging) {
            Ok(judgement) => Ok((object, judgement)),
            Err(error) => Err(unjudged(document, &object, &error)),
        });
        match judged {
            Ok((object, judgement)) => {
                objects.push(report_object(file, document, object, judgement, judging));
            }
            Err(unreadable) => errors.push(report_unreadable(file, &unreadable)),
        }
    }
}

fn exit(report: &Report) -> Exit {
    if !report.errors.is_empty() {
        Exit::Unreadable
    } else if report.summary.findings > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    }
}
