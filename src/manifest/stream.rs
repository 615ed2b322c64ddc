//! A file's documents, those that can be read and those that cannot.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::iter;
use std::ops::Range;

use serde_json::Value;
use serde_json::value::RawValue;

use super::node::{Duplicate, Node, Position};
use super::split::{Chunk, is_json, split};
use super::{Fault, characters, json, text, yaml};

/// After how many broken JSON values the next one is looked for.
const MAX_RESUMED: usize = 100;

/// A file's text. Its documents are read as they are asked for, so that they need not be held at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// The file's name, as given; `-` is the standard input.
    pub file: String,
    text: String,
    /// Where in the text bytes stood that are no text.
    broken: Vec<usize>,
    encoding: text::Encoding,
}

/// A piece of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A document.
    Document(Document),
    /// A document that cannot be read, and its text's range.
    Unreadable(Unreadable, Range<usize>),
    /// Comments and separators without a document, as a range of the stream's text.
    Blank(Range<usize>),
}

/// A document that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its number in the stream, from 1. What holds no value is not counted.
    pub number: usize,
    /// Where its value begins.
    pub place: Position,
    /// How it is written.
    pub format: Format,
    /// The keys that it holds twice.
    pub duplicates: Vec<Duplicate>,
    pub(super) root: Node,
    /// Where its text stands in the stream's.
    pub(super) range: Range<usize>,
    /// How many bytes of its text kubectl cuts off.
    pub(super) head: usize,
    /// The line on which its text begins, less one: places in `root` count from the text.
    lines_before: usize,
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

/// A document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    /// Its number in the stream, from 1.
    pub document: usize,
    /// Where it cannot be read.
    pub place: Position,
    /// Why.
    pub message: String,
}

// === impl Stream ===

impl Stream {
    /// Reads a file to its end.
    pub fn read(file: impl Into<String>, mut reader: impl Read) -> io::Result<Self> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)?;
        Ok(Self::new(file, bytes))
    }

    /// A file's content.
    pub fn new(file: impl Into<String>, bytes: Vec<u8>) -> Self {
        let text::Decoded {
            text,
            broken,
            encoding,
        } = text::decode(bytes);
        Self {
            file: file.into(),
            text,
            broken,
            encoding,
        }
    }

    /// Another text, in bytes as those that were read; `None` if some of those are no text, because they would be lost.
    pub fn encode(&self, text: &str) -> Option<Vec<u8>> {
        self.broken.is_empty().then(|| self.encoding.encode(text))
    }

    /// What it holds, in order.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        let mut chunks = split(&self.text).into_iter();
        let mut parts = Parts {
            stream: self,
            found: VecDeque::new(),
            number: 0,
        };
        iter::from_fn(move || {
            while parts.found.is_empty() {
                parts.add(chunks.next()?);
            }
            parts.found.pop_front()
        })
    }

    /// The documents that can be read.
    pub fn documents(&self) -> impl Iterator<Item = Document> {
        self.parts().filter_map(|part| match part {
            Part::Document(document) => Some(document),
            Part::Unreadable(..) | Part::Blank(_) => None,
        })
    }

    /// A piece of the text.
    pub fn text(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The text of a part.
    pub fn text_of_part(&self, part: &Part) -> &str {
        match part {
            Part::Document(document) => self.text(&document.range),
            Part::Unreadable(_, range) | Part::Blank(range) => self.text(range),
        }
    }

    /// A document's text, with the separator before it.
    pub fn text_of(&self, document: &Document) -> &str {
        self.text(&document.range)
    }
}

// === impl Document ===

impl Document {
    /// The whole value.
    pub fn value(&self) -> Value {
        self.root.to_value()
    }

    /// Where a JSON pointer's value stands in the stream, or the nearest that is there on the way to it.
    pub fn place_of(&self, pointer: &str) -> Position {
        self.in_stream(self.root.place_of(pointer))
    }

    pub(super) fn in_stream(&self, place: Position) -> Position {
        Position {
            line: place.line + self.lines_before,
            ..place
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

// === the parts of a stream ===

struct Parts<'s> {
    stream: &'s Stream,
    /// Those that were read and not asked for yet.
    found: VecDeque<Part>,
    /// How many documents were read.
    number: usize,
}

impl Parts<'_> {
    fn add(&mut self, chunk: Chunk) {
        let text = self.stream.text(&chunk.range);
        let lines_before = chunk.line - 1;
        if let Err(fault) = characters::check(text, &chunk.range, &self.stream.broken) {
            return self.fault(chunk.range, lines_before, fault);
        }
        // What follows a `---` is YAML to kubectl.
        if chunk.range.start == 0 && is_json(text) && self.add_json(text) {
            return;
        }
        let read = characters::check_line_breaks(text).and_then(|()| yaml::read(text, chunk.head));
        match (read, chunk.unread) {
            (Ok(None), _) => self.found.push_back(Part::Blank(chunk.range)),
            (Ok(Some((root, _))), Some(unread)) => {
                let fault = Fault {
                    place: root.place,
                    message: unread.to_string(),
                };
                self.fault(chunk.range, lines_before, fault);
            }
            (Ok(Some((root, duplicates))), None) => {
                self.document(Format::Yaml, &chunk, root, duplicates);
            }
            (Err(fault), _) => self.fault(chunk.range, lines_before, fault),
        }
    }

    /// Adds the JSON values that a stream begins with; false where it is YAML instead, as `{a: b}` is.
    fn add_json(&mut self, text: &str) -> bool {
        let (mut at, mut lines, mut faults) = (0, 0, 0);
        while let Some(rest) = text.get(at..) {
            let value = rest.trim_start();
            let space = rest.len() - value.len();
            lines += count_lines(rest.get(..space).unwrap_or_default());
            at += space;
            let mut values = serde_json::Deserializer::from_str(value).into_iter::<&RawValue>();
            let read = match values.next() {
                Some(Ok(raw)) => json::read(raw.get()),
                Some(Err(_)) if matches!(yaml::read(value, 0), Ok(None)) => {
                    self.found.push_back(Part::Blank(at..text.len()));
                    break;
                }
                Some(Err(error)) => Err(json::fault(&error)),
                None => break,
            };
            let length = match &read {
                Ok(_) => values.byte_offset(),
                Err(fault) if at == space && reads_further_as_yaml(text, lines, fault) => {
                    return false;
                }
                // Each fault may have been found at the very end.
                Err(_) if faults == MAX_RESUMED => value.len(),
                Err(_) => next_object(value),
            };
            let range = at..at + length;
            match read {
                Ok((root, duplicates)) => {
                    let chunk = Chunk::at(range, lines + 1);
                    self.document(Format::Json, &chunk, root, duplicates);
                }
                Err(fault) => {
                    faults += 1;
                    self.fault(range, lines, fault);
                }
            }
            lines += count_lines(value.get(..length).unwrap_or_default());
            at += length;
        }
        true
    }

    fn document(
        &mut self,
        format: Format,
        chunk: &Chunk,
        root: Node,
        mut duplicates: Vec<Duplicate>,
    ) {
        self.number += 1;
        let lines_before = chunk.line - 1;
        for duplicate in &mut duplicates {
            duplicate.first.line += lines_before;
            duplicate.again.line += lines_before;
        }
        let place = Position {
            line: root.place.line + lines_before,
            ..root.place
        };
        let number = self.number;
        let document = Document {
            number,
            place,
            format,
            duplicates,
            root,
            range: chunk.range.clone(),
            head: chunk.head,
            lines_before,
        };
        self.found.push_back(Part::Document(document));
    }

    fn fault(&mut self, range: Range<usize>, lines_before: usize, fault: Fault) {
        self.number += 1;
        let place = Position {
            line: fault.place.line + lines_before,
            ..fault.place
        };
        let unreadable = Unreadable {
            document: self.number,
            place,
            message: fault.message,
        };
        self.found.push_back(Part::Unreadable(unreadable, range));
    }
}

/// Whether a text that is no JSON is YAML, or at least more of it is.
fn reads_further_as_yaml(text: &str, lines_before: usize, fault: &Fault) -> bool {
    yaml::read(text, 0).err().is_none_or(|other| {
        let json = (fault.place.line + lines_before, fault.place.column);
        (other.place.line, other.place.column) > json
    })
}

/// How far it is to the next line that begins with an object: where reading goes on after a broken one.
fn next_object(rest: &str) -> usize {
    let skipped = rest.len() - rest.trim_start().len();
    let found = rest.get(skipped..).and_then(|rest| rest.find("\n{"));
    found.map_or(rest.len(), |at| skipped + at + 1)
}

fn count_lines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}
