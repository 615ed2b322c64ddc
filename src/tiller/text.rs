//! Texts cut at an ASCII byte, which takes less than at a `char`: command lines and image references are short, and
//! cut often.

use memchr::memchr;

/// What stands before the first of an ASCII byte, and after it.
pub(super) fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    cut(text, memchr(separator, text.as_bytes())?)
}

/// What stands before the last of an ASCII byte, and after it.
pub(super) fn rsplit_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    cut(text, text.bytes().rposition(|byte| byte == separator)?)
}

/// What stands before and after the ASCII byte at an index.
fn cut(text: &str, index: usize) -> Option<(&str, &str)> {
    Some((text.get(..index)?, text.get(index + 1..)?))
}
