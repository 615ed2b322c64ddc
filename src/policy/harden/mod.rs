//! Hardening: what findings ask for, as one patch.

mod assembly;
pub(super) mod canonical;
mod edit;
mod patch;

pub use patch::Patch;

pub(super) use assembly::patch;
pub(super) use edit::{Edit, Variable};
pub(super) use patch::Content;
