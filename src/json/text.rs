//! Where a string of a JSON text ends: 16 bytes are looked at at a time.

use wide::u8x16;

/// The first byte from `start` on that is a quote, a backslash, or cannot stand in a string.
pub(super) fn stop(json: &[u8], start: usize) -> Option<(usize, u8)> {
    let rest = json.get(start..)?;
    let (blocks, _) = rest.as_chunks::<16>();
    let block = |block: &[u8; 16]| {
        let bytes = u8x16::new(*block);
        let stops = bytes.simd_eq(u8x16::splat(b'"'))
            | bytes.simd_eq(u8x16::splat(b'\\'))
            | bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        stops.to_bitmask()
    };
    let found = blocks
        .iter()
        .zip((0..).step_by(16))
        .find_map(|(bytes, at)| {
            let stops = block(bytes);
            // At most 15.
            (stops != 0).then(|| at + stops.trailing_zeros() as usize)
        });
    let tail = || {
        let seen = blocks.len() * 16;
        let stops = |byte: &u8| matches!(byte, b'"' | b'\\' | ..=0x1f);
        Some(seen + rest.get(seen..)?.iter().position(stops)?)
    };
    let at = found.or_else(tail)?;
    rest.get(at).map(|byte| (start + at, *byte))
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
