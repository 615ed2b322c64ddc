//! How what is written looks.

use std::env;

use clap::{Args, ValueEnum};

use crate::report::{Style, Wishes};

/// The option that says when to use colours.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct ColourArguments {
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: When,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    /// On a terminal, unless the environment says otherwise
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

// === impl ColourArguments ===

impl ColourArguments {
    /// The style of what is written to a terminal, or to no terminal.
    pub(super) fn style(self, terminal: bool) -> Style {
        let variable = |name| env::var(name).ok();
        match self.color {
            When::Always => Style::Coloured,
            When::Never => Style::Plain,
            When::Auto => Style::decide(
                terminal,
                &Wishes {
                    no_color: variable("NO_COLOR").as_deref(),
                    clicolor: variable("CLICOLOR").as_deref(),
                    clicolor_force: variable("CLICOLOR_FORCE").as_deref(),
                    term: variable("TERM").as_deref(),
                },
            ),
        }
    }
}
