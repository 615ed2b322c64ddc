//! Where a report goes, and how it is written there: `-o sarif=FILE -o text`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::Serialize;

use super::style::ColourArguments;
use crate::k8s::webhook_configuration::NAME;
use crate::manifest::{DUPLICATE_KEY, to_yaml};
use crate::policy::{Rule, mode_rules, rules};
use crate::report::{self, Issues, Page, RELEASE_PROBLEM, ReportApi, Style};

/// The options of a report.
#[derive(Debug, Args)]
pub(super) struct OutputArguments {
    /// Output format: text, json, yaml, sarif, junit, github, html, report or policyreport; =FILE writes it to a file (repeatable)
    #[arg(long, short, value_name = "FORMAT[=FILE]", default_value = "text", value_parser = output)]
    output: Vec<Output>,

    #[command(flatten)]
    colour: ColourArguments,
}

#[derive(Debug, Clone)]
struct Output {
    format: Format,
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Yaml,
    Sarif,
    Junit,
    Github,
    Html,
    Reports(ReportApi),
}

/// Reads the name of an API for reports.
pub(super) fn report_apis() -> impl TypedValueParser<Value = ReportApi> {
    PossibleValuesParser::new(ReportApi::ALL.map(ReportApi::as_str))
        .try_map(|name| ReportApi::find(&name).context("no API for reports"))
}

/// What can be written in every format.
pub(super) trait Written: Serialize {
    /// For people.
    fn write_text(&self, style: Style, out: &mut dyn Write) -> io::Result<()>;
    /// The findings with their places.
    fn issues(&self) -> Issues<'_>;
    /// As a page to look at.
    fn page(&self) -> Page<'_>;
}

fn output(text: &str) -> Result<Output, String> {
    let (name, file) = match text.split_once('=') {
        // As in most tools, `-` is the standard output.
        Some((name, "-")) => (name, None),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let format = match name {
        "text" => Format::Text,
        "json" => Format::Json,
        "yaml" => Format::Yaml,
        "sarif" => Format::Sarif,
        "junit" => Format::Junit,
        "github" => Format::Github,
        "html" => Format::Html,
        other => {
            let api = ReportApi::find(other).map(Format::Reports);
            api.ok_or("give text, json, yaml, sarif, junit, github, html, report or policyreport")?
        }
    };
    if file
        .as_ref()
        .is_some_and(|file| file.as_os_str().is_empty())
    {
        return Err("give a file after =".to_owned());
    }
    Ok(Output { format, file })
}

/// One name for a file that may have several.
fn place(file: &Path) -> PathBuf {
    let within = || {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Some(folder.canonicalize().ok()?.join(file.file_name()?))
    };
    let there = file.canonicalize().ok();
    there.or_else(within).unwrap_or_else(|| file.to_owned())
}

// === impl OutputArguments ===

impl OutputArguments {
    /// Checks that at most one format goes to the standard output, and to each file.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let printed = self.output.iter().filter(|it| it.file.is_none());
        if printed.count() > 1 {
            bail!(
                "more than one format would go to the standard output; give files, such as -o sarif=FILE -o text"
            );
        }
        let mut files = BTreeSet::new();
        for file in self.output.iter().filter_map(|it| it.file.as_ref()) {
            if !files.insert(place(file)) {
                bail!("more than one format would go to {}", file.display());
            }
        }
        Ok(())
    }

    /// Writes a report in all formats: files first, so that they are whole when a reader of the output has seen enough.
    pub(super) fn write(&self, written: &impl Written) -> anyhow::Result<()> {
        let (files, printed): (Vec<_>, Vec<_>) =
            self.output.iter().partition(|it| it.file.is_some());
        for Output { format, file } in files.into_iter().chain(printed) {
            if let Some(path) = file {
                let context = || format!("cannot write {}", path.display());
                let file = File::create(path).with_context(context)?;
                let mut out = BufWriter::new(file);
                write(written, *format, Style::Plain, &mut out).with_context(context)?;
                out.flush().with_context(context)?;
            } else {
                let style = self.colour.style(io::stdout().is_terminal());
                let mut out = BufWriter::new(io::stdout().lock());
                write(written, *format, style, &mut out)?;
                out.flush()?;
            }
        }
        Ok(())
    }
}

fn write(
    written: &impl Written,
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        Format::Text => written.write_text(style, out)?,
        Format::Json => {
            let text = report::escape_controls(serde_json::to_string_pretty(written)?);
            writeln!(out, "{text}")?;
        }
        Format::Yaml => out.write_all(to_yaml(&serde_json::to_value(written)?).as_bytes())?,
        Format::Sarif => {
            let rules: Vec<&Rule> = rules()
                .chain(mode_rules())
                .chain([&DUPLICATE_KEY, &RELEASE_PROBLEM])
                .collect();
            report::write_sarif(&written.issues(), &rules, out)?;
        }
        Format::Junit => report::write_junit(&written.issues(), out)?,
        Format::Github => report::write_github(&written.issues(), out)?,
        Format::Html => report::write_page(&written.page(), out)?,
        Format::Reports(api) => {
            for object in report::report_objects(&written.issues(), api, NAME) {
                write!(out, "---\n{}", to_yaml(&object))?;
            }
        }
    }
    Ok(())
}
