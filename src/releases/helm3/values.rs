//! Values, read as Helm reads them: YAML 1.1, whole numbers as they are.

use serde_json::{Map, Value};

use super::error::ConvertError;
use crate::manifest::{Part, Stream};
use crate::releases::hapi::Config;

/// Numbers beyond this are not what they were once a float has held them: Helm 3 reads its records so.
const EXACT: u64 = 1 << 53;

/// The values of a release or chart: none where nothing was recorded.
pub(super) fn read(
    config: &Config,
    whose: &'static str,
    remarks: &mut Vec<String>,
) -> Result<Option<Value>, ConvertError> {
    let value = parse(&config.raw).map_err(|reason| ConvertError::Values { whose, reason })?;
    if let Some(value) = &value {
        remark_large(value, whose, &mut Vec::new(), remarks);
    }
    Ok(value)
}

/// A document of YAML that is a mapping; none where it is empty.
pub(super) fn parse(text: &[u8]) -> Result<Option<Value>, String> {
    let stream = Stream::new("values", first_document(text).to_vec());
    let mut found = None;
    for part in stream.parts() {
        match part {
            Part::Blank(_) => {}
            Part::Unreadable(unreadable, _) => return Err(unreadable.message),
            // Helm reads the first document.
            Part::Document(document) => {
                found.get_or_insert_with(|| document.value());
            }
        }
    }
    match found {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(Value::Object(map))),
        Some(_) => Err("they are not a mapping".to_owned()),
    }
}

/// What is before a line `...`, which ends a document wherever it stands.
fn first_document(text: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.trim_ascii_end() == b"..." {
            return text.get(..end).unwrap_or(text);
        }
        end += line.len();
    }
    text
}

fn remark_large(value: &Value, whose: &str, path: &mut Vec<String>, remarks: &mut Vec<String>) {
    match value {
        Value::Number(number) => {
            let size = number
                .as_u64()
                .or_else(|| Some(number.as_i64()?.unsigned_abs()));
            if size.is_some_and(|size| size > EXACT) {
                remarks.push(format!(
                    "the number {number} in the {whose} values, at {}, is recorded as it is, but Helm 3 rounds it when \
                     it reads it; make it a text",
                    path.join(".")
                ));
            }
        }
        Value::Object(map) => each(
            map.iter().map(|(key, it)| (key.clone(), it)),
            whose,
            path,
            remarks,
        ),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            each(
                items.map(|(index, it)| (index.to_string(), it)),
                whose,
                path,
                remarks,
            );
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

fn each<'a>(
    values: impl Iterator<Item = (String, &'a Value)>,
    whose: &str,
    path: &mut Vec<String>,
    remarks: &mut Vec<String>,
) {
    for (name, value) in values {
        path.push(name);
        remark_large(value, whose, path, remarks);
        path.pop();
    }
}

/// The members of a mapping in a file; none where it cannot be read.
pub(super) fn mapping(text: &[u8]) -> Map<String, Value> {
    match parse(text) {
        Ok(Some(Value::Object(map))) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn the_first_document_counts_alone() {
        for text in [
            "a: 1\n",
            "a: 1\n...\nwhat follows: {\n",
            "a: 1\n---\nb: 2\n",
        ] {
            assert_eq!(
                parse(text.as_bytes()),
                Ok(Some(json!({ "a": 1 }))),
                "{text}"
            );
        }
        let text = "a: |\n  ...\n";
        assert_eq!(parse(text.as_bytes()), Ok(Some(json!({ "a": "...\n" }))));
    }
}
