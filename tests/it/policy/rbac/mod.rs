//! Roles, bindings, teams and accounts.

mod cases;
mod cluster;
mod orders;
mod standing;
mod teams;
