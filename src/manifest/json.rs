//! JSON values, one after another, to [`Node`]s.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::node::{Content, Duplicate, Entry, Node, Position, Style, escape};
use super::{Fault, MAX_DEPTH, MAX_DUPLICATES, MAX_NODES, scalar};

/// Reads one value.
///
/// kubectl's decoder (encoding/json) lets the last of two equal keys count, as this one does.
pub(super) fn read(text: &str) -> Result<(Node, Vec<Duplicate>), Fault> {
    let mut reader = Parser {
        text,
        nodes: 0,
        duplicates: Vec::new(),
        lines: line_starts(text),
    };
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| fault(&error))?;
    let root = reader.node(raw, "", 0)?;
    Ok((root, reader.duplicates))
}

/// The fault that `serde_json` reports.
pub(super) fn fault(error: &serde_json::Error) -> Fault {
    let message = error.to_string();
    let told = format!(" at line {} column {}", error.line(), error.column());
    Fault {
        place: Position {
            line: error.line().max(1),
            column: error.column().max(1),
        },
        message: message
            .strip_suffix(&told)
            .map_or_else(|| message.clone(), str::to_owned),
    }
}

struct Parser<'a> {
    text: &'a str,
    nodes: usize,
    duplicates: Vec<Duplicate>,
    lines: Vec<usize>,
}

/// A mapping's keys and values, those that come twice too.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

// === impl Parser ===

impl<'a> Parser<'a> {
    fn node(&mut self, raw: &'a RawValue, pointer: &str, depth: usize) -> Result<Node, Fault> {
        let start = self.offset(raw);
        let place = self.place(start);
        let fail = |message: String| Fault { place, message };
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(fail(format!("more than {MAX_NODES} values")));
        }
        if depth > MAX_DEPTH {
            return Err(fail(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let source = raw.get();
        let content = match source.as_bytes().first() {
            Some(b'{') => {
                let Pairs(pairs) =
                    serde_json::from_str(source).map_err(|error| fail(fault(&error).message))?;
                self.mapping(pairs, pointer, depth)?
            }
            Some(b'[') => {
                let items: Vec<&RawValue> =
                    serde_json::from_str(source).map_err(|error| fail(fault(&error).message))?;
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    nodes.push(self.node(item, &format!("{pointer}/{index}"), depth + 1)?);
                }
                Content::List(nodes, Style::Flow)
            }
            _ => {
                let value =
                    serde_json::from_str(source).map_err(|error| fail(fault(&error).message))?;
                Content::Scalar(as_sent(value), None)
            }
        };
        Ok(Node {
            place,
            start: None,
            content,
        })
    }

    fn mapping(
        &mut self,
        pairs: Vec<(String, &'a RawValue)>,
        pointer: &str,
        depth: usize,
    ) -> Result<Content, Fault> {
        let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
        let mut index: HashMap<String, usize> = HashMap::with_capacity(pairs.len());
        for (name, raw) in pairs {
            // serde reports no place of a key; its value's is on the same line in any usual layout.
            let place = self.place(self.offset(raw));
            let child = format!("{pointer}/{}", escape(&name));
            let value = self.node(raw, &child, depth + 1)?;
            let entry = Entry {
                key: name.clone().into(),
                place,
                start: None,
                value,
            };
            let Some(held) = index.get(&name).and_then(|at| entries.get_mut(*at)) else {
                index.insert(name, entries.len());
                entries.push(entry);
                continue;
            };
            if self.duplicates.len() == MAX_DUPLICATES {
                let message = format!("more than {MAX_DUPLICATES} keys appear twice");
                return Err(Fault { place, message });
            }
            self.duplicates.push(Duplicate {
                pointer: child,
                key: name,
                first: held.place,
                again: place,
            });
            *held = entry;
        }
        Ok(Content::Mapping(entries, Style::Flow))
    }

    /// Where a borrowed piece of the text begins.
    fn offset(&self, raw: &RawValue) -> usize {
        (raw.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn place(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line
            .checked_sub(1)
            .and_then(|at| self.lines.get(at))
            .copied()
            .unwrap_or(0);
        Position {
            line,
            column: offset.saturating_sub(start) + 1,
        }
    }
}

/// A value as kubectl sends it: numbers are 64 bits, signed, or floats.
fn as_sent(value: Value) -> Value {
    match value {
        Value::Number(read) if !read.is_i64() => {
            let sent = read.as_f64().and_then(scalar::number);
            Value::Number(sent.unwrap_or(read))
        }
        value => value,
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect()
}

// === impl Pairs ===

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            pairs.push((name, map.next_value()?));
        }
        Ok(Pairs(pairs))
    }
}
