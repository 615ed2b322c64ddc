//! What we think of a workload: rules, their findings, and the hardening that answers them.
#![deny(clippy::disallowed_methods)]

mod finding;
mod settings;
mod subject;
mod verdict;

pub use finding::{Action, Finding, Rule, Severity};
pub use settings::Settings;
pub use subject::{Annotations, Kind, Labels, Subject};
pub use verdict::{TillerContainer, Verdict, decide};
