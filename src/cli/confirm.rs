//! A question to a person.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};

/// Asks, and says what a no means. Without a terminal nobody can answer.
pub(super) fn confirmed(question: &str, nothing: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("cannot ask without a terminal: pass --yes");
    }
    // Nothing is locked while a person thinks: Ctrl-C is answered on another thread.
    let mut out = io::stderr();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    let mut input = io::stdin().lock();
    input.read_line(&mut answer).context("no answer")?;
    let yes = matches!(answer.trim(), "y" | "Y" | "yes");
    if !yes {
        writeln!(out, "{nothing}")?;
    }
    Ok(yes)
}
