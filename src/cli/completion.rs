//! `tiller-guard completion`: what a shell offers behind the tabulator key.

use std::io::{self, BufWriter, Write as _};

use clap::{Args, ValueEnum};
use clap_complete::{Shell as Script, generate};

use super::Exit;

const EXAMPLES: &str = "\
Examples:
  source <(tiller-guard completion bash)
  tiller-guard completion zsh > \"${fpath[1]}/_tiller-guard\"
  tiller-guard completion fish > ~/.config/fish/completions/tiller-guard.fish";

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Shell
    shell: Shell,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the script.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Exit> {
    let script = match arguments.shell {
        Shell::Bash => Script::Bash,
        Shell::Zsh => Script::Zsh,
        Shell::Fish => Script::Fish,
    };
    // The generator panics if it cannot write.
    let mut text = Vec::new();
    generate(script, &mut super::command(), "tiller-guard", &mut text);
    let mut out = BufWriter::new(io::stdout().lock());
    out.write_all(&text)?;
    out.flush()?;
    Ok(Exit::Clean)
}
