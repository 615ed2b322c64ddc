//! From a file's bytes to its text.

/// A file's text, and where it could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decoded {
    /// The text, without byte order mark; U+FFFD stands for what is no UTF-8.
    pub(super) text: String,
    /// Where in `text` a U+FFFD stands for bytes that are no UTF-8.
    pub(super) broken: Vec<usize>,
    /// How it was written.
    pub(super) encoding: Encoding,
}

/// How a file's text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8.
    Plain,
    /// UTF-8 behind a byte order mark.
    Marked,
    /// UTF-16 in little-endian order.
    Little,
    /// UTF-16 in big-endian order.
    Big,
}

/// Decodes UTF-8, and UTF-16 if a byte order mark says so: PowerShell's `>` writes that.
pub(super) fn decode(bytes: Vec<u8>) -> Decoded {
    match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, Encoding::Little),
        [0xfe, 0xff, rest @ ..] => utf16(rest, Encoding::Big),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest, Encoding::Marked),
        _ => String::from_utf8(bytes).map_or_else(
            |error| utf8(error.as_bytes(), Encoding::Plain),
            |text| Decoded {
                text,
                broken: Vec::new(),
                encoding: Encoding::Plain,
            },
        ),
    }
}

fn utf8(bytes: &[u8], encoding: Encoding) -> Decoded {
    let mut text = String::with_capacity(bytes.len());
    let mut broken = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            broken.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    Decoded {
        text,
        broken,
        encoding,
    }
}

fn utf16(bytes: &[u8], encoding: Encoding) -> Decoded {
    let unit = match encoding {
        Encoding::Big => u16::from_be_bytes,
        _ => u16::from_le_bytes,
    };
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
    Decoded {
        text,
        broken,
        encoding,
    }
}

// === impl Encoding ===

impl Encoding {
    /// A text's bytes, with the byte order mark.
    pub(super) fn encode(self, text: &str) -> Vec<u8> {
        let units = || "\u{feff}".encode_utf16().chain(text.encode_utf16());
        match self {
            Self::Plain => text.into(),
            Self::Marked => ["\u{feff}", text].concat().into(),
            Self::Little => units().flat_map(u16::to_le_bytes).collect(),
            Self::Big => units().flat_map(u16::to_be_bytes).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_order_marks_tell_the_encoding_and_are_dropped() {
        let expected = |encoding| Decoded {
            text: "kind: Pod\n".to_owned(),
            broken: Vec::new(),
            encoding,
        };
        let little: Vec<u8> = "\u{feff}kind: Pod\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let big: Vec<u8> = "\u{feff}kind: Pod\n"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        let marked = "\u{feff}kind: Pod\n".into();
        for (bytes, encoding) in [
            (marked, Encoding::Marked),
            (little, Encoding::Little),
            (big, Encoding::Big),
            (b"kind: Pod\n".to_vec(), Encoding::Plain),
        ] {
            assert_eq!(encoding.encode("kind: Pod\n"), bytes);
            assert_eq!(decode(bytes), expected(encoding));
        }
    }

    #[test]
    fn what_is_no_text_is_remembered() {
        assert_eq!(decode(b"a\xffb".to_vec()).broken, [1]);
        assert_eq!(decode(b"\xff\xfea\0\0\xd8".to_vec()).broken, [1]);
        assert_eq!(decode(b"\xff\xfea\0b".to_vec()).broken, [1]);
    }
}
