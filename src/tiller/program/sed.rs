//! A script of `sed`, read for the commands that GNU's starts: by its command `e`, and by the flag `e` of `s`.

/// The commands that a script starts. An empty one is what it reads.
pub(super) fn commands(script: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = script;
    loop {
        // Addresses and braces stand before a command.
        rest = rest.trim_start_matches(|it: char| {
            it.is_ascii_whitespace() || it.is_ascii_digit() || ";{}!,+~$".contains(it)
        });
        let mut characters = rest.chars();
        let Some(first) = characters.next() else {
            return found;
        };
        let after = characters.as_str();
        rest = match first {
            '/' => delimited(after, '/').1,
            '\\' => own_delimiter(after).1,
            's' => {
                let (delimiter, after) = own_delimiter(after);
                let (text, after) = delimited(after, delimiter);
                let (flags, after) = up_to(after, &[';', '\n', '}']);
                let flags = flags.split(['w', ' ']).next().unwrap_or_default();
                found.extend(flags.contains('e').then_some(text));
                after
            }
            'y' => {
                let (delimiter, after) = own_delimiter(after);
                delimited(after, delimiter).1
            }
            'e' => {
                let (command, after) = up_to(after, &['\n']);
                found.push(command.trim());
                after
            }
            '#' | ':' | 'a' | 'c' | 'i' | 'r' | 'R' | 'w' | 'W' => up_to(after, &['\n']).1,
            'b' | 't' | 'T' => up_to(after, &[';', '\n', '}']).1,
            _ => after,
        };
    }
}

/// What stands before a delimiter without `\` before it, and after it.
fn delimited(text: &str, delimiter: char) -> (&str, &str) {
    let mut escaped = false;
    for (at, next) in text.char_indices() {
        if next == delimiter && !escaped {
            let after = text.get(at + next.len_utf8()..).unwrap_or_default();
            return (text.get(..at).unwrap_or_default(), after);
        }
        escaped = next == '\\' && !escaped;
    }
    (text, "")
}

/// The delimiter that comes first, and what stands after the next one of it.
fn own_delimiter(text: &str) -> (char, &str) {
    let mut characters = text.chars();
    let delimiter = characters.next().unwrap_or('/');
    (delimiter, delimited(characters.as_str(), delimiter).1)
}

/// What stands before the first of these characters, and from it on.
fn up_to<'t>(text: &'t str, ends: &[char]) -> (&'t str, &'t str) {
    let end = text.find(ends).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::commands;

    #[test]
    fn only_commands_are_found() {
        for (script, expected) in [
            ("1e /tiller", vec!["/tiller"]),
            ("1etiller", vec!["tiller"]),
            ("$!{ e tiller\np\n}", vec!["tiller"]),
            ("/x\\/y/,+2e tiller", vec!["tiller"]),
            ("\\,x,e tiller", vec!["tiller"]),
            ("s/.*/tiller/e", vec!["tiller"]),
            ("s|a|/tiller|ge;p", vec!["/tiller"]),
            ("y/abc/xyz/;e tiller", vec!["tiller"]),
            ("e", vec![""]),
            ("1e", vec![""]),
            ("s/e /tiller/", vec![]),
            ("s/x/tiller/w e", vec![]),
            ("/^e tiller/d", vec![]),
            ("a e tiller", vec![]),
            ("be; s/tiller/x/g", vec![]),
            ("# e tiller", vec![]),
        ] {
            assert_eq!(commands(script), expected, "{script}");
        }
    }
}
