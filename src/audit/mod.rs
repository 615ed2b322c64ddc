//! All Tillers of a cluster or of a dump: what each does, what it can reach, who can reach it, and what the guard does next.
//!
//! ```text
//! objects, list by list ─ Audit::take ─┬ workloads ─ tillers ─┐
//!                                      ├ access ── questions ─┼─ Audit::report ─ AuditReport ─ text
//!                                      └ openers, exposures ──┘
//! ```
//!
//! Other objects are not kept, at most their names.

mod access;
mod basis;
mod certificates;
mod exposures;
mod extent;
mod failure;
mod graph;
mod judge;
mod labels;
mod listed;
mod meta;
mod openers;
mod page;
mod pods;
mod questions;
mod reach;
mod reached;
mod records;
mod report;
mod stock;
mod subject;
mod take;
mod tally;
mod text;
mod workloads;

pub use basis::Basis;
pub use extent::Extent;
pub use failure::Failure;
pub use listed::Listed;
pub use page::page;
pub use report::{
    AuditReport, AuditSummary, AuditedCertificate, AuditedPod, AuditedTiller, CanReach, Enforced,
    FORMAT_VERSION, Grant, GuardState, Next, ObjectName, Opener, Reacher, Releases, Step, Stored,
    Unseen,
};
pub use take::Audit;
pub use tally::RuleMode;
pub use text::write as write_text;
