//! The command line: typed arguments, resolved options, one call.

mod logs;
mod serve;

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
}

/// What the process exits with where an argument is wrong.
const USAGE: u8 = 2;

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    let done = match CommandLine::try_parse() {
        Ok(CommandLine { command }) => match command {
            Command::Serve(arguments) => serve::run(arguments),
        },
        Err(error) => return usage(&error),
    };
    done.unwrap_or_else(|error| {
        complain(&error);
        ExitCode::FAILURE
    })
}

/// Says what clap has to say: help and version are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    // With its output gone, the exit code is all that can still be told.
    let _said = error.print();
    if error.use_stderr() {
        ExitCode::from(USAGE)
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
