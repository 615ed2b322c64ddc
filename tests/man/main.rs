//! Writes the man pages and the completion scripts into a folder: `make man`.

use std::path::PathBuf;
use std::{env, fs, io};

use clap_complete::Shell;

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("name a folder"))?;
    fs::create_dir_all(&folder)?;
    clap_mangen::generate_to(tiller_guard::cli::command(), &folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut command = tiller_guard::cli::command();
        clap_complete::generate_to(shell, &mut command, "tiller-guard", &folder)?;
    }
    Ok(())
}
