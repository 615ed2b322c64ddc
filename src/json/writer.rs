//! JSON, appended to a text. Most of an answer is text in which nothing is to be escaped, which is told from many bytes at
//! a time.

use std::fmt::Write as _;

/// An object that is being written. Names of members are the API's, and need no escape.
#[derive(Debug)]
pub struct Object<'w> {
    json: &'w mut String,
    empty: bool,
}

/// An array that is being written.
#[derive(Debug)]
pub struct Array<'w> {
    json: &'w mut String,
    empty: bool,
}

/// How many bytes are escaped, or not, together.
const BLOCK: usize = 32;

// === impl Object ===

impl<'w> Object<'w> {
    /// Begins an object.
    pub fn begin(json: &'w mut String) -> Self {
        json.push('{');
        Self { json, empty: true }
    }

    /// Begins a member, and gives where its value goes.
    #[inline]
    pub fn member(&mut self, name: &str) -> &mut String {
        self.json.push_str(if self.empty { "\"" } else { ",\"" });
        self.empty = false;
        self.json.push_str(name);
        self.json.push_str("\":");
        self.json
    }

    /// Writes a member that is a text.
    #[inline]
    pub fn text(&mut self, name: &str, text: &str) {
        write_text(self.member(name), text);
    }

    /// Writes a member that is `true` or `false`.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.member(name)
            .push_str(if value { "true" } else { "false" });
    }

    /// Writes a member that is a number.
    pub fn number(&mut self, name: &str, value: i64) {
        // A text takes all that is written to it.
        let _taken = write!(self.member(name), "{value}");
    }

    /// Ends the object.
    pub fn end(self) {
        self.json.push('}');
    }
}

// === impl Array ===

impl<'w> Array<'w> {
    /// Begins an array.
    pub fn begin(json: &'w mut String) -> Self {
        json.push('[');
        Self { json, empty: true }
    }

    /// Begins an element, and gives where it goes.
    pub fn element(&mut self) -> &mut String {
        if !self.empty {
            self.json.push(',');
        }
        self.empty = false;
        self.json
    }

    /// Ends the array.
    pub fn end(self) {
        self.json.push(']');
    }
}

/// Writes a text between quotes (RFC 8259, 7).
pub fn write_text(json: &mut String, text: &str) {
    json.push('"');
    if is_plain(text) {
        json.push_str(text);
    } else {
        write_escaped(json, text);
    }
    json.push('"');
}

fn write_escaped(json: &mut String, text: &str) {
    let mut rest = text;
    while !rest.is_empty() {
        let (block, after) = rest.split_at(rest.ceil_char_boundary(BLOCK));
        if is_plain(block) {
            json.push_str(block);
        } else {
            block.chars().for_each(|character| escape(json, character));
        }
        rest = after;
    }
}

/// Whether nothing is to be escaped.
fn is_plain(text: &str) -> bool {
    // Without a way out in the middle the compiler looks at many bytes at once.
    let special = text.bytes().fold(0, |special, byte| {
        special | u8::from(byte < b' ') | u8::from(byte == b'"') | u8::from(byte == b'\\')
    });
    special == 0
}

fn escape(json: &mut String, character: char) {
    match character {
        '"' => json.push_str("\\\""),
        '\\' => json.push_str("\\\\"),
        '\n' => json.push_str("\\n"),
        '\r' => json.push_str("\\r"),
        '\t' => json.push_str("\\t"),
        '\0'..' ' => {
            let _taken = write!(json, "\\u{:04x}", u32::from(character));
        }
        other => json.push(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::{Array, Object, write_text};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_text_is_read_as_it_was_written(parts in vec((any::<char>(), "[a-z\"\\\\]{0,40}"), 0..4)) {
            let mut text = String::new();
            for (first, rest) in parts {
                text.push(first);
                text.push_str(&rest);
            }
            let mut json = String::new();
            write_text(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), Value::from(text));
        }
    }

    #[test]
    fn every_control_character_is_escaped() {
        let text: String = ('\0'..='\u{80}').collect();
        let mut json = String::new();
        write_text(&mut json, &text);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn members_and_elements_are_parted() {
        let mut json = String::new();
        let mut object = Object::begin(&mut json);
        Object::begin(object.member("nothing")).end();
        object.text("text", "a \"b\"");
        object.boolean("boolean", true);
        object.number("number", -7);
        let mut array = Array::begin(object.member("array"));
        write_text(array.element(), "one");
        Array::begin(array.element()).end();
        array.end();
        object.end();
        assert_eq!(
            serde_json::from_str::<Value>(&json).unwrap(),
            json!({ "nothing": {}, "text": "a \"b\"", "boolean": true, "number": -7, "array": ["one", []] })
        );
    }
}
