//! Colours of a terminal.

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Plain.
    Plain,
    /// With ANSI escape sequences.
    Coloured,
}

/// What the environment says about colours.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes<'a> {
    /// `NO_COLOR`
    pub no_color: Option<&'a str>,
    /// `CLICOLOR`
    pub clicolor: Option<&'a str>,
    /// `CLICOLOR_FORCE`
    pub clicolor_force: Option<&'a str>,
    /// `TERM`
    pub term: Option<&'a str>,
}

impl Style {
    /// Decides as <https://no-color.org> and <https://bixense.com/clicolors> ask. A `dumb` terminal has no colours.
    pub fn decide(terminal: bool, wishes: &Wishes<'_>) -> Self {
        let Wishes {
            no_color,
            clicolor,
            clicolor_force,
            term,
        } = wishes;
        let never = no_color.is_some_and(|value| !value.is_empty());
        let force = clicolor_force.is_some_and(|value| !value.is_empty() && value != "0");
        let suits = *clicolor != Some("0") && *term != Some("dumb");
        if !never && (force || (terminal && suits)) {
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
    use super::{Style, Wishes};

    #[test]
    fn colour_is_for_terminals_and_those_who_insist() {
        let none = Wishes::default();
        let no_color = |value| Wishes {
            no_color: Some(value),
            ..none
        };
        let force = |value| Wishes {
            clicolor_force: Some(value),
            ..none
        };
        let clicolor = |value| Wishes {
            clicolor: Some(value),
            ..none
        };
        let dumb = Wishes {
            term: Some("dumb"),
            ..none
        };
        let table = [
            (false, none, Style::Plain),
            (true, none, Style::Coloured),
            (true, no_color("1"), Style::Plain),
            (true, no_color(""), Style::Coloured),
            (false, force("1"), Style::Coloured),
            (false, force("0"), Style::Plain),
            (true, clicolor("0"), Style::Plain),
            (true, clicolor("1"), Style::Coloured),
            (false, clicolor("1"), Style::Plain),
            (true, dumb, Style::Plain),
            (
                false,
                Wishes {
                    no_color: Some("1"),
                    clicolor_force: Some("1"),
                    ..none
                },
                Style::Plain,
            ),
        ];
        for (terminal, wishes, style) in table {
            assert_eq!(Style::decide(terminal, &wishes), style, "{wishes:?}");
        }
    }
}
