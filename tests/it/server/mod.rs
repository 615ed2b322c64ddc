//! `tiller-guard serve`, as a listener and as a process.

/// Clients that show a certificate, and those that do not.
mod callers;
/// Certificates: loaded, replaced, refused.
mod certificate;
/// A client of the listener.
pub(crate) mod client;
/// `tiller-guard serve` as a process.
mod command;
/// Leaving without a failed request.
mod drain;
/// Deadlines and caps of the listener.
mod listener;
/// The policy file of `serve`: counted, replaced, refused.
mod policy;
