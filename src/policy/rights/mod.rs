//! What Tillers' accounts may do, compared with what their teams allow.
//!
//! A role or a binding is judged as it comes; a pod's account by the rules of pods, from the same `excess`.

mod case;
mod excess;
mod existing;
mod lookup;
mod platform;

pub use existing::{ExistingExcess, existing_excesses};
pub use lookup::{Lookup, lookups};

pub(super) use case::{Gain, RbacCase, RoleCase};
pub(super) use excess::{Bound, Excess, RoleExcess, excess};
pub(super) use existing::{excesses_of, shared_with_all};
