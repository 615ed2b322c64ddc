//! `make demo`: a real API server hardens a real Tiller, and refuses four that cannot be hardened.
#![expect(clippy::print_stdout, reason = "it shows")]
#![expect(
    clippy::indexing_slicing,
    reason = "a field that a JSON value lacks reads as null"
)]

#[path = "../cluster/mod.rs"]
pub mod cluster;
mod story;

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

#[tokio::main]
async fn main() -> Result<()> {
    let keep = env::args().any(|argument| argument == "--keep");
    let cluster = story::tell(&guard()?).await?;
    if keep {
        let cluster::KeptCluster { kubeconfig, stop } = cluster.keep()?;
        println!("The cluster runs on. Look at it with");
        println!("    export KUBECONFIG={}", kubeconfig.display());
        println!("and end it with");
        println!("    sh {}", stop.display());
    } else {
        drop(cluster);
        println!("Everything is stopped. `make demo KEEP=1` leaves it running.");
    }
    Ok(())
}

/// Cargo puts examples into a folder beside the program.
fn guard() -> Result<PathBuf> {
    let demo = env::current_exe().context("where is the demo?")?;
    let target = demo.ancestors().nth(2).context("where is tiller-guard?")?;
    Ok(target.join("tiller-guard"))
}
