//! What a team needs for a Tiller of its own, as the exact objects: a plan, which somebody else carries out.
//!
//! ```text
//! TeamSpec ─ check ─ CheckedTeam ─┐
//! pki::team::Certificates ────────┼─ plan ─ Plan ─ stages of objects
//! policy::Settings ───────────────┘               └─ judged by the rules that the webhook judges by
//! ```
#![deny(clippy::disallowed_methods)]

mod access;
mod bundle;
mod names;
mod objects;
mod person;
mod plan;
mod review;
mod rights;
mod secrets;
mod spec;
mod spec_error;
mod tiller;

pub use access::{revoked, withdrawn};
pub use bundle::{Bundle, BundleFile, Environment, quoted};
pub use names::{
    KIND_LABEL, MANAGED_BY, MANAGED_BY_LABEL, Names, PEOPLE_NOT_AFTER_ANNOTATION,
    PERSON_ANNOTATION, PERSON_KIND_LABEL, SPEC_ANNOTATION, TARGET_NAMESPACES_ANNOTATION,
    TEAM_LABEL, TILLER_NAMESPACE_ANNOTATION, team_name,
};
pub use person::{Person, PersonError, PersonKind};
pub use plan::{Plan, PlanError, Planned, Stage, namespaces_of, plan};
pub use rights::{ExtraRule, RuleError};
pub use secrets::{CA_SECRET_KEYS, TLS_SECRET_KEYS, tls_secret};
pub use spec::{CheckedTeam, TeamSpec, check, check_beside};
pub use spec_error::SpecError;
pub use tiller::{CHECKSUM_ANNOTATION, tiller_deployment};
