//! Annotations of GitHub Actions: workflow commands, a line each.
//!
//! Source: "Workflow commands for GitHub Actions", and `toCommandValue` of `actions/toolkit`. GitHub shows 10 errors, 10 warnings and
//! 10 notices of a step.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::issue::Issues;
use super::text::is_invisible;

/// Writes the annotations.
pub fn write(issues: &Issues<'_>, out: &mut dyn Write) -> io::Result<()> {
    for issue in &issues.findings {
        let finding = &issue.finding;
        let level = match finding.severity {
            "critical" | "high" => "error",
            "medium" => "warning",
            _ => "notice",
        };
        let place = place(&issue.file, finding.line, finding.column);
        let title = format!("{} ({})", finding.rule, finding.severity);
        writeln!(
            out,
            "::{level} {place},title={}::{}",
            property(&title),
            value(&issue.text())
        )?;
    }
    for unread in &issues.unread {
        let place = place(&unread.file, unread.line, unread.column);
        writeln!(
            out,
            "::error {place},title=cannot be read::{}",
            value(&unread.message)
        )?;
    }
    Ok(())
}

fn place(file: &str, line: Option<usize>, column: Option<usize>) -> String {
    let mut place = format!("file={}", property(file));
    for (name, number) in [("line", line), ("col", column)] {
        if let Some(number) = number {
            let _infallible = write!(place, ",{name}={number}");
        }
    }
    place
}

fn value(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '%' => value.push_str("%25"),
            '\r' => value.push_str("%0D"),
            '\n' => value.push_str("%0A"),
            other if is_invisible(other) => value.extend(other.escape_default()),
            other => value.push(other),
        }
    }
    value
}

fn property(text: &str) -> String {
    value(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_a_command() {
        assert_eq!(value("a\n::error::b\r%"), "a%0A::error::b%0D%25");
        assert_eq!(value("a\u{1b}[2J\u{202e}"), "a\\u{1b}[2J\\u{202e}");
        assert_eq!(property("a:b,c\n"), "a%3Ab%2Cc%0A");
        assert_eq!(place("a b.yaml", Some(3), None), "file=a b.yaml,line=3");
    }
}
