//! How a review nests: not too deep, and where the objects in it begin and end. The JSON reader skips what
//! no rule reads without counting how deep it goes, and takes most of a review's time for it.
//!
//! A body is looked at 64 bytes at a time, as bits: which bytes are quotes, backslashes and brackets. That
//! is how simdjson finds the structure of JSON (Langdale and Lemire, "Parsing Gigabytes of JSON per
//! Second", 3.1), and ten times as fast as byte by byte.

use std::borrow::Cow;
use std::ops::Range;

use wide::u8x16;

use crate::json::MAX_DEPTH;

/// How deep the members of a request stand: in the review, and in the request.
const REQUEST: usize = 2;

/// Arrays and objects nest deeper than [`MAX_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooDeep;

/// Where the objects of a request stand in a review.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Nesting<'a> {
    json: &'a str,
    objects: Vec<Range<usize>>,
}

// === impl Nesting ===

impl<'a> Nesting<'a> {
    /// Looks at a whole review. Text that is no JSON gives any answer.
    pub(super) fn of(json: &'a str) -> Result<Self, TooDeep> {
        let (blocks, rest) = json.as_bytes().as_chunks::<64>();
        let mut last = [b' '; 64];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let mut scan = Scan::new(json);
        for (block, start) in blocks.iter().chain([&last]).zip((0..).step_by(64)) {
            scan.read(block, start)?;
        }
        let Scan { objects, .. } = scan;
        Ok(Self { json, objects })
    }

    /// The review with `{}` for `object` and `oldObject`. Nothing checks that what is left out is JSON: it is
    /// for a review that is allowed whatever these hold.
    pub(super) fn without_objects(&self) -> Cow<'a, str> {
        let Self { json, objects } = self;
        let mut left = String::new();
        let mut end = 0;
        for object in objects {
            left.push_str(json.get(end..object.start).unwrap_or_default());
            left.push_str("{}");
            end = object.end;
        }
        match json.get(end..) {
            Some(rest) if end > 0 => (left + rest).into(),
            _ => (*json).into(),
        }
    }
}

/// A review as far as it was read, and what one block leaves to the next.
struct Scan<'a> {
    json: &'a str,
    depth: usize,
    /// All ones where the last block ended in a string.
    in_string: u64,
    /// One where the last block ended in a backslash that escapes.
    escape: u64,
    /// Where the last member of the request begins that is an array or object.
    member: usize,
    objects: Vec<Range<usize>>,
}

impl<'a> Scan<'a> {
    fn new(json: &'a str) -> Self {
        Self {
            json,
            depth: 0,
            in_string: 0,
            escape: 0,
            member: 0,
            objects: Vec::new(),
        }
    }

    fn read(&mut self, block: &[u8; 64], start: usize) -> Result<(), TooDeep> {
        let quotes = bits(block, |bytes| bytes.simd_eq(u8x16::splat(b'"')));
        let backslashes = bits(block, |bytes| bytes.simd_eq(u8x16::splat(b'\\')));
        // `[` and `{`, like `]` and `}`, differ in one bit.
        let lower = |bytes: u8x16| bytes | u8x16::splat(0x20);
        let opens = bits(block, |bytes| lower(bytes).simd_eq(u8x16::splat(b'{')));
        let closes = bits(block, |bytes| lower(bytes).simd_eq(u8x16::splat(b'}')));

        let escaped = self.escaped(backslashes);
        let strings = self.strings(quotes & !escaped);
        let (opens, closes) = (opens & !strings, closes & !strings);
        let (deepest, shallowest) = (
            self.depth + ones(opens),
            self.depth.saturating_sub(ones(closes)),
        );
        if shallowest > REQUEST && deepest <= MAX_DEPTH {
            self.depth = deepest - ones(closes);
            return Ok(());
        }
        self.brackets(opens, opens | closes, start)
    }

    /// Goes from bracket to bracket, where a block may nest too deep or hold an object's end.
    fn brackets(&mut self, opens: u64, mut brackets: u64, start: usize) -> Result<(), TooDeep> {
        while brackets != 0 {
            let bit = brackets.trailing_zeros();
            brackets &= brackets - 1;
            // At most 63.
            let index = start + bit as usize;
            if opens >> bit & 1 == 1 {
                if self.depth == REQUEST {
                    self.member = index;
                }
                self.depth += 1;
                if self.depth > MAX_DEPTH {
                    return Err(TooDeep);
                }
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == REQUEST {
                    self.end_member(index + 1);
                }
            }
        }
        Ok(())
    }

    fn end_member(&mut self, end: usize) {
        let before = self.json.get(..self.member).unwrap_or_default();
        if before.ends_with(r#""object":"#) || before.ends_with(r#""oldObject":"#) {
            self.objects.push(self.member..end);
        }
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
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
    use serde_json::{Value, json};

    use super::*;

    fn exceeds(json: &str) -> bool {
        Nesting::of(json).is_err()
    }

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
            pieces in vec("\\[{9,40}|\\]{0,9}|\"(\\\\.|[^\"\\\\]){0,70}\"", 0..20)
        ) {
            let json = pieces.concat();
            if let Some(plain) = plainly(&json) {
                prop_assert_eq!(exceeds(&json), plain, "{}", json);
            }
        }

        #[test]
        fn the_objects_of_a_request_are_left_out(object in value(), old in value(), other in value()) {
            let review = |object: &Value, old: &Value| json!({
                "request": { "uid": "1", "options": other, "object": object, "oldObject": old, "last": other },
                "other": { "object": other },
            });
            let emptied = |value: &Value| match value {
                Value::Array(_) | Value::Object(_) => json!({}),
                scalar => scalar.clone(),
            };
            let json = review(&object, &old).to_string();
            let left: Value = serde_json::from_str(&Nesting::of(&json).unwrap().without_objects()).unwrap();
            prop_assert_eq!(&left["request"], &review(&emptied(&object), &emptied(&old))["request"]);
        }
    }

    /// Any JSON, with the words and marks that the scan looks for in keys and texts.
    fn value() -> impl Strategy<Value = Value> {
        let text = "(object|oldObject|\"|\\\\|[{}:,\\[\\]]|[a-z]{1,70}){0,4}";
        let scalar = prop_oneof![Just(Value::Null), text.prop_map(Value::from)];
        scalar.prop_recursive(6, 60, 6, move |inner| {
            prop_oneof![
                vec(inner.clone(), 0..6).prop_map(Value::from),
                btree_map(text, inner, 0..6).prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    #[test]
    fn an_object_that_breaks_off_is_kept_to_be_refused() {
        let json = r#"{"request":{"uid":"1","object":{"metadata":{"name":"a"#;
        assert_eq!(Nesting::of(json).unwrap().without_objects(), json);
    }
}
