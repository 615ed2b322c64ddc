//! From a file's bytes to its text.

/// A file's text, and where it could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    /// The text, without byte order mark; U+FFFD stands for what is no UTF-8.
    pub(super) text: String,
    /// Where in `text` a U+FFFD stands for bytes that are no UTF-8.
    pub(super) broken: Vec<usize>,
}

/// Decodes UTF-8, and UTF-16 if a byte order mark says so: PowerShell's `>` writes that.
pub(super) fn decode(bytes: Vec<u8>) -> Text {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        _ => String::from_utf8(bytes).map_or_else(
            |error| utf8(error.as_bytes()),
            |text| Text {
                text,
                broken: Vec::new(),
            },
        ),
    }
}

fn utf8(bytes: &[u8]) -> Text {
    let mut text = String::with_capacity(bytes.len());
    let mut broken = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            broken.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Text { text, broken }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Text {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(bytes.len());
    let mut broken = Vec::new();
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        if character.is_err() {
            broken.push(text.len());
        }
        text.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !odd.is_empty() {
        broken.push(text.len());
        text.push(char::REPLACEMENT_CHARACTER);
    }
    Text { text, broken }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_tell_the_encoding_and_are_dropped() {
        let expected = Text {
            text: "kind: Pod\n".to_owned(),
            broken: Vec::new(),
        };
        let little: Vec<u8> = "\u{feff}kind: Pod\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = "\u{feff}kind: Pod\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(decode("\u{feff}kind: Pod\n".into()), expected);
        assert_eq!(decode(little), expected);
        assert_eq!(decode(big), expected);
        assert_eq!(decode(b"kind: Pod\n".to_vec()), expected);
    }

    #[test]
    fn what_is_no_text_is_remembered() {
        assert_eq!(decode(b"a\xffb".to_vec()).broken, [1]);
        assert_eq!(decode(b"\xff\xfea\0\0\xd8".to_vec()).broken, [1]);
        assert_eq!(decode(b"\xff\xfea\0b".to_vec()).broken, [1]);
    }
}
