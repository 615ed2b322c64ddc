//! The rules over the case corpus, and the laws that every verdict keeps.

mod access;
mod cases;
mod corpus;
mod exposure;
mod generate;
pub(crate) mod known;
mod laws;
