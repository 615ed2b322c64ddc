//! The certificates we issue and read. The clock is always an argument.

mod client;
mod issuance;
mod self_signed;
mod serving;
pub mod team;
mod webhook_authority;

pub use client::is_called;
pub use issuance::Issuance;
pub use self_signed::{IssueError, self_signed};
pub use serving::{PairError, ServingCertificate, Validity};
pub use webhook_authority::{Bundle, WebhookAuthority};
