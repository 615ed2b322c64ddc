//! Values of a policy file with their places, and the problems found in them.

use serde_json::{Map, Value};

use super::problem::{Cause, Problem};
use crate::manifest::Document;

/// The most problems that are reported; the place of each is looked up in the file.
const MOST_PROBLEMS: usize = 50;
/// The most characters of a value that a message quotes.
const MOST_QUOTED: usize = 80;

/// A document that is being read.
pub(super) struct PolicyReader<'d> {
    document: &'d Document,
    pub(super) problems: Vec<Problem>,
    /// How many problems were found, reported or not.
    met: usize,
}

/// A value, and its place.
#[derive(Debug, Clone)]
pub(super) struct Field<'v> {
    pub(super) value: &'v Value,
    /// Its JSON pointer in the document.
    pub(super) pointer: String,
}

/// A mapping whose keys are known.
pub(super) struct Section<'v> {
    map: &'v Map<String, Value>,
    pointer: String,
}

// === impl PolicyReader ===

impl<'d> PolicyReader<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        let mut reader = Self {
            document,
            problems: Vec::new(),
            met: 0,
        };
        for duplicate in &document.duplicates {
            reader.met += 1;
            reader.problems.push(Problem {
                cause: Cause::Key,
                place: duplicate.again,
                message: format!(
                    "\"{}\" is already on line {}; keep one of them",
                    quoted(&duplicate.key),
                    duplicate.first.line
                ),
            });
        }
        reader.problems.truncate(MOST_PROBLEMS);
        reader
    }

    /// Reports a problem with the value at a pointer.
    pub(super) fn problem(&mut self, cause: Cause, pointer: &str, message: String) {
        self.met += 1;
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem {
                cause,
                place: self.document.place_of(pointer),
                message,
            });
        }
    }

    pub(super) fn bad(&mut self, field: &Field<'_>, message: impl Into<String>) {
        self.problem(Cause::Value, &field.pointer, message.into());
    }

    /// Whether there are only problems of this cause.
    pub(super) fn met_only(&self, cause: Cause) -> bool {
        self.met == self.problems.len() && self.problems.iter().all(|it| it.cause == cause)
    }

    /// A mapping with these keys and no others.
    pub(super) fn section<'v>(&mut self, field: &Field<'v>, keys: &[&str]) -> Option<Section<'v>> {
        let map = self.mapping(field)?;
        for key in map.keys() {
            if !keys.contains(&key.as_str()) {
                let message = format!("unknown key \"{}\"; use {}", quoted(key), one_of(keys));
                self.problem(Cause::Key, &child(&field.pointer, key), message);
            }
        }
        Some(Section {
            map,
            pointer: field.pointer.clone(),
        })
    }

    /// The entries of a mapping whose keys are names.
    pub(super) fn entries<'v>(&mut self, field: &Field<'v>) -> Vec<(&'v str, Field<'v>)> {
        let map = self.mapping(field);
        map.into_iter()
            .flatten()
            .map(|(key, value)| {
                let pointer = child(&field.pointer, key);
                (key.as_str(), Field { value, pointer })
            })
            .collect()
    }

    fn mapping<'v>(&mut self, field: &Field<'v>) -> Option<&'v Map<String, Value>> {
        let map = field.value.as_object();
        if map.is_none() {
            let message = format!("{}, expected a mapping of keys", kind_of(field.value));
            self.bad(field, message);
        }
        map
    }

    /// The elements of a list.
    pub(super) fn list<'v>(&mut self, field: &Field<'v>) -> Vec<Field<'v>> {
        let Some(list) = field.value.as_array() else {
            let message = format!(
                "{}, expected a list; begin each element with \"- \"",
                kind_of(field.value)
            );
            self.bad(field, message);
            return Vec::new();
        };
        list.iter()
            .enumerate()
            .map(|(index, value)| Field {
                value,
                pointer: format!("{}/{index}", field.pointer),
            })
            .collect()
    }

    /// A text that is not empty.
    pub(super) fn text<'v>(&mut self, field: &Field<'v>) -> Option<&'v str> {
        match field.value {
            Value::String(text) if !text.trim().is_empty() => Some(text),
            Value::String(_) => {
                self.bad(
                    field,
                    "an empty text; write what is meant, or leave the key out",
                );
                None
            }
            Value::Bool(_) | Value::Number(_) => {
                let message = format!(
                    "{}, expected a string; put it in quotes if it is one",
                    kind_of(field.value)
                );
                self.bad(field, message);
                None
            }
            Value::Null | Value::Array(_) | Value::Object(_) => {
                let message = format!("{}, expected a string", kind_of(field.value));
                self.bad(field, message);
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, field: &Field<'_>) -> Option<bool> {
        let truth = field.value.as_bool();
        if truth.is_none() {
            let message = format!("{}, expected true or false", kind_of(field.value));
            self.bad(field, message);
        }
        truth
    }

    /// A text that a function parses; its error says what is wrong and what to do.
    pub(super) fn parsed<'v, T>(
        &mut self,
        field: &Field<'v>,
        parse: impl FnOnce(&'v str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(self.text(field)?) {
            Ok(value) => Some(value),
            Err(message) => {
                self.bad(field, message);
                None
            }
        }
    }
}

// === impl Section ===

impl<'v> Section<'v> {
    pub(super) fn get(&self, key: &str) -> Option<Field<'v>> {
        let value = self.map.get(key)?;
        let pointer = child(&self.pointer, key);
        Some(Field { value, pointer })
    }

    /// The value of a required key.
    pub(super) fn wanted(&self, key: &str, reader: &mut PolicyReader<'_>) -> Option<Field<'v>> {
        let field = self.get(key);
        if field.is_none() {
            let message = format!("{key} is missing; write it here");
            reader.problem(Cause::Value, &self.pointer, message);
        }
        field
    }
}

fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "found nothing",
        Value::Bool(_) => "found a boolean",
        Value::Number(_) => "found a number",
        Value::String(_) => "found a string",
        Value::Array(_) => "found a list",
        Value::Object(_) => "found a mapping",
    }
}

/// A value of the file, shortened and on one line.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(MOST_QUOTED) {
        None => text.escape_debug().to_string(),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            format!("{}…", start.escape_debug())
        }
    }
}

/// `a, b or c`.
pub(super) fn one_of(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
