//! Where a string of JSON ends (RFC 8259, 7). Most of a review is strings, which are looked at 16 bytes at a time.

use wide::u8x16;

/// How long the escape is at the beginning of these bytes.
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

/// How many bytes come before a quote, a backslash or a control character.
#[inline]
pub(super) fn ordinary(bytes: &[u8]) -> usize {
    let (blocks, rest) = bytes.as_chunks::<16>();
    let mut before = 0;
    for block in blocks {
        let special = special(block);
        if special != 0 {
            // At most 15.
            return before + special.trailing_zeros() as usize;
        }
        before += block.len();
    }
    let ordinary = |byte: &&u8| !matches!(byte, b'"' | b'\\' | 0..b' ');
    before + rest.iter().take_while(ordinary).count()
}

/// A bit for each byte that is special in a string.
#[inline]
pub(super) fn special(block: &[u8; 16]) -> u32 {
    let bytes = u8x16::new(*block);
    let last_control = u8x16::splat(0x1f);
    let special = bytes.simd_eq(u8x16::splat(b'"'))
        | bytes.simd_eq(u8x16::splat(b'\\'))
        | bytes.simd_eq(bytes.min(last_control));
    special.to_bitmask()
}
