//! How a command ended.

use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::cluster::is_unread;
use crate::cluster::told::chain;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Clean = 0,
    Findings = 1,
    Failed = 2,
    Unreadable = 3,
    Unreachable = 4,
    TimedOut = 124,
    /// By SIGINT, with the code that a shell gives a process that the signal ended.
    Interrupted = 130,
    /// By SIGTERM.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The exit code of what was found, also if the reader of the output has seen enough: `tiller-guard check … | head` is
/// no yes.
pub(super) fn kept(written: anyhow::Result<()>, exit: Exit) -> anyhow::Result<Exit> {
    match written {
        Err(error) if !is_broken_pipe(&error) => Err(error),
        Ok(()) | Err(_) => Ok(exit),
    }
}

/// Whether the reader of the output has seen enough.
pub(super) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// The exit code of a cluster that may not be read, or that no longer answers, for such an error. Others stay: an object that may not
/// be written is one.
pub(super) fn of_cluster(done: anyhow::Result<Exit>) -> anyhow::Result<Exit> {
    match done {
        Err(error) if error.chain().any(is_unread) => {
            writeln!(io::stderr(), "error: {}", chain(error.as_ref()))?;
            Ok(Exit::Unreachable)
        }
        done => done,
    }
}
