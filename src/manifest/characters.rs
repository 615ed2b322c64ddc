//! Characters that a manifest must not hold.

use std::ops::Range;

use super::Fault;
use super::node::Position;

/// Refuses what is no text, and control characters, as kubectl does. A NUL would end the reading of some
/// YAML parsers and hide what follows.
pub(super) fn check(text: &str, range: &Range<usize>, broken: &[usize]) -> Result<(), Fault> {
    if let Some(at) = broken.iter().find(|at| range.contains(at)) {
        return Err(fault(
            text,
            at - range.start,
            "neither UTF-8 nor UTF-16 with a byte order mark",
        ));
    }
    if text.is_ascii() && text.bytes().all(is_plain) {
        return Ok(());
    }
    let control = |character: char| {
        character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}')
    };
    match text.find(control) {
        Some(at) => Err(fault(text, at, "a control character")),
        None => Ok(()),
    }
}

/// Refuses the line breaks that YAML 1.1 knows and YAML 1.2 does not: what follows one in a comment is a
/// value only to kubectl.
pub(super) fn check_line_breaks(text: &str) -> Result<(), Fault> {
    if text.is_ascii() {
        return Ok(());
    }
    match text.find(['\u{85}', '\u{2028}', '\u{2029}']) {
        Some(at) => Err(fault(
            text,
            at,
            "a line break that only YAML 1.1 knows (U+0085, U+2028 or U+2029); write it as an escape \
             in a double-quoted string",
        )),
        None => Ok(()),
    }
}

/// Whether a byte of ASCII is no control character that is refused.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t' | b'\r')
}

fn fault(text: &str, at: usize, message: &str) -> Fault {
    let before = text.get(..at).unwrap_or_default();
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
    let column = 1 + before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count();
    Fault {
        place: Position { line, column },
        message: message.to_owned(),
    }
}
