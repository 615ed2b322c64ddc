//! What a Tiller container does, computed from what its manifest says.
//!
//! ```text
//! image ──────── image ─ version ─┐
//! command, args ─ expansion ─ launch ─ flags ─┐
//! env, envFrom ── expansion ─ environment ────┼─ effective ─ start
//! ```
//!
//! A manifest's words pass through the image's entrypoint, one of three flag parsers and the environment
//! before they mean anything. Whatever cannot be known from the manifest is [`Setting::Unknown`] with its
//! reason, never a default.
//!
//! Source: `cmd/tiller/tiller.go`, `pkg/tlsutil`, `rootfs/Dockerfile` of Helm 2.0.0 to 2.17.0, and the
//! package `flag` of Go 1.7 to 1.14.
#![deny(clippy::disallowed_methods)]

mod address;
mod effective;
mod environment;
mod expansion;
mod flags;
mod image;
mod launch;
mod path;
mod program;
mod recognition;
mod setting;
pub mod signs;
mod start;
mod text;
mod version;
mod word;

#[cfg(test)]
mod tests;

pub use effective::{ClientVerification, Effective, Start, Storage, Surroundings, Tiller, Tls};
pub use flags::Flag;
pub use image::ImageReference;
pub use launch::Launch;
pub use path::{clean as clean_path, is_within};
pub use program::script_starts_tiller;
pub use recognition::{
    ContainerList, Recognised, Signs, Traits, WORDS, is_about_tiller, is_tiller_image,
    is_tiller_name, may_hold_tiller, recognise,
};
pub use setting::{Setting, Unknown};
pub use version::{Version, VersionError};
