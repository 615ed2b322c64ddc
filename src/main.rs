//! The command line of tiller-guard.

use std::process::ExitCode;

/// In the image: musl's own makes a review of a Tiller cost twice as much.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tiller_guard::cli::run()
}
