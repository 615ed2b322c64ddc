//! Tests of the program as a whole, in one binary.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may stop"
)]

/// Certificates: loaded, replaced, refused.
mod server_certificate;
/// A client of the listener.
mod server_client;
/// `tiller-guard serve` as a process.
mod server_command;
/// Leaving without a failed request.
mod server_drain;
/// Deadlines and caps of the listener.
mod server_listener;
