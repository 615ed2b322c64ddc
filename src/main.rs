//! The command line of tiller-guard.

use std::process::ExitCode;

fn main() -> ExitCode {
    tiller_guard::cli::run()
}
