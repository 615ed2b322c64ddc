//! A shell's patterns, of which `*` and `?` are read.

/// The length of a value, and of a pattern, that are not looked at any more.
const MAX_VALUE: usize = 256;
const MAX_PATTERN: usize = 64;

/// Whether a pattern matches the whole of a text. It goes back to the last `*` only, because that can match whatever an earlier
/// one could.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(next) = text.get(read) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(own) if *own == b'?' || own == next => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((begin, taken)) = star else {
                    return false;
                };
                star = Some((begin, taken + 1));
                (at, read) = (begin + 1, taken + 1);
            }
        }
    }
    pattern.iter().skip(at).all(|it| *it == b'*')
}

/// The value of a variable as an expansion changes it: `${NAME%PATTERN}`, `${NAME/PATTERN/TEXT}`, `${NAME:OFFSET:LENGTH}`.
/// `None` where it stays as it is, as far as it is read.
pub(super) fn changed(value: &str, operator: &str, operand: &str) -> Option<String> {
    if value.len() > MAX_VALUE || operand.len() > MAX_PATTERN {
        return None;
    }
    let mut ends: Vec<usize> = value.char_indices().map(|(at, _)| at).collect();
    ends.push(value.len());
    if matches!(operator, "##" | "%") {
        ends.reverse();
    }
    let mut cuts = ends.into_iter().filter_map(|at| value.split_at_checked(at));
    match operator {
        "#" | "##" => {
            let (_, rest) = cuts.find(|(before, _)| matches(operand, before))?;
            Some(rest.to_owned())
        }
        "%" | "%%" => {
            let (rest, _) = cuts.find(|(_, after)| matches(operand, after))?;
            Some(rest.to_owned())
        }
        "/" | "//" => {
            let (pattern, text) = operand.split_once('/').unwrap_or((operand, ""));
            let count = if operator == "/" { 1 } else { usize::MAX };
            (!pattern.is_empty()).then(|| value.replacen(pattern, text, count))
        }
        ":" => {
            let (offset, length) = operand.split_once(':').unwrap_or((operand, ""));
            let offset: usize = offset.trim().parse().ok()?;
            let length = length.trim().parse().unwrap_or(usize::MAX);
            let end = offset.saturating_add(length).min(value.len());
            value.get(offset..end).map(str::to_owned)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{changed, matches};

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, text, expected) in [
            ("till*", "tiller", true),
            ("t?ll*r", "tiller", true),
            ("*.*", "a.b.c", true),
            ("*a*b", "aab", true),
            ("a?", "a", false),
            ("a*b", "abc", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    /// As bash 5 expands them.
    #[test]
    fn expansions_change_a_value_as_in_a_shell() {
        for (operator, operand, expected) in [
            ("#", "*/", Some("a/tiller.tar.gz")),
            ("##", "*/", Some("tiller.tar.gz")),
            ("%", ".*", Some("/a/tiller.tar")),
            ("%%", ".*", Some("/a/tiller")),
            ("%", ".zip", None),
            ("/", ".tar.gz", Some("/a/tiller")),
            ("//", "a/b", Some("/b/tiller.tbr.gz")),
            (":", "3:6", Some("tiller")),
            (":", "3", Some("tiller.tar.gz")),
            (":", "3:60", Some("tiller.tar.gz")),
            (":", "99", None),
            (":", "?no", None),
            ("@", "Q", None),
        ] {
            let changed = changed("/a/tiller.tar.gz", operator, operand);
            assert_eq!(changed.as_deref(), expected, "{operator}{operand}");
        }
        assert_eq!(changed(&"a".repeat(1000), "%", "a"), None);
    }
}
