//! `make bench`: what a review costs, measured on loopback in one run.
//!
//! `tiller-guard serve` runs beside two handlers on the same TLS and HTTP libraries: one that answers a
//! constant, below which no webhook can get, and one that parses the review as kube's types, the plain
//! way. The server has one core and the load another.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it reports")]

mod api_server;
mod bindings;
mod bodies;
#[path = "../../tests/cluster/mod.rs"]
pub mod cluster;
mod handler;
mod load;
mod measure;
mod report;

use std::env;
use std::process::Command;

use anyhow::Result;

use handler::Handler;

fn main() -> Result<()> {
    let mut words = env::args().skip(1);
    let handler = words.next().and_then(|word| Handler::find(&word));
    if let Some(handler) = handler {
        let arguments: Vec<String> = words.collect();
        return tokio::runtime::Runtime::new()?.block_on(handler.serve(&arguments));
    }
    stay_on_the_second_core();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    // Each table as soon as it is there: what comes after may fail.
    let processes = runtime.block_on(measure::all())?;
    print!("{}", report::processes_table(&processes));
    let (calls, other) = runtime.block_on(api_server::all())?;
    print!("{}", report::calls_table(&calls, other));
    let known = runtime.block_on(bindings::all())?;
    print!("{}", bindings::table(&known));
    let known = bindings::json(&known);
    println!("{:#}", report::json(&processes, &calls, other, &known));
    Ok(())
}

/// Before any thread is made, so that all of them stay there.
fn stay_on_the_second_core() {
    let moved = Command::new("taskset")
        .args(["-cp", "1", &std::process::id().to_string()])
        .output();
    if !moved.is_ok_and(|output| output.status.success()) {
        eprintln!("no taskset (util-linux), or one core only: server and load share the cores");
    }
}
