//! What a person sees while teams are made: on a terminal one line that changes, and lines that stay everywhere.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};

/// Where progress is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    is_terminal: bool,
}

/// Back to the beginning of the line, and nothing on it.
const CLEAR: &str = "\r\x1b[2K";
/// What is wider than the terminal is cut off there, since one line can be taken back and two cannot; then as before.
const CUT: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

// === impl Progress ===

impl Progress {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: io::stderr().is_terminal(),
        }
    }

    /// What is done now; elsewhere than on a terminal it is not told.
    pub(super) fn passing(self, text: impl Display) {
        if self.is_terminal {
            write!(io::stderr(), "{CLEAR}{CUT}{text}{WRAP}").ok();
        }
    }

    /// What was done. If nobody reads on, as behind `head`, the work goes on without.
    pub(super) fn line(self, text: impl Display) -> io::Result<()> {
        self.clear();
        match writeln!(io::stdout(), "{text}") {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        }
    }

    /// What is no part of the output.
    pub(super) fn note(self, text: impl Display) -> io::Result<()> {
        self.clear();
        writeln!(io::stderr(), "{text}")
    }

    /// What went wrong.
    pub(super) fn error(self, text: impl Display) -> io::Result<()> {
        self.clear();
        writeln!(io::stderr(), "error: {text}")
    }

    fn clear(self) {
        if self.is_terminal {
            write!(io::stderr(), "{CLEAR}").ok();
        }
    }
}
