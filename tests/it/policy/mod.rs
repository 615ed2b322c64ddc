//! The rules over the case corpus, and the laws that every verdict keeps.

mod cases;
mod certificate_authorities;
mod connections;
pub(crate) mod corpus;
mod custody;
mod exceptions;
mod exposure;
pub(crate) mod generate;
pub(crate) mod known;
mod laws;
mod not_tillers;
mod outcome;
mod rbac;
pub(crate) mod recognition;
mod second_tillers;
mod services;
mod settings;
mod storage_switch;

use std::sync::LazyLock;

use tiller_guard::policy::{Context, Timestamp};

/// A time at which nothing has expired yet.
pub(crate) static NOW: LazyLock<Context<'static>> = LazyLock::new(|| Context::at(Timestamp(0)));
