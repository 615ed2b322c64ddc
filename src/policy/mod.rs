//! What we think of a workload: rules, their findings, and the hardening that answers them.
//!
//! [`decide()`] takes a [`Workload`] (a pod, wherever it stands), recognises the Tillers in it, lets each of
//! the [`rules()`] look, and turns the findings that have one right answer into one patch.
#![deny(clippy::disallowed_methods)]

mod annotations;
mod case;
pub mod connection;
mod context;
pub mod custody;
mod decide;
mod exception;
pub mod exposure;
mod finding;
mod harden;
mod injector;
mod knowledge;
mod mode;
mod not_tiller;
mod object;
mod object_kind;
mod outcome;
mod pointer;
pub mod rbac;
mod recognition;
mod requester;
pub mod rights;
mod rules;
mod settings;
pub mod team;
mod timestamp;
mod token;
mod verdict;
mod workload;

pub use annotations::Annotations;
pub use case::TillerContainer;
pub use context::Context;
pub use decide::decide;
pub use exception::{Excepted, Exception};
pub use finding::{Action, Excepting, Finding, LaunchPart, LiveFact, Rule, Severity};
pub use harden::Patch;
pub use injector::{Injector, Invitation};
pub use knowledge::{Knowledge, KnowledgeSize, Learned, SecretRecords};
pub use mode::{Mode, Modes};
pub use not_tiller::{Evidence, Innocent, NotTiller};
pub use object::Object;
pub use object_kind::{APIS, Api, ObjectKind};
pub use outcome::{Arrival, Circumstances, Decision, Outcome, Webhook, forbidden, mode_rules};
pub use pointer::Pointer;
pub use requester::{People, Requester, is_controller};
pub use rules::{
    connection_rules, custody_rules, exposure_rules, looks_at, rbac_rules, rules, workload_rules,
};
pub use settings::{ImageVersion, Policy, RunAsUser, Settings};
pub use timestamp::Timestamp;
pub use verdict::Verdict;
pub use workload::{Labels, Maker, Owner, PodMetadata, TillerUse, Workload, WorkloadKind, Writer};
