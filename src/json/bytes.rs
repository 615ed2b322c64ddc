//! A search for bytes, 16 at a time.

use wide::u8x16;

const BLOCK: usize = 16;

/// Offset of the first byte that matches: `found` sets all bits of each matching byte of a block and none of the others. A
/// space must not match.
#[inline]
pub fn position(bytes: &[u8], found: impl Fn(u8x16) -> u8x16) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks();
    for (block, begin) in blocks.iter().zip((0..).step_by(BLOCK)) {
        if let Some(place) = place(*block, &found) {
            return Some(begin + place);
        }
    }
    if rest.is_empty() {
        None
    } else if let Some(last) = bytes.last_chunk() {
        // The bytes that it shares with the block before do not match.
        place(*last, found).map(|place| bytes.len() - BLOCK + place)
    } else {
        let mut padded = [b' '; BLOCK];
        padded.get_mut(..rest.len())?.copy_from_slice(rest);
        place(padded, found)
    }
}

#[inline]
fn place(block: [u8; BLOCK], found: impl Fn(u8x16) -> u8x16) -> Option<usize> {
    let bits = found(u8x16::new(block)).to_bitmask();
    // At most 15.
    (bits != 0).then_some(bits.trailing_zeros() as usize)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
    use wide::u8x16;

    use super::position;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_first_is_found_wherever_it_is(
            mut bytes in vec(b'a'..=b'z', 0..70),
            places in vec(any::<usize>(), 0..3),
        ) {
            for place in places {
                if let Some(place) = place.checked_rem(bytes.len()) {
                    bytes[place] = b'!';
                }
            }
            let found = position(&bytes, |block| block.simd_eq(u8x16::splat(b'!')));
            prop_assert_eq!(found, bytes.iter().position(|byte| *byte == b'!'));
        }
    }
}
