//! The rules over the case corpus, and the laws that every verdict keeps.

mod cases;
pub(crate) mod corpus;
mod exceptions;
mod exposure;
pub(crate) mod generate;
mod laws;
mod outcome;

use tiller_guard::policy::{Context, Timestamp};

/// A time at which nothing has expired yet.
pub(crate) const NOW: Context = Context { now: Timestamp(0) };
