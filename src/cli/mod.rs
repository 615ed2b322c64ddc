//! The command line: typed arguments, resolved options, one call.
//!
//! | exit code of `check` and `harden` | meaning |
//! |---|---|
//! | 0 | clean; `harden`: what was printed would be admitted |
//! | 1 | findings; `harden`: a refusal remains |
//! | 2 | usage, or the output cannot be written |
//! | 3 | something could not be read; the rest was done |

mod check;
mod examine;
mod harden;
mod input;
mod logs;
mod policy;
mod rewrite;
mod serve;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Lets no Tiller (Helm 2's in-cluster server) run unless it is hardened.
#[derive(Debug, Parser)]
#[command(name = "tiller-guard", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Check(check::Arguments),
    Harden(harden::Arguments),
}

/// How `check` and `harden` end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Clean = 0,
    Findings = 1,
    Failed = 2,
    Unreadable = 3,
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    match CommandLine::try_parse() {
        Ok(CommandLine { command }) => match command {
            Command::Serve(arguments) => serve::run(arguments).unwrap_or_else(|error| {
                complain(&error);
                ExitCode::FAILURE
            }),
            Command::Check(arguments) => offline(check::run(arguments)),
            Command::Harden(arguments) => offline(harden::run(arguments)),
        },
        Err(error) => usage(&error),
    }
}

/// The exit code of `check` and `harden`.
fn offline(done: anyhow::Result<Exit>) -> ExitCode {
    let exit = match done {
        Ok(exit) => exit,
        // A reader that has seen enough closes the pipe: `tiller-guard check … | head`.
        Err(error) if is_broken_pipe(&error) => Exit::Clean,
        Err(error) => {
            complain(&error);
            Exit::Failed
        }
    };
    ExitCode::from(exit as u8)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// Says what clap has to say: help and version are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    // With its output gone, the exit code is all that can still be told.
    let _said = error.print();
    if error.use_stderr() {
        ExitCode::from(Exit::Failed as u8)
    } else {
        ExitCode::SUCCESS
    }
}

/// An error with all its causes, in one line.
#[expect(
    clippy::print_stderr,
    reason = "errors of the command line are told on stderr"
)]
fn complain(error: &anyhow::Error) {
    eprintln!("tiller-guard: {error:#}");
}
