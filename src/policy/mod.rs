//! What we think of a workload: rules, their findings, and the hardening that answers them.
//!
//! [`decide`] takes a [`Subject`] (a pod, wherever it stands), recognises the Tillers in it, lets each of
//! the [`rules()`] look, and turns the findings that have one right answer into one patch.
#![deny(clippy::disallowed_methods)]

mod api;
mod canonical;
mod case;
mod finding;
mod harden;
mod patch;
mod pointer;
mod rules;
mod settings;
mod subject;
mod verdict;

pub use api::{APIS, Api};
pub use case::TillerContainer;
pub use finding::{Action, Finding, Rule, Severity};
pub use patch::Patch;
pub use pointer::Pointer;
pub use rules::rules;
pub use settings::Settings;
pub use subject::{Annotations, Kind, Labels, Maker, PodMetadata, Subject};
pub use verdict::{Verdict, decide};
