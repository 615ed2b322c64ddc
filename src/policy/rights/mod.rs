//! What Tillers' accounts may do, compared with what their teams allow.
//!
//! [`decide_rbac`] judges a role or a binding as it comes; a pod's account is judged by the rules of
//! pods, from the same `excess`.

mod case;
mod decide;
mod excess;
mod existing;
mod lookup;
mod platform;

pub use decide::decide_rbac;
pub use existing::{ExistingExcess, existing_excesses};
pub use lookup::{Lookup, lookup_may_settle, lookups_for_rbac, lookups_for_workload};

pub(super) use case::{Gain, RbacCase, RoleCase};
pub(super) use excess::{Bound, Excess, RoleExcess, excess};
pub(super) use existing::{excesses_of, shared_with_all};
