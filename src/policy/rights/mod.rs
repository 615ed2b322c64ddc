//! What Tillers' accounts may do, compared with what their teams allow.
//!
//! [`decide_access`] judges a role or a binding as it comes; a pod's account is judged by the rules of
//! pods, from the same `excess`.

mod case;
mod decide;
mod excess;
mod lookup;
mod platform;
mod standing;

pub use decide::decide_access;
pub use lookup::{Lookup, lookup_may_settle, lookups_for_access, lookups_for_workload};
pub use standing::{StandingExcess, standing_excesses};

pub(super) use case::{AccessCase, Gain, RoleCase};
pub(super) use excess::{Bound, Excess, RoleExcess, excess};
pub(super) use standing::{excesses_of, shared_with_all};
