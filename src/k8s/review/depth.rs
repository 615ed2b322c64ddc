//! The bound on nesting. The JSON reader skips what no rule reads without counting how deep it goes.
//!
//! A body is looked at 64 bytes at a time, as bits: which bytes are quotes, backslashes and brackets. That
//! is how simdjson finds the structure of JSON (Langdale and Lemire, "Parsing Gigabytes of JSON per
//! Second", 3.1), and ten times as fast as byte by byte.

use wide::u8x16;

/// How deep a review may nest: `serde_json`'s own limit for what it builds. A Pod nests about 12 deep.
pub(super) const MAX_DEPTH: usize = 128;

/// Whether arrays and objects nest deeper than [`MAX_DEPTH`]. Text that is no JSON gives either answer.
pub(super) fn exceeds(json: &str) -> bool {
    let (blocks, rest) = json.as_bytes().as_chunks::<64>();
    let mut last = [b' '; 64];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let mut scan = Scan::default();
    blocks
        .iter()
        .chain([&last])
        .any(|block| scan.exceeds(block))
}

/// What one block leaves to the next.
#[derive(Default)]
struct Scan {
    depth: usize,
    /// All ones where the last block ended in a string.
    in_string: u64,
    /// One where the last block ended in a backslash that escapes.
    escape: u64,
}

impl Scan {
    fn exceeds(&mut self, block: &[u8; 64]) -> bool {
        let quotes = bits(block, |bytes| bytes.simd_eq(u8x16::splat(b'"')));
        let backslashes = bits(block, |bytes| bytes.simd_eq(u8x16::splat(b'\\')));
        // `[` and `{`, like `]` and `}`, differ in one bit.
        let lower = |bytes: u8x16| bytes | u8x16::splat(0x20);
        let opens = bits(block, |bytes| lower(bytes).simd_eq(u8x16::splat(b'{')));
        let closes = bits(block, |bytes| lower(bytes).simd_eq(u8x16::splat(b'}')));

        let escaped = self.escaped(backslashes);
        let strings = self.strings(quotes & !escaped);
        let (opens, closes) = (opens & !strings, closes & !strings);
        if self.depth + ones(opens) <= MAX_DEPTH {
            self.depth = (self.depth + ones(opens)).saturating_sub(ones(closes));
            return false;
        }
        (0..64).any(|bit| {
            self.depth =
                (self.depth + ones(opens >> bit & 1)).saturating_sub(ones(closes >> bit & 1));
            self.depth > MAX_DEPTH
        })
    }

    /// The bytes from each opening quote to before its closing one: a bit is set where an odd number of
    /// quotes stands at or before it.
    fn strings(&mut self, quotes: u64) -> u64 {
        let mut parity = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            parity ^= parity << shift;
        }
        parity ^= self.in_string;
        self.in_string = if parity >> 63 == 1 { u64::MAX } else { 0 };
        parity
    }

    /// The bytes after a backslash that is not escaped itself: those at an odd distance from the start of a
    /// run of backslashes.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let backslashes = backslashes & !self.escape;
        let after = backslashes << 1 | self.escape;
        let odd_starts = backslashes & !EVEN & !after;
        let (even_runs, overflow) = odd_starts.overflowing_add(backslashes);
        self.escape = overflow.into();
        (EVEN ^ even_runs << 1) & after
    }
}

/// One bit for each byte of a block.
fn bits(block: &[u8; 64], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let (parts, _) = block.as_chunks::<16>();
    parts.iter().rev().fold(0, |bits, part| {
        bits << 16 | u64::from(test(u8x16::new(*part)).to_bitmask())
    })
}

fn ones(bits: u64) -> usize {
    // At most 64.
    bits.count_ones() as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn the_bound_is_exact() {
        assert!(!exceeds(&nested(MAX_DEPTH)));
        assert!(exceeds(&nested(MAX_DEPTH + 1)));
        assert!(!exceeds(&format!(
            "[{}]",
            vec![nested(MAX_DEPTH - 1); 9].join(",")
        )));
        assert!(exceeds(&format!(
            "[{}]",
            vec![nested(MAX_DEPTH); 9].join(",")
        )));
    }

    #[test]
    fn brackets_in_strings_and_beside_one_another_do_not_count() {
        assert!(!exceeds(&format!(
            r#"["{}\"{}"]"#,
            "[".repeat(200),
            "{".repeat(200)
        )));
        assert!(!exceeds(&format!("[{}]", vec!["[]"; 500].join(","))));
        assert!(exceeds(&format!(r#"["\\",{}]"#, nested(MAX_DEPTH))));
    }

    /// The same, byte by byte; nothing where more is closed than was opened.
    fn plainly(json: &str) -> Option<bool> {
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        let mut deepest = 0;
        for byte in json.bytes() {
            match (in_string, escaped, byte) {
                (true, true, _) => escaped = false,
                (true, false, b'\\') => escaped = true,
                (_, _, b'"') => in_string = !in_string,
                (false, _, b'[' | b'{') => depth += 1,
                (false, _, b']' | b'}') => depth = depth.checked_sub(1)?,
                _ => {}
            }
            deepest = deepest.max(depth);
        }
        Some(deepest > MAX_DEPTH)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_answer_is_that_of_a_plain_scan(
            pieces in proptest::collection::vec("\\[{9,40}|\\]{0,9}|\"(\\\\.|[^\"\\\\]){0,70}\"", 0..20)
        ) {
            let json = pieces.concat();
            if let Some(plain) = plainly(&json) {
                prop_assert_eq!(exceeds(&json), plain, "{}", json);
            }
        }
    }
}
