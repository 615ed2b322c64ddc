//! The command line: what was typed, resolved to options, and one call.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | clean; `harden`: what was printed would be admitted; `serve`: drained; `policy check`: good |
//! | 1 | findings; `harden`: a refusal remains; `policy check`: not good; `doctor`, `install`: it does not hold |
//! | 2 | usage, an option that this Kubernetes lacks, the policy file is not good, the output cannot be written, or the server cannot be started |
//! | 3 | something could not be read; the rest was done |
//! | 4 | the cluster cannot be reached, may not be looked at, or does not do what is asked |
//! | 124 | it did not become so in time |
//! | 130 | interrupted by Ctrl-C |
//! | 143 | ended by SIGTERM |

mod again;
mod audit;
mod certificate;
mod check;
mod completion;
mod confirm;
mod doctor;
mod duration;
mod exit;
mod explain;
mod files;
mod harden;
mod in_place;
mod install;
mod interrupt;
mod live;
mod logs;
mod output;
mod planned;
mod policy_file;
mod policy_options;
mod provision;
mod reach;
mod releases;
mod serve;
mod style;
mod uninstall;
mod version;
mod waiting;

use std::env;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::cluster::told::chain;
use exit::{Exit, is_broken_pipe};

/// Harden or refuse Tiller, Helm 2's server in the cluster
#[derive(Debug, Parser)]
#[command(name = "tiller-guard", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check manifests: report what is wrong with their Tillers, and what each really does
    Check(check::Arguments),
    Audit(Box<audit::Arguments>),
    /// Print manifests with their Tillers hardened
    Harden(harden::Arguments),
    Explain(explain::Arguments),
    Serve(Box<serve::Arguments>),
    Install(Box<install::Arguments>),
    Uninstall(uninstall::Arguments),
    Doctor(doctor::Arguments),
    /// Check policy files, and print their schema
    #[command(subcommand)]
    Policy(policy_file::Command),
    Provision(Box<provision::Arguments>),
    Configure(provision::configure::Arguments),
    Deprovision(Box<provision::deprovision::Arguments>),
    /// List, show, move and migrate what Tiller has recorded
    #[command(subcommand)]
    Releases(Box<releases::Command>),
    Version(version::Arguments),
    Completion(completion::Arguments),
}

/// What may be typed, for the manual, man pages and completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let Arguments { command } = match parsed() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let done = match command {
        Command::Check(arguments) => check::run(arguments).map(ExitCode::from),
        Command::Audit(arguments) => audit::run(*arguments).map(ExitCode::from),
        Command::Harden(arguments) => harden::run(arguments).map(ExitCode::from),
        Command::Explain(arguments) => explain::run(arguments).map(ExitCode::from),
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Install(arguments) => install::run(*arguments).map(ExitCode::from),
        Command::Uninstall(arguments) => uninstall::run(arguments).map(ExitCode::from),
        Command::Doctor(arguments) => doctor::run(arguments).map(ExitCode::from),
        Command::Policy(command) => policy_file::run(command).map(ExitCode::from),
        Command::Provision(arguments) => provision::run(*arguments).map(ExitCode::from),
        Command::Configure(arguments) => provision::configure::run(arguments).map(ExitCode::from),
        Command::Deprovision(arguments) => {
            provision::deprovision::run(*arguments).map(ExitCode::from)
        }
        Command::Releases(command) => releases::run(*command).map(ExitCode::from),
        Command::Version(arguments) => version::run(arguments).map(ExitCode::from),
        Command::Completion(arguments) => completion::run(&arguments).map(ExitCode::from),
    };
    match done {
        Ok(code) => code,
        // A reader that has seen enough closes the pipe. What judges keeps its exit code: see `kept`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "error: {}", chain(error.as_ref())).ok();
            Exit::Failed.into()
        }
    }
}

/// What was typed. As a plugin of kubectl, which runs a program called `kubectl-tiller_guard`, help and errors name the program as it was
/// called there.
fn parsed() -> Result<Arguments, clap::Error> {
    let program = env::args_os().next().map(PathBuf::from).unwrap_or_default();
    let name = program.file_stem().and_then(OsStr::to_str);
    let mut command = command();
    if name.is_some_and(|name| name.starts_with("kubectl-")) {
        command = command.bin_name("kubectl tiller-guard");
    }
    Arguments::from_arg_matches(&command.try_get_matches()?)
}

/// Prints help or a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    error.print().ok();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}
