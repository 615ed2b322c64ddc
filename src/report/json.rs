//! The report as JSON.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Report;
use super::text::is_invisible;

/// Writes the report as one JSON object, indented, with a line feed at its end.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(report)?;
    out.write_all(escape_controls(text).as_bytes())?;
    out.write_all(b"\n")
}

/// JSON with the characters as escapes that it leaves in strings as they are: control characters of 8-bit terminals, and marks that
/// change the direction of what stands beside them.
pub fn escape_controls(json: String) -> String {
    let is_left = |character: char| !character.is_ascii_whitespace() && is_invisible(character);
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
        let json = serde_json::to_string_pretty(&["a\u{9b}31m\u{7f}\u{1b}é\u{202e}"]).unwrap();
        let escaped = escape_controls(json);
        assert_eq!(escaped, "[\n  \"a\\u009b31m\\u007f\\u001bé\\u202e\"\n]");
        let read: [String; 1] = serde_json::from_str(&escaped).unwrap();
        assert_eq!(read, ["a\u{9b}31m\u{7f}\u{1b}é\u{202e}"]);
    }
}
