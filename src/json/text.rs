//! Where a string of a JSON text ends: 16 bytes are looked at at a time.

use wide::u8x16;

/// The first byte from `start` on that is a quote, a backslash, or cannot stand in a string.
pub(super) fn stop(json: &[u8], start: usize) -> Option<(usize, u8)> {
    let mut at = start;
    while let Some(block) = json.get(at..).and_then(<[u8]>::first_chunk) {
        let stops = stops(block);
        if stops != 0 {
            // At most 15.
            at += stops.trailing_zeros() as usize;
            return json.get(at).map(|byte| (at, *byte));
        }
        at += block.len();
    }
    let mut rest = json.iter().enumerate().skip(at);
    rest.find(|(_, byte)| matches!(byte, b'"' | b'\\' | ..=0x1f))
        .map(|(at, byte)| (at, *byte))
}

/// One bit for each byte.
fn stops(block: &[u8; 16]) -> u32 {
    let bytes = u8x16::new(*block);
    let stops = bytes.simd_eq(u8x16::splat(b'"'))
        | bytes.simd_eq(u8x16::splat(b'\\'))
        | bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    stops.to_bitmask()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    use super::stop;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_first_byte_that_stops_is_found(bytes in vec(any::<u8>(), 0..80), start in 0_usize..90) {
            let plain = bytes.iter().enumerate().skip(start);
            let plain = plain.map(|(at, byte)| (at, *byte)).find(|(_, byte)| b"\"\\".contains(byte) || *byte < 32);
            prop_assert_eq!(stop(&bytes, start), plain);
        }
    }
}
