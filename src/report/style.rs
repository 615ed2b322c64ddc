//! Colours of a terminal.

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Plain.
    Plain,
    /// With ANSI escape sequences.
    Coloured,
}

impl Style {
    /// Decides as <https://no-color.org> and <https://bixense.com/clicolors> ask: `no_color` and
    /// `force` are `NO_COLOR` and `CLICOLOR_FORCE`.
    pub fn decide(terminal: bool, no_color: Option<&str>, force: Option<&str>) -> Self {
        let no_color = no_color.is_some_and(|value| !value.is_empty());
        let force = force.is_some_and(|value| !value.is_empty() && value != "0");
        if !no_color && (terminal || force) {
            Self::Coloured
        } else {
            Self::Plain
        }
    }

    /// The text in bold.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// The text in grey.
    pub(super) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// A severity in its colour.
    pub(super) fn severity(self, severity: &str) -> String {
        let code = match severity {
            "critical" => "1;31",
            "high" => "31",
            "medium" => "33",
            _ => "36",
        };
        self.paint(code, severity)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Style;

    #[test]
    fn colour_is_for_terminals_and_those_who_insist() {
        let table = [
            (false, None, None, Style::Plain),
            (true, None, None, Style::Coloured),
            (true, Some("1"), None, Style::Plain),
            (true, Some(""), None, Style::Coloured),
            (false, None, Some("1"), Style::Coloured),
            (false, None, Some("0"), Style::Plain),
            (false, Some("1"), Some("1"), Style::Plain),
        ];
        for (terminal, no_color, force, style) in table {
            assert_eq!(Style::decide(terminal, no_color, force), style);
        }
    }
}
