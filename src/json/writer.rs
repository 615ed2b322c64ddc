//! JSON, appended to bytes. Most of an answer is text that needs no escape, which is seen from many bytes at
//! a time.

use std::io::Write as _;

use super::scan::next_special;

/// An object that is being written. Names of members are the API's, and need no escape.
#[derive(Debug)]
pub struct ObjectWriter<'w> {
    json: &'w mut Vec<u8>,
    empty: bool,
}

/// An array that is being written.
#[derive(Debug)]
pub struct ArrayWriter<'w> {
    json: &'w mut Vec<u8>,
    empty: bool,
}

// === impl ObjectWriter ===

impl<'w> ObjectWriter<'w> {
    /// Begins an object.
    pub fn begin(json: &'w mut Vec<u8>) -> Self {
        json.push(b'{');
        Self { json, empty: true }
    }

    /// Begins a member, and gives where its value goes.
    #[inline]
    pub fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.json.push(b',');
        }
        self.empty = false;
        self.json.push(b'"');
        self.json.extend_from_slice(name.as_bytes());
        self.json.extend_from_slice(b"\":");
        self.json
    }

    /// Writes a member that is a text.
    #[inline]
    pub fn text(&mut self, name: &str, text: &str) {
        write_text(self.member(name), text);
    }

    /// Writes a member that is `true` or `false`.
    pub fn boolean(&mut self, name: &str, value: bool) {
        write_boolean(self.member(name), value);
    }

    /// Writes a member that is a number.
    pub fn number(&mut self, name: &str, value: i64) {
        write_number(self.member(name), value);
    }

    /// Ends the object.
    pub fn end(self) {
        self.json.push(b'}');
    }
}

// === impl ArrayWriter ===

impl<'w> ArrayWriter<'w> {
    /// Begins an array.
    pub fn begin(json: &'w mut Vec<u8>) -> Self {
        json.push(b'[');
        Self { json, empty: true }
    }

    /// Begins an element, and gives where it goes.
    pub fn element(&mut self) -> &mut Vec<u8> {
        if !self.empty {
            self.json.push(b',');
        }
        self.empty = false;
        self.json
    }

    /// Ends the array.
    pub fn end(self) {
        self.json.push(b']');
    }
}

/// Writes `true` or `false`.
pub fn write_boolean(json: &mut Vec<u8>, value: bool) {
    json.extend_from_slice(if value { b"true" } else { b"false" });
}

/// Writes a number.
pub fn write_number(json: &mut Vec<u8>, value: i64) {
    json.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes a text between quotes (RFC 8259, 7).
pub fn write_text(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    let mut rest = text.as_bytes();
    while let Some((plain, special, after)) = parted(rest) {
        json.extend_from_slice(plain);
        escape(json, special);
        rest = after;
    }
    json.extend_from_slice(rest);
    json.push(b'"');
}

/// The text before the first byte that needs an escape, this byte, and the text after it.
fn parted(bytes: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (plain, rest) = bytes.split_at_checked(next_special(bytes)?)?;
    let (special, after) = rest.split_first()?;
    Some((plain, *special, after))
}

fn escape(json: &mut Vec<u8>, special: u8) {
    match special {
        b'\n' => json.extend_from_slice(b"\\n"),
        b'\r' => json.extend_from_slice(b"\\r"),
        b'\t' => json.extend_from_slice(b"\\t"),
        b'"' | b'\\' => json.extend_from_slice(&[b'\\', special]),
        control => {
            // A vector takes all that is written to it.
            let _taken = write!(json, "\\u{control:04x}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::{ArrayWriter, ObjectWriter, write_text};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_is_read_as_it_was_written(parts in vec((any::<char>(), "[a-z\"\\\\]{0,40}"), 0..4)) {
            let mut text = String::new();
            for (first, rest) in parts {
                text.push(first);
                text.push_str(&rest);
            }
            let mut json = Vec::new();
            write_text(&mut json, &text);
            prop_assert_eq!(serde_json::from_slice::<Value>(&json).unwrap(), Value::from(text));
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = ('\0'..='\u{80}').collect();
        let mut json = Vec::new();
        write_text(&mut json, &text);
        assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
    }

    #[test]
    fn members_and_elements_are_parted() {
        let mut json = Vec::new();
        let mut object = ObjectWriter::begin(&mut json);
        ObjectWriter::begin(object.member("nothing")).end();
        object.text("text", "a \"b\"");
        object.boolean("boolean", true);
        object.number("number", -7);
        let mut array = ArrayWriter::begin(object.member("array"));
        write_text(array.element(), "one");
        ArrayWriter::begin(array.element()).end();
        array.end();
        object.end();
        assert_eq!(
            serde_json::from_slice::<Value>(&json).unwrap(),
            json!({ "nothing": {}, "text": "a \"b\"", "boolean": true, "number": -7, "array": ["one", []] })
        );
    }
}
