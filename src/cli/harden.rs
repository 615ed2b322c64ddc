//! `tiller-guard harden`: manifests with their Tillers hardened.

use std::borrow::Cow;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::exit::{Exit, kept};
use super::files::FileArguments;
use super::in_place::{check_writable, rewrite};
use super::policy_options::ManifestArguments;
use super::style::ColourArguments;
use crate::manifest::{Document, Part, Stream};
use crate::offline::Judging;
use crate::offline::files::Source;
use crate::offline::harden::{Hardened, harden, pretty};
use crate::offline::judge::report_unreadable;
use crate::offline::learn::knowing;
use crate::report::{self, OneLine as _, Unreadable};

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    files: FileArguments,

    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "yaml")]
    output: Format,

    /// Print the changes as a unified diff
    #[arg(long, conflicts_with_all = ["patch", "output"])]
    diff: bool,

    /// Print the changes as a JSON patch (RFC 6902)
    #[arg(long, conflicts_with = "output")]
    patch: bool,

    /// Write the hardened manifests to their files, and print the names of those that change
    #[arg(long, conflicts_with_all = ["diff", "patch", "output"])]
    write: bool,

    #[command(flatten)]
    colour: ColourArguments,

    #[command(flatten)]
    policy: ManifestArguments,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// YAML with the comments and layout of the input
    Yaml,
    /// JSON: one object, or a List of several
    Json,
}

/// What is printed.
#[derive(Debug, Clone, Copy)]
enum Print {
    Manifest(Format),
    Diff,
    Patch,
    /// The names of the files that changed.
    Names,
}

/// What became of the files.
#[derive(Debug, Default)]
struct HardenedFiles {
    files: Vec<HardenedFile>,
    refused: Vec<report::ReportedObject>,
    errors: Vec<Unreadable>,
    /// Why files could not be written.
    failed: Vec<anyhow::Error>,
}

#[derive(Debug)]
struct HardenedFile {
    /// None for the standard input.
    path: Option<PathBuf>,
    stream: Stream,
    /// What the stream holds, with the document in it if it could be read.
    parts: Vec<(Part, Option<Hardened>)>,
    /// Whether the file was written anew.
    written: bool,
}

/// Hardens the files.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments {
        files,
        output,
        diff,
        patch,
        write,
        colour,
        policy,
    } = arguments;
    let print = match (diff, patch, write) {
        (true, ..) => Print::Diff,
        (_, true, _) => Print::Patch,
        (.., true) => Print::Names,
        _ => Print::Manifest(output),
    };
    let sources = files.sources();
    if write {
        check_writable(&sources)?;
    }
    let mut outcome = harden_all(sources, policy.resolve()?)?;
    if write {
        write_back(&mut outcome);
    }
    let written = print_all(&outcome, print);
    complain(&outcome, write, colour)?;
    kept(written, exit(&outcome))
}

/// Writes hardened manifests to their files. If one file cannot be written, the others still are.
fn write_back(outcome: &mut HardenedFiles) {
    for file in &mut outcome.files {
        let Some((path, text)) = file.rewritten() else {
            continue;
        };
        match rewrite(path, &file.stream, &text) {
            Ok(()) => file.written = true,
            Err(error) => outcome.failed.push(error),
        }
    }
}

fn print_all(outcome: &HardenedFiles, print: Print) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    write(outcome, print, &mut out)?;
    out.flush()?;
    Ok(())
}

fn harden_all(sources: Vec<Source>, judging: Judging) -> anyhow::Result<HardenedFiles> {
    let mut outcome = HardenedFiles::default();
    let paths: Vec<_> = sources
        .iter()
        .map(|it| it.path().map(Path::to_owned))
        .collect();
    let read: Vec<_> = sources.into_iter().map(Source::read).collect();
    let judging = knowing(judging, &read.iter().flatten().collect::<Vec<_>>());
    for (path, stream) in paths.into_iter().zip(read) {
        match stream {
            Ok(stream) => harden_stream(path, stream, &judging, &mut outcome)?,
            Err(unreadable) => outcome.errors.push(unreadable),
        }
    }
    Ok(outcome)
}

fn harden_stream(
    path: Option<PathBuf>,
    stream: Stream,
    judging: &Judging,
    outcome: &mut HardenedFiles,
) -> anyhow::Result<()> {
    let mut parts = Vec::new();
    for part in stream.parts() {
        let hardened = match &part {
            Part::Document(document) => match harden(&stream.file, document, judging)? {
                Ok(mut hardened) => {
                    outcome.refused.append(&mut hardened.refused);
                    Some(hardened)
                }
                Err(errors) => {
                    outcome.errors.extend(errors);
                    None
                }
            },
            Part::Unreadable(unreadable, _) => {
                outcome
                    .errors
                    .push(report_unreadable(&stream.file, unreadable));
                None
            }
            Part::Blank(_) => None,
        };
        parts.push((part, hardened));
    }
    outcome.files.push(HardenedFile {
        path,
        stream,
        parts,
        written: false,
    });
    Ok(())
}

fn write(outcome: &HardenedFiles, print: Print, out: &mut dyn Write) -> anyhow::Result<()> {
    match print {
        Print::Manifest(Format::Yaml) => write_yaml(&outcome.files, out),
        Print::Manifest(Format::Json) => write_json(&outcome.files, out),
        Print::Patch => write_patch(&outcome.files, out),
        Print::Diff => write_diff(&outcome.files, out),
        Print::Names => write_names(&outcome.files, out),
    }
}

fn write_yaml(files: &[HardenedFile], out: &mut dyn Write) -> anyhow::Result<()> {
    let mut begun = false;
    for file in files {
        for (part, hardened) in file.parts() {
            let text: Cow<'_, str> = match (part, hardened) {
                (Part::Document(document), Some(hardened)) => hardened.yaml(&file.stream, document),
                (Part::Blank(range), _) => file.stream.text(range).into(),
                // kubectl may read what this program could not: it is not passed on.
                (Part::Document(_) | Part::Unreadable(..), _) => continue,
            };
            out.write_all(separator(&text, begun).as_bytes())?;
            out.write_all(text.as_bytes())?;
            if !text.ends_with('\n') {
                out.write_all(b"\n")?;
            }
            begun = true;
        }
    }
    Ok(())
}

/// What has to stand between what was written and a text.
fn separator(text: &str, begun: bool) -> &'static str {
    match begun {
        false => "",
        true if text.starts_with("---") => "",
        // Directives may only follow the end of a document.
        true if text.starts_with('%') => "...\n",
        true => "---\n",
    }
}

fn write_json(files: &[HardenedFile], out: &mut dyn Write) -> anyhow::Result<()> {
    let documents: Vec<&Value> = files
        .iter()
        .flat_map(HardenedFile::hardened)
        .map(|(_, hardened)| &hardened.after)
        .collect();
    if let [document] = documents.as_slice() {
        return Ok(out.write_all(pretty(document)?.as_bytes())?);
    }
    // kubectl reads no lists in lists.
    let items: Vec<&Value> = documents.into_iter().flat_map(items).collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    Ok(out.write_all(pretty(&list)?.as_bytes())?)
}

fn items(document: &Value) -> Vec<&Value> {
    match (document.get("kind"), document.get("items")) {
        (Some(Value::String(kind)), Some(Value::Array(items))) if kind == "List" => {
            items.iter().flat_map(self::items).collect()
        }
        _ => vec![document],
    }
}

fn write_patch(files: &[HardenedFile], out: &mut dyn Write) -> anyhow::Result<()> {
    let documents: Vec<_> = files
        .iter()
        .flat_map(|file| {
            file.hardened()
                .map(|(_, hardened)| (&file.stream.file, hardened))
        })
        .collect();
    let text = match documents.as_slice() {
        [(_, hardened)] => pretty(&json!(hardened.patch))?,
        several => {
            let named = several
                .iter()
                .map(|(file, hardened)| hardened.named_patch(file));
            pretty(&Value::Array(named.collect()))?
        }
    };
    Ok(out.write_all(text.as_bytes())?)
}

fn write_diff(files: &[HardenedFile], out: &mut dyn Write) -> anyhow::Result<()> {
    for file in files {
        let (mut before, mut after) = (String::new(), String::new());
        for (part, hardened) in file.parts() {
            let (old, new) = if let (Part::Document(document), Some(hardened)) = (part, hardened) {
                hardened.sides(&file.stream, document)?
            } else {
                // It may hold what a terminal obeys.
                let text = file.stream.text_of_part(part).visible();
                (text.clone().into(), text.into())
            };
            before.push_str(&old);
            after.push_str(&new);
        }
        let name = &file.stream.file.one_line();
        out.write_all(report::unified_diff(name, &before, &after).as_bytes())?;
    }
    Ok(())
}

fn write_names(files: &[HardenedFile], out: &mut dyn Write) -> anyhow::Result<()> {
    let written = files.iter().filter(|it| it.written);
    for path in written.filter_map(|it| it.path.as_ref()) {
        writeln!(out, "hardened {}", path.display().to_string().one_line())?;
    }
    Ok(())
}

/// Tells on the standard error what is refused, what could not be read, and what nobody can know here.
fn complain(outcome: &HardenedFiles, in_place: bool, colour: ColourArguments) -> io::Result<()> {
    let mut out = BufWriter::new(io::stderr().lock());
    let style = colour.style(io::stderr().is_terminal());
    report::write_problems(&outcome.refused, &outcome.errors, style, &mut out)?;
    let hardened = || outcome.files.iter().flat_map(HardenedFile::hardened);
    for note in hardened().flat_map(|(_, it)| &it.notes) {
        writeln!(out, "note: {note}")?;
    }
    if hardened().any(|(_, it)| it.tillers > 0) {
        writeln!(out, "note: {}", report::RECORDS_UNKNOWN)?;
    }
    if !outcome.errors.is_empty() {
        let text = if in_place {
            "What could not be read stays as it is."
        } else {
            "What could not be read is left out of the output."
        };
        writeln!(out, "{text}")?;
    }
    for error in &outcome.failed {
        writeln!(out, "error: {}", format!("{error:#}").one_line())?;
    }
    out.flush()
}

fn exit(outcome: &HardenedFiles) -> Exit {
    if !outcome.failed.is_empty() {
        Exit::Failed
    } else if !outcome.errors.is_empty() {
        Exit::Unreadable
    } else if outcome.refused.is_empty() {
        Exit::Clean
    } else {
        Exit::Findings
    }
}

impl HardenedFile {
    /// The file and its text with what is hardened in it, if that changes it.
    fn rewritten(&self) -> Option<(&Path, String)> {
        let path = self.path.as_deref()?;
        let mut text = String::new();
        for (part, hardened) in self.parts() {
            match (part, hardened) {
                (Part::Document(document), Some(hardened)) => {
                    text.push_str(&hardened.in_place(&self.stream, document));
                }
                _ => text.push_str(self.stream.text_of_part(part)),
            }
        }
        let old: String = self
            .parts()
            .map(|(part, _)| self.stream.text_of_part(part))
            .collect();
        (text != old).then_some((path, text))
    }

    fn parts(&self) -> impl Iterator<Item = (&Part, Option<&Hardened>)> {
        self.parts
            .iter()
            .map(|(part, hardened)| (part, hardened.as_ref()))
    }

    fn hardened(&self) -> impl Iterator<Item = (&Document, &Hardened)> {
        self.parts().filter_map(|(part, hardened)| match part {
            Part::Document(document) => Some((document, hardened?)),
            Part::Unreadable(..) | Part::Blank(_) => None,
        })
    }
}
