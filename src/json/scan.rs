//! Searches in the text of JSON (RFC 8259, 2 and 7).

use wide::u8x16;

use super::bytes::position;

/// Length of the escape at the beginning of these bytes.
pub(super) fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.get(1..)? {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some(2),
        [b'u', code @ ..] => {
            let code = code.first_chunk::<4>()?;
            code.iter().all(u8::is_ascii_hexdigit).then_some(6)
        }
        _ => None,
    }
}

/// Offset of the first special byte: a quote, a backslash or a control character.
#[inline(never)]
pub(super) fn next_special(bytes: &[u8]) -> Option<usize> {
    position(bytes, special)
}

/// Offset of the first byte that is not white space.
pub(super) fn next_after_space(bytes: &[u8]) -> Option<usize> {
    let is = |bytes: u8x16, space: u8| bytes.simd_eq(u8x16::splat(space));
    position(bytes, |bytes| {
        !(is(bytes, b' ') | is(bytes, b'\n') | is(bytes, b'\r') | is(bytes, b'\t'))
    })
}

/// A bit for each byte of a block that is special.
#[inline]
pub(super) fn specials(block: &[u8; 16]) -> u32 {
    special(u8x16::new(*block)).to_bitmask()
}

#[inline]
fn special(bytes: u8x16) -> u8x16 {
    let last_control = u8x16::splat(0x1f);
    bytes.simd_eq(u8x16::splat(b'"'))
        | bytes.simd_eq(u8x16::splat(b'\\'))
        | bytes.simd_eq(bytes.min(last_control))
}
