//! How what is written looks.

use std::env;

use crate::report::{Style, Wishes};

/// The style of what is written to a terminal, or to no terminal.
pub(super) fn style(terminal: bool) -> Style {
    let variable = |name| env::var(name).ok();
    Style::decide(
        terminal,
        &Wishes {
            no_color: variable("NO_COLOR").as_deref(),
            clicolor: variable("CLICOLOR").as_deref(),
            clicolor_force: variable("CLICOLOR_FORCE").as_deref(),
            term: variable("TERM").as_deref(),
        },
    )
}
