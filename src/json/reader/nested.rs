//! Objects and arrays that no rule reads, passed over as they mostly are: without white space. For the most of them,
//! `metadata.managedFields`, this saves a Deployment's answer a sixteenth of its time.

use super::{MAX_DEPTH, Reader};
use crate::json::scan::{escape, next_special, specials};

impl Reader<'_> {
    /// Passes over the object or array that comes next; whether it has. It stays before one that is no JSON, has white space
    /// outside strings, nests to the limit or stands at the text's end, and leaves it to [`Reader::skip_plainly`], which
    /// finds the error if there is one.
    pub(super) fn pass_nested(&mut self) -> bool {
        let end = self.nested_end();
        self.at = end.unwrap_or(self.at);
        end.is_some()
    }

    fn nested_end(&self) -> Option<usize> {
        let bytes = self.json.as_bytes();
        let limit = MAX_DEPTH.checked_sub(self.depth + 2)?;
        let (open, mut rest) = bytes.get(self.at..)?.split_first()?;
        // Whether what is open is an object, a bit for each: the lowest is that of the innermost.
        let mut kinds = u128::from(*open == b'{');
        let mut depth = 0;
        loop {
            if kinds & 1 == 1 {
                rest = after_name(rest)?;
            }
            match rest {
                [b'{', b'}', after @ ..] | [b'[', b']', after @ ..] => rest = after,
                [open @ (b'{' | b'['), after @ ..] => {
                    depth += 1;
                    if depth >= limit {
                        return None;
                    }
                    kinds = kinds << 1 | u128::from(*open == b'{');
                    rest = after;
                    continue;
                }
                [b'"', text @ ..] => rest = text.get(text_end(text)? + 1..)?,
                _ => {
                    let mut reader = Reader::new(self.json);
                    reader.at = bytes.len() - rest.len();
                    reader.skip_plainly().ok()?;
                    rest = bytes.get(reader.at..)?;
                }
            }
            loop {
                match (rest, kinds & 1) {
                    ([b',', after @ ..], _) => {
                        rest = after;
                        break;
                    }
                    ([b'}', after @ ..], 1) | ([b']', after @ ..], 0) => {
                        rest = after;
                        kinds >>= 1;
                        if depth == 0 {
                            return Some(bytes.len() - rest.len());
                        }
                        depth -= 1;
                    }
                    _ => return None,
                }
            }
        }
    }
}

/// What comes after the name that begins here, and its colon.
#[inline]
fn after_name(bytes: &[u8]) -> Option<&[u8]> {
    let [b'"', name @ ..] = bytes else {
        return None;
    };
    match name.get(text_end(name)?..)? {
        [b'"', b':', after @ ..] => Some(after),
        _ => None,
    }
}

/// Where a text ends that begins here.
#[inline]
fn text_end(text: &[u8]) -> Option<usize> {
    let specials = specials(text.first_chunk()?);
    // At most 16.
    let length = specials.trailing_zeros().min(16) as usize;
    if text.get(length) == Some(&b'"') {
        return Some(length);
    }
    long_end(text, length)
}

/// The same, of a text that has no special byte before `start`.
#[inline(never)]
fn long_end(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let rest = text.get(at..)?;
        let length = next_special(rest)?;
        at += length;
        let special = rest.get(length..)?;
        match special.first()? {
            b'"' => return Some(at),
            b'\\' => at += escape(special)?,
            _ => return None,
        }
    }
}
