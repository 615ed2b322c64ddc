//! The certificates we issue and read. The clock is always an argument.

mod self_signed;
mod serving;
pub mod team;

pub use self_signed::{IssueError, self_signed};
pub use serving::{PairError, ServingCertificate, Validity};
