//! `tiller-guard policy`: whether a policy file is good, and what one may hold.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;

use super::Exit;
use super::policy_options::now;
use crate::cluster::told::chain;
use crate::config::{self, Cause, Rejected, SCHEMA};
use crate::policy::Policy;
use crate::server::read_file;

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Report what is wrong with a policy file, and where
    Check {
        /// Policy file
        file: PathBuf,
    },
    /// Print the JSON Schema of policy files, for editors
    Schema,
}

/// Checks a file, or prints the schema.
pub(super) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Check { file } => check(&file),
        Command::Schema => {
            io::stdout().write_all(SCHEMA.as_bytes())?;
            Ok(Exit::Clean)
        }
    }
}

fn check(path: &Path) -> anyhow::Result<Exit> {
    let contents = match read_file(path) {
        Ok(contents) => contents,
        Err(error) => {
            let error = anyhow::Error::new(error);
            writeln!(io::stderr(), "error: {}", chain(error.as_ref()))?;
            return Ok(Exit::Unreadable);
        }
    };
    let file = path.display().to_string();
    match config::read(&contents, now()) {
        Ok(policy) => {
            writeln!(io::stdout(), "{file}: good: {}", summary(&policy))?;
            Ok(Exit::Clean)
        }
        Err(rejected) => {
            writeln!(io::stdout(), "{}", rejected.lines(&file))?;
            Ok(exit(&rejected))
        }
    }
}

fn summary(policy: &Policy) -> String {
    let Policy {
        settings, modes, ..
    } = policy;
    format!(
        "mode {}; {} with another mode; {}",
        modes.default.as_str(),
        count(modes.namespaces.len(), "namespace"),
        count(settings.exceptions.len(), "exception")
    )
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn exit(rejected: &Rejected) -> Exit {
    let unreadable = |cause| cause == Cause::Unreadable;
    if rejected.problems.iter().any(|it| unreadable(it.cause)) {
        Exit::Unreadable
    } else {
        Exit::Findings
    }
}
