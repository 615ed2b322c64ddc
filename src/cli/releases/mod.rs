//! `tiller-guard releases`: what Tiller has recorded.

mod afterwards;
mod files;
mod list;
mod migrate;
mod movement;
mod place;
mod restore;
mod show;
mod table;

use clap::Subcommand;

use super::Exit;
pub(in crate::cli) use movement::{told, unmoved};
pub(in crate::cli) use place::waits;

/// What was typed.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    List(list::Arguments),
    Show(show::Arguments),
    Move(movement::Arguments),
    Migrate(migrate::Arguments),
    Restore(restore::Arguments),
}

/// Does what was asked for.
pub(super) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::List(arguments) => list::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Move(arguments) => movement::run(arguments),
        Command::Migrate(arguments) => migrate::run(arguments),
        Command::Restore(arguments) => restore::run(arguments),
    }
}
