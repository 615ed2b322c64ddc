//! `tiller-guard provision`: a team's Tiller, with its rights and certificates.

mod arguments;
mod authority_folder;
mod bundles;
mod folder;
mod offline;

use clap::Args;

use super::Exit;
use arguments::{DryRun, MakeArguments};
use offline::Keep;

/// What was typed.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    make: MakeArguments,
}

/// Provisions teams.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let Arguments { make } = arguments;
    let settings = make.shared.settings()?;
    let teams = make.teams(&settings)?;
    let (shared, doing) = (&make.shared, &make.doing);
    match (doing.output, doing.dry_run) {
        (Some(format), _) => {
            let plans = offline::plans(&teams, shared, &settings, Keep::Files)?;
            offline::print(&plans, format)
        }
        (None, Some(DryRun::Client)) => {
            let plans = offline::plans(&teams, shared, &settings, Keep::Nothing)?;
            offline::name(&plans)
        }
        (None, _) => anyhow::bail!("give -o yaml, -o json or --dry-run"),
    }
}
