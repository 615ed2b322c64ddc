//! The program as its users and its API server meet it: one binary.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may stop"
)]

/// A real API server with `tiller-guard serve` registered.
mod api_server;
/// Every Tiller of a cluster.
mod audit;
/// The ways around the guard, each tried.
mod bypass;
/// A team's certificates.
mod certificates;
/// The chart, by Helm's engine.
mod chart;
/// kubectl and Helm, as they were released.
mod clients;
#[path = "../cluster/mod.rs"]
pub mod cluster;
/// How objects get into a cluster.
mod cluster_apply;
/// No key and no certificate is kept here.
mod committed_keys;
/// The conditions of the webhook configurations, evaluated as the API server does.
mod conditions;
/// Helm 2's client, which drops what it does not know.
mod helm_client;
/// An installation in a real API server: several replicas behind a Service.
mod installed;
/// What a real cluster tells the guard, and what it makes of that.
mod knowledge;
/// What the README and the manual say.
mod manual;
/// What the health port tells, and the alerts over it, by Prometheus' own programs.
mod metrics;
/// `check` and `harden` as processes.
mod offline;
/// Slow and greedy clients beside honest ones.
mod overload;
/// The Action, the job, the hooks and the manifest for krew.
mod packaging;
/// The report as a page, in a browser.
mod page;
/// The rules over the case corpus, and the laws that every verdict keeps.
mod policy;
/// Teams, planned and made.
mod provision;
/// Helm 2's release records.
mod releases;
/// The review codec without a socket.
mod review;
/// `tiller-guard serve`, as a listener and as a process.
mod server;
/// The layers of the crate.
mod structure;
/// What the API server under test has.
mod suite;
