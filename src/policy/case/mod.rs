//! What a rule is given, and where it puts what it finds.

mod findings;
mod object;
mod workload;

pub use workload::TillerContainer;

pub(super) use findings::Findings;
pub(super) use object::{ConnectionCase, CustodyCase};
pub(super) use workload::Case;
