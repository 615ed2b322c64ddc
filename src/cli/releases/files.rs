//! Records from files: what `kubectl get … -o json` or `-o yaml` prints.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::manifest::{Part, Stream, Unreadable};
use crate::releases::{NotRecord, Record, Storage};
use crate::report::{self, OneLine as _};

/// What is wrong with an object of another shape. What it holds is not repeated: it may be secret.
const NOT_AS_IN_API: &str = "it is not as the API has it";

/// What some tools write before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How gzip begins.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Goes through the records in files, those that are set aside too. Objects that are no records are passed over; what cannot be read is named, and the rest
/// goes on.
pub(super) fn records(files: &[String], mut take: impl FnMut(Record)) -> Vec<String> {
    let mut unread = Vec::new();
    for file in files {
        let mut found = Objects {
            take: &mut take,
            read: 0,
            errors: Vec::new(),
        };
        let read = if file == "-" {
            found.read(io::stdin().lock())
        } else {
            File::open(file).and_then(|open| found.read(open))
        };
        let mut errors = found.errors;
        errors.extend(read.err().map(|error| error.to_string()));
        let named = errors
            .into_iter()
            .map(|it| format!("cannot read {file}: {it}"));
        unread.extend(named);
    }
    unread
}

/// What is done with each object.
struct Objects<'a> {
    take: &'a mut dyn FnMut(Record),
    /// How many there were.
    read: usize,
    /// Why some could not be read.
    errors: Vec<String>,
}

// === impl Objects ===

impl Objects<'_> {
    /// Reads a dump in JSON item by item, since it may be large, and what is written otherwise as a manifest.
    fn read(&mut self, reader: impl Read) -> io::Result<()> {
        let mut reader = BufReader::with_capacity(1 << 16, reader);
        if reader.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            reader.consume(BYTE_ORDER_MARK.len());
        }
        if reader.fill_buf()?.starts_with(GZIP) {
            return Err(io::Error::other(
                "it is compressed: give what `gunzip -c` prints of it",
            ));
        }
        if reader.fill_buf()?.trim_ascii_start().starts_with(b"{") {
            self.read_json(reader);
        } else {
            self.read_manifest(&Stream::read("", reader)?);
        }
        Ok(())
    }

    /// One JSON value after another, up to the first that cannot be read.
    fn read_json(&mut self, reader: impl Read) {
        let mut json = serde_json::Deserializer::from_reader(reader);
        loop {
            if let Err(error) = Document(&mut *self).deserialize(&mut json) {
                return self.errors.push(error.to_string());
            }
            if json.end().is_ok() {
                return;
            }
        }
    }

    fn read_manifest(&mut self, stream: &Stream) {
        let mut is_empty = true;
        for part in stream.parts() {
            is_empty &= matches!(part, Part::Blank(_));
            match part {
                Part::Document(document) => {
                    for object in document.objects() {
                        match object.map(|object| RawValue::from_string(object.value.to_string())) {
                            Ok(Ok(object)) => self.add(&object, None),
                            Ok(Err(error)) => self.errors.push(error.to_string()),
                            Err(unreadable) => self.errors.push(placed(&unreadable)),
                        }
                    }
                }
                Part::Unreadable(unreadable, _) => self.errors.push(placed(&unreadable)),
                Part::Blank(_) => {}
            }
        }
        if is_empty {
            // A command before a pipe has failed, perhaps: even a list without objects is some text.
            self.errors.push("it is empty".to_owned());
        }
    }

    /// Adds an object, or the objects of a list in a list. In a list of one kind an object does not say which.
    fn add(&mut self, object: &RawValue, storage: Option<Storage>) {
        let kind = kind(object);
        if kind.as_deref().is_some_and(|kind| kind.ends_with("List")) {
            let mut json = serde_json::Deserializer::from_str(object.get());
            if let Err(error) = Document(self).deserialize(&mut json) {
                self.errors.push(error.to_string());
            }
            return;
        }
        self.read += 1;
        match Record::read(object, storage.filter(|_| kind.is_none())) {
            Ok(record) if record.is_one() || record.is_aside() => (self.take)(record),
            Ok(_) | Err(NotRecord::Kind(_)) => {}
            Err(NotRecord::Malformed(_)) => {
                let named = title(object).unwrap_or_default();
                self.errors
                    .push(format!("object {}{named}: {NOT_AS_IN_API}", self.read));
            }
        }
    }

    /// Adds an object by its members.
    fn add_members(&mut self, members: &[(String, Box<RawValue>)]) {
        let members = members.iter().map(|(key, value)| {
            let key = serde_json::Value::from(key.as_str());
            format!("{key}:{}", value.get())
        });
        let object = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
        match RawValue::from_string(object) {
            Ok(object) => self.add(&object, None),
            Err(error) => self.errors.push(error.to_string()),
        }
    }
}

/// `line 3: why`.
fn placed(unreadable: &Unreadable) -> String {
    format!("line {}: {unreadable}", unreadable.place.line)
}

/// `, Secret team-a/web.v1`, of an object that is not as the API has it.
fn title(object: &RawValue) -> Option<String> {
    let object: serde_json::Value = serde_json::from_str(object.get()).ok()?;
    let text = |pointer| object.pointer(pointer)?.as_str();
    let (kind, name) = (text("/kind")?, text("/metadata/name")?);
    let namespace = text("/metadata/namespace");
    let title = format!(", {}", report::title(kind, namespace, name));
    Some(title.one_line())
}

/// A list of objects, or one.
struct Document<'a, 'b>(&'a mut Objects<'b>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects in JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut members: Vec<(String, Box<RawValue>)> = Vec::new();
        let mut list = None;
        let mut storage = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                let items = Items(&mut *self.0, storage, Vec::new());
                list = Some(map.next_value_seed(items)?);
                continue;
            }
            let value: Box<RawValue> = map.next_value()?;
            if key == "kind" {
                storage = of_list(&value);
            }
            members.push((key, value));
        }
        let Some(waiting) = list else {
            self.0.add_members(&members);
            return Ok(());
        };
        // Those that came before the kind of the list.
        for item in waiting {
            self.0.add(&item, storage);
        }
        Ok(())
    }
}

/// What the items of a list of this kind are: `kubectl get --raw` prints items without a kind.
fn of_list(kind: &RawValue) -> Option<Storage> {
    let kind: String = serde_json::from_str(kind.get()).ok()?;
    let mut all = Storage::ALL.into_iter();
    all.find(|storage| kind.strip_suffix("List") == Some(storage.kind()))
}

/// The items of a list whose kind may be known. Gives those back whose kind is not.
struct Items<'a, 'b>(&'a mut Objects<'b>, Option<Storage>, Vec<Box<RawValue>>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = Vec<Box<RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = Vec<Box<RawValue>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the items of a list")
    }

    /// Go writes an empty list so.
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Self::Value, A::Error> {
        while let Some(item) = items.next_element::<Box<RawValue>>()? {
            let is_known = self.1.is_some() || has_kind(&item);
            if is_known {
                self.0.add(&item, self.1);
            } else {
                self.2.push(item);
            }
        }
        Ok(self.2)
    }
}

fn has_kind(object: &RawValue) -> bool {
    kind(object).is_some()
}

fn kind(object: &RawValue) -> Option<String> {
    #[derive(Deserialize)]
    struct Kinded {
        kind: Option<String>,
    }
    serde_json::from_str::<Kinded>(object.get()).ok()?.kind
}
