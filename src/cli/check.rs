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
use crate::offline::records::examined;
use crate::offline::{Judging, on_all_cores};
use crate::releases::{Examined, Inventory};
use crate::report::{self, Report, ReportedObject, Unreadable};

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

/// What was found in one file.
#[derive(Default)]
struct Checked {
    objects: Vec<ReportedObject>,
    errors: Vec<Unreadable>,
    records: Vec<Examined>,
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
        Ok(stream) => Checked::of(stream, &judging),
        Err(unreadable) => Checked {
            errors: vec![unreadable.clone()],
            ..Checked::default()
        },
    });
    let (mut objects, mut errors, mut records) = (Vec::new(), Vec::new(), Inventory::default());
    for checked in checked {
        objects.extend(checked.objects);
        errors.extend(checked.errors);
        checked
            .records
            .into_iter()
            .for_each(|record| records.add(record));
    }
    Report::new(objects, errors, records.listing(false).problems)
}

// === impl Checked ===

impl Checked {
    fn of(stream: &Stream, judging: &Judging) -> Self {
        let mut checked = Self::default();
        for part in stream.parts() {
            match part {
                Part::Document(document) => checked.add(&stream.file, &document, judging),
                Part::Unreadable(unreadable, _) => {
                    let unreadable = report_unreadable(&stream.file, &unreadable);
                    checked.errors.push(unreadable);
                }
                Part::Blank(_) => {}
            }
        }
        checked
    }

    fn add(&mut self, file: &str, document: &Document, judging: &Judging) {
        for object in document.objects() {
            let judged = object.and_then(|object| {
                self.records.extend(examined(&object, judging));
                match judge(&object, judging) {
                    Ok(judgement) => Ok((object, judgement)),
                    Err(error) => Err(unjudged(document, &object, &error)),
                }
            });
            match judged {
                Ok((object, judgement)) => {
                    let object = report_object(file, document, object, judgement, judging);
                    self.objects.push(object);
                }
                Err(unreadable) => self.errors.push(report_unreadable(file, &unreadable)),
            }
        }
    }
}

fn exit(report: &Report) -> Exit {
    if !report.errors.is_empty() {
        Exit::Unreadable
    } else if report.summary.findings > 0 || report.summary.release_problems > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    }
}
