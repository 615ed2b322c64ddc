//! The certificates we issue and read. The clock is always an argument.

mod bundle;
mod client;
mod issuance;
mod self_signed;
mod serving;
mod signing_request;
pub mod team;
mod webhook_ca;

pub use bundle::Bundle;
pub use client::{ClientCa, Useless, is_called};
pub use issuance::Issuance;
pub use self_signed::{IssueError, self_signed};
pub use serving::{PairError, ServingCertificate, Validity};
pub use signing_request::unused_signing_request;
pub use webhook_ca::WebhookCa;
