//! The rules over the case corpus, and the laws that every verdict keeps.

mod cases;
pub(crate) mod corpus;
mod exposure;
pub(crate) mod generate;
mod laws;
