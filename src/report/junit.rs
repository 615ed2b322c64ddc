//! `JUnit`'s XML, as GitLab and Jenkins read it: a test case for each finding, which fails, and for each object without any, which
//! passes. GitLab shows one failure of a test case, so that each finding has its own, and of test cases with the same names the first, so
//! that each has another name.
//!
//! Source: the schema `junit-10.xsd` of Jenkins' xunit-plugin, and GitLab's documentation, "Unit test reports".

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::issue::{Issue, Issues};
use super::text::OneLine as _;

/// The test cases that are written, with how often each name was given.
#[derive(Default)]
struct Cases(BTreeMap<String, usize>);

/// Writes the test suite.
pub fn write(issues: &Issues<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Issues {
        findings,
        clean,
        unread,
    } = issues;
    let numbers = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        findings.len() + clean.len() + unread.len(),
        findings.len(),
        unread.len()
    );
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"tiller-guard\" {numbers}>")?;
    writeln!(out, "  <testsuite name=\"tiller-guard\" {numbers}>")?;
    let mut cases = Cases::default();
    for issue in findings {
        write_finding(issue, &mut cases, out)?;
    }
    for (file, object) in clean {
        writeln!(out, "    {}/>", cases.another(file, object))?;
    }
    for unread in unread {
        let case = cases.another(&unread.file, "cannot be read");
        writeln!(out, "    {case}>")?;
        let place = unread
            .line
            .map_or_else(String::new, |line| format!("{}:{line}: ", unread.file));
        let message = escaped(&format!("{place}{}", unread.message));
        writeln!(
            out,
            "      <error type=\"unreadable\" message=\"{message}\"/>"
        )?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")?;
    writeln!(out, "</testsuites>")
}

fn write_finding(issue: &Issue<'_>, cases: &mut Cases, out: &mut dyn Write) -> io::Result<()> {
    let finding = &issue.finding;
    let name = format!("{}: {} {}", finding.rule, issue.object, finding.path);
    writeln!(out, "    {}>", cases.another(&issue.file, name.trim_end()))?;
    let line = finding
        .line
        .map_or_else(String::new, |line| format!(":{line}"));
    writeln!(
        out,
        "      <failure type=\"{}\" message=\"{}\">{}{line}: fix: {} ({})</failure>",
        escaped(finding.severity),
        escaped(&finding.message),
        escaped(&issue.file),
        escaped(&finding.remedy),
        escaped(&finding.documentation),
    )?;
    writeln!(out, "    </testcase>")
}

// === impl Cases ===

impl Cases {
    /// The start of a test case. If there was one of this name in this file, it gets a number.
    fn another(&mut self, file: &str, name: &str) -> String {
        let (file, name) = (escaped(file), escaped(name));
        let start = format!("<testcase classname=\"{file}\" file=\"{file}\" name=\"{name}");
        let count = self.0.entry(start.clone()).or_default();
        *count += 1;
        match *count {
            1 => start + "\"",
            number => format!("{start} ({number})\""),
        }
    }
}

/// A text in an attribute or an element. Characters that XML has none for are written as in a string of Rust's.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.one_line().chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\u{fffe}' | '\u{ffff}' => escaped.extend(character.escape_default()),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_xml() {
        assert_eq!(
            escaped("<a b=\"c\">&'\u{1b}\0\n\u{ffff}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&apos;\\u{1b}\\u{0}\\n\\u{ffff}"
        );
    }
}
