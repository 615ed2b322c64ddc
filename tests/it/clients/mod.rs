//! The clients that people have, as they were released: kubectl 1.20, 1.31 and 1.37, Helm 3.17 and 4.3.
#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "pieces of a grammar are short, and read as they are written"
)]

mod apply;
mod dice;
mod differential;
mod flow;
mod grammar;
mod kubectl;
mod oddities;
mod scalars;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The folder with the programs.
static PROGRAMS: LazyLock<PathBuf> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/programs.sh");
    let output = Command::new(script)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "tests/clients/programs.sh failed");
    String::from_utf8(output.stdout).unwrap().trim().into()
});

/// The version of the kubectl that fits an API server.
pub(crate) fn kubectl((_, minor): (u16, u16)) -> &'static str {
    if minor < 31 { "1.20" } else { "1.37" }
}

/// A program, such as `kubectl-1.37`.
pub(crate) fn program(name: &str) -> PathBuf {
    PROGRAMS.join(name)
}
