//! Records from files: what `kubectl get … -o json` prints, read item by item.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};

use anyhow::{Context as _, anyhow};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::releases::{NotRecord, Record};

/// Goes through the records in files. Objects that are no records are passed over.
pub(super) fn records(files: &[String], mut take: impl FnMut(Record)) -> anyhow::Result<()> {
    for file in files {
        let read = if file == "-" {
            read(io::stdin().lock(), &mut take)
        } else {
            File::open(file)
                .map_err(Into::into)
                .and_then(|open| read(open, &mut take))
        };
        read.with_context(|| format!("cannot read {file}"))?;
    }
    Ok(())
}

fn read(reader: impl Read, take: &mut dyn FnMut(Record)) -> anyhow::Result<()> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(1 << 16, reader));
    let mut found = Objects { take, error: None };
    Document(&mut found).deserialize(&mut json)?;
    json.end()?;
    match found.error {
        None => Ok(()),
        Some(error) => Err(anyhow!(error)),
    }
}

/// What is done with each object.
struct Objects<'a> {
    take: &'a mut dyn FnMut(Record),
    error: Option<serde_json::Error>,
}

// === impl Objects ===

impl Objects<'_> {
    fn add(&mut self, object: &RawValue) {
        match Record::read(object, None) {
            Ok(record) if record.is_one() => (self.take)(record),
            Ok(_) | Err(NotRecord::Kind(_)) => {}
            Err(NotRecord::Malformed(error)) => {
                self.error.get_or_insert(error);
            }
        }
    }
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
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                is_list = true;
                map.next_value_seed(Items(&mut *self.0))?;
            } else {
                members.push((key, map.next_value()?));
            }
        }
        if !is_list {
            let members = members.iter().map(|(key, value)| {
                let key = serde_json::Value::from(key.as_str());
                format!("{key}:{}", value.get())
            });
            let object = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            match RawValue::from_string(object) {
                Ok(object) => self.0.add(&object),
                Err(error) => self.0.error = Some(error),
            }
        }
        Ok(())
    }
}

/// The items of a list.
struct Items<'a, 'b>(&'a mut Objects<'b>);

impl<'de> DeserializeSeed<'de> for Items<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the items of a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Box<RawValue>>()? {
            self.0.add(&item);
        }
        Ok(())
    }
}
