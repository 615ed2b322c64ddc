//! Base64 (RFC 4648, 4), twelve bytes at a time: a patch is the most of an answer.

use wide::{i8x16, u64x2};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How many bytes are looked at together, of which the last two are for the next.
const WINDOW: usize = 14;
const STEP: usize = 12;

/// Writes bytes in base64 between quotes.
pub fn write_base64(json: &mut Vec<u8>, bytes: &[u8]) {
    json.reserve(bytes.len().div_ceil(3) * 4 + 2);
    json.push(b'"');
    let mut rest = bytes;
    while let Some(window) = rest.first_chunk() {
        json.extend_from_slice(&characters(sextets(window)));
        rest = rest.get(STEP..).unwrap_or_default();
    }
    let (triples, last) = rest.as_chunks();
    for triple in triples {
        json.extend_from_slice(&digits(*triple));
    }
    match *last {
        [first] => {
            let [one, two, ..] = digits([first, 0, 0]);
            json.extend_from_slice(&[one, two, b'=', b'=']);
        }
        [first, second] => {
            let [one, two, three, _] = digits([first, second, 0]);
            json.extend_from_slice(&[one, two, three, b'=']);
        }
        _ => {}
    }
    json.push(b'"');
}

/// The numbers of the sixteen digits of the first twelve bytes.
fn sextets(window: &[u8; WINDOW]) -> i8x16 {
    let half = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let halves = u64x2::new([half(window.first_chunk()), half(window.last_chunk())]);
    let twice = |mask: u64| u64x2::splat(mask << 32 | mask);
    // Three bytes in each 32 bits, the first lowest.
    let threes =
        halves & u64x2::splat(0x00ff_ffff) | (halves << 8_u32) & u64x2::splat(0x00ff_ffff << 32);
    // Four sextets in each 32 bits, the first lowest.
    let sextets = (threes >> 2_u32) & twice(0x3f)
        | (threes << 12_u32) & twice(0x3000)
        | (threes >> 4_u32) & twice(0x0f00)
        | (threes << 10_u32) & twice(0x3c_0000)
        | (threes >> 6_u32) & twice(0x03_0000)
        | (threes << 8_u32) & twice(0x3f00_0000);
    let mut numbers = [0; 16];
    for (eight, half) in numbers.as_chunks_mut().0.iter_mut().zip(sextets.to_array()) {
        *eight = half.to_le_bytes().map(u8::cast_signed);
    }
    i8x16::new(numbers)
}

/// The digits with these numbers: each row of the alphabet is off by so much from where the rows before would go on.
fn characters(numbers: i8x16) -> [u8; 16] {
    let off = |row: i8, by: i8| numbers.simd_gt(i8x16::splat(row - 1)) & i8x16::splat(by);
    let characters = numbers
        + i8x16::splat(b'A'.cast_signed())
        + off(26, 6)
        + off(52, -75)
        + off(62, -15)
        + off(63, 3);
    characters.to_array().map(i8::cast_unsigned)
}

fn digits([first, second, third]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, first, second, third]);
    [18, 12, 6, 0].map(|shift| {
        let number = usize::try_from(bits >> shift & 0x3f).unwrap_or_default();
        ALPHABET.get(number).copied().unwrap_or(b'=')
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

    use super::write_base64;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn bytes_are_written_as_another_encoder_writes_them(bytes in vec(any::<u8>(), 0..100)) {
            let mut json = b"before ".to_vec();
            write_base64(&mut json, &bytes);
            let written = String::from_utf8(json).unwrap();
            prop_assert_eq!(written, format!("before \"{}\"", STANDARD.encode(&bytes)));
        }
    }

    #[test]
    fn every_three_bytes_are_written_as_another_encoder_writes_them() {
        for first in 0..=u8::MAX {
            let bytes: Vec<u8> = (0..=u8::MAX)
                .flat_map(|next| [first, next, !next])
                .collect();
            let mut json = Vec::new();
            write_base64(&mut json, &bytes);
            assert_eq!(
                String::from_utf8(json).unwrap(),
                format!("\"{}\"", STANDARD.encode(&bytes))
            );
        }
    }
}
