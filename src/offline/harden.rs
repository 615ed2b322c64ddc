//! One document of a manifest, hardened.

use std::borrow::Cow;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::Judging;
use super::judge::{Judgement, judge, report_object, report_unreadable, unjudged};
use crate::manifest::{Document, Format, ManifestObject, Stream, to_yaml};
use crate::policy::Action;
use crate::report::{self, Maybe, OneLine as _};

/// A document, hardened.
#[derive(Debug)]
pub struct Hardened {
    /// The document's number in its file.
    pub number: usize,
    /// The document as it was.
    pub before: Value,
    /// The document, hardened.
    pub after: Value,
    /// What turns the one into the other (RFC 6902).
    pub patch: Vec<Value>,
    /// The objects in it that are still refused, with those findings alone.
    pub refused: Vec<report::ReportedObject>,
    /// How many Tillers are in it.
    pub tillers: usize,
    /// What a person must know about the hardening, a line each.
    pub notes: Vec<String>,
    /// Whether its text stays as it is.
    unchanged: bool,
}

/// Hardens a document; the errors are what in it cannot be read.
pub fn harden(
    file: &str,
    document: &Document,
    judging: &Judging,
) -> anyhow::Result<Result<Hardened, Vec<report::Unreadable>>> {
    let before = document.value();
    let mut after = before.clone();
    let (mut patch, mut refused, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    let (mut tillers, mut notes) = (0, Vec::new());
    for object in document.objects() {
        let judged = object.and_then(|object| match judge(&object, judging) {
            Ok(judgement) => Ok((object, judgement)),
            Err(error) => Err(unjudged(document, &object, &error)),
        });
        let (mut object, judgement) = match judged {
            Ok(judged) => judged,
            Err(unreadable) => {
                errors.push(report_unreadable(file, &unreadable));
                continue;
            }
        };
        let place = object.place;
        let target = after
            .pointer_mut(&object.pointer)
            .context("an object has left its document")?;
        json_patch::patch(target, &judgement.patch)
            .with_context(|| format!("{file}:{place}: the hardening cannot be applied"))?;
        object.value = object.as_read(target.clone());
        tillers += judgement.tillers.len();
        notes.extend(lost(file, &object, &judgement));
        patch.extend(in_document(&judgement, &object.pointer)?);
        refused.extend(refusals(file, document, object, judging)?);
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let unchanged = before == after && document.duplicates.is_empty();
    Ok(Ok(Hardened {
        number: document.number,
        before,
        after,
        patch,
        refused,
        tillers,
        notes,
        unchanged,
    }))
}

/// What the restart with the hardened Tiller loses, if its releases are in memory.
fn lost(file: &str, object: &ManifestObject, judgement: &Judgement) -> Option<String> {
    let ManifestObject {
        kind, name, place, ..
    } = object;
    let in_memory = |tiller: &report::Tiller| tiller.effective.storage == Maybe::Known("memory");
    let lost = judgement.tillers.iter().any(in_memory);
    lost.then(|| {
        let object = format!("{file}:{}: {kind} {name}", place.line).one_line();
        format!(
            "{object} keeps its releases in memory; the restart with --storage=secret loses them"
        )
    })
}

/// The object's patch as one of its document.
fn in_document(judgement: &Judgement, pointer: &str) -> anyhow::Result<Vec<Value>> {
    let Value::Array(mut operations) = serde_json::to_value(&judgement.patch)? else {
        return Ok(Vec::new());
    };
    for operation in &mut operations {
        for field in ["path", "from"] {
            if let Some(Value::String(path)) = operation.get_mut(field) {
                path.insert_str(0, pointer);
            }
        }
    }
    Ok(operations)
}

/// What is left of a hardened object to refuse.
fn refusals(
    file: &str,
    document: &Document,
    mut object: ManifestObject,
    judging: &Judging,
) -> anyhow::Result<Option<report::ReportedObject>> {
    let mut judgement = judge(&object, judging).with_context(|| {
        format!(
            "{file}:{}: the hardened object cannot be read",
            object.place
        )
    })?;
    judgement
        .findings
        .retain(|finding| finding.action == Action::Refuse);
    judgement.tillers.clear();
    object.duplicates.clear();
    let report = report_object(file, document, object, judgement, judging);
    Ok((!report.findings.is_empty()).then_some(report))
}

impl Hardened {
    /// The document as YAML: its own text wherever that can be kept.
    pub fn yaml<'a>(&self, stream: &'a Stream, document: &Document) -> Cow<'a, str> {
        match document.format {
            Format::Json => to_yaml(&self.after).into(),
            Format::Yaml if self.unchanged => stream.text_of(document).into(),
            Format::Yaml => self.edited(stream, document).into(),
        }
    }

    /// The document in the format and, wherever it can be kept, the text of its file.
    pub fn in_place<'a>(&self, stream: &'a Stream, document: &Document) -> Cow<'a, str> {
        match document.format {
            _ if self.unchanged => stream.text_of(document).into(),
            Format::Json => format!("{:#}\n", self.after).into(),
            Format::Yaml => self.edited(stream, document).into(),
        }
    }

    /// The document before and after, for a diff: its own text where that can be kept.
    pub fn sides<'a>(
        &self,
        stream: &'a Stream,
        document: &Document,
    ) -> anyhow::Result<(Cow<'a, str>, Cow<'a, str>)> {
        let text = stream.text_of(document);
        if self.unchanged {
            return Ok((text.into(), text.into()));
        }
        Ok(match document.format {
            Format::Json => (pretty(&self.before)?.into(), pretty(&self.after)?.into()),
            Format::Yaml => (text.into(), self.edited(stream, document).into()),
        })
    }

    /// The patch with the object that it is for.
    pub fn named_patch(&self, file: &str) -> Value {
        let field = |pointer| self.before.pointer(pointer).cloned().unwrap_or_default();
        json!({
            "file": file,
            "document": self.number,
            "kind": field("/kind"),
            "namespace": field("/metadata/namespace"),
            "name": field("/metadata/name"),
            "patch": self.patch,
        })
    }

    fn edited(&self, stream: &Stream, document: &Document) -> String {
        let text = stream.text_of(document);
        document.edited(text, &self.after).unwrap_or_else(|| {
            let separator = if text.starts_with("---") { "---\n" } else { "" };
            format!("{separator}{}", to_yaml(&self.after))
        })
    }
}

/// JSON for people.
pub fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(report::escape_controls(serde_json::to_string_pretty(value)?) + "\n")
}
