//! The bound on nesting. The JSON reader skips what no rule reads without counting how deep it goes.

/// How deep a review may nest: `serde_json`'s own limit for what it builds. A Pod nests about 12 deep.
pub(super) const MAX_DEPTH: usize = 128;

/// Whether arrays and objects nest deeper than [`MAX_DEPTH`]. Text that is no JSON gives either answer.
pub(super) fn exceeds(json: &str) -> bool {
    let bytes = json.as_bytes();
    // Most bodies do not even open that many.
    let opened = bytes
        .iter()
        .filter(|byte| matches!(byte, b'{' | b'['))
        .count();
    opened > MAX_DEPTH && deepest(bytes) > MAX_DEPTH
}

fn deepest(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => skip_string(&mut rest),
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn skip_string(rest: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = rest.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                rest.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn the_bound_is_exact() {
        assert!(!exceeds(&nested(MAX_DEPTH)));
        assert!(exceeds(&nested(MAX_DEPTH + 1)));
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
}
