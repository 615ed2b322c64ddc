//! The report as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Report;

/// Writes the report as one JSON object, indented, with a line feed at its end.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    out.write_all(escape_controls(text).as_bytes())?;
    out.write_all(b"\n")
}

/// JSON with the control characters as escapes that it leaves in strings as they are: those of 8-bit terminals.
pub fn escape_controls(json: String) -> String {
    let is_left = |character: char| matches!(character, '\u{7f}'..='\u{9f}');
    if !json.contains(is_left) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for character in json.chars() {
        if is_left(character) {
            let _infallible = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape_controls;

    #[test]
    fn no_control_character_reaches_a_terminal() {
        let json = serde_json::to_string("a\u{9b}31m\u{7f}\u{1b}é").unwrap();
        let escaped = escape_controls(json);
        assert_eq!(escaped, r#""a\u009b31m\u007f\u001bé""#);
        let read: String = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, "a\u{9b}31m\u{7f}\u{1b}é");
    }
}
