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
#[path = "../cluster/mod.rs"]
pub mod cluster;
mod offline;
mod policy;
mod review;
