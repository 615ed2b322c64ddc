//! The policy file and the file of teams: text to a [`Policy`], or what is wrong with it and where.
//!
//! ```yaml
//! apiVersion: tiller-guard.io/v1
//! kind: Policy
//! mode: enforce
//! ```
//!
//! A key that a file leaves out has its default. Anything ambiguous is an error: an unknown key, a key that appears twice, a
//! value of the wrong type. This module opens no file.
#![deny(clippy::disallowed_methods)]

mod change;
mod expiry;
mod not_tiller;
mod problem;
mod reader;
mod section;
mod team;
mod value;

pub use change::{Direction, PolicyChange, policy_changes};
pub use problem::{Cause, Problem, Rejected};
pub use team::read_teams;
pub use value::{any_user, image, image_repository, tiller_version, version_floor};

use crate::manifest::{Part, Position, Stream};
use crate::policy::{Policy, Timestamp};

/// The JSON Schema of the policy file (draft 2020-12), for editors.
pub const SCHEMA: &str = include_str!("policy.schema.json");

/// Reads a policy file's content.
pub fn read(content: &[u8], now: Timestamp) -> Result<Policy, Rejected> {
    let stream = Stream::new("", content.to_vec());
    let mut parts = stream
        .parts()
        .filter(|part| !matches!(part, Part::Blank(_)));
    let document = match parts.next() {
        Some(Part::Document(document)) => document,
        Some(Part::Unreadable(unreadable, _)) => {
            return Err(Rejected::alone(
                Cause::Unreadable,
                unreadable.place,
                unreadable.message,
            ));
        }
        Some(Part::Blank(_)) | None => {
            let message = "the file holds no policy; begin with apiVersion and kind: Policy";
            let start = Position { line: 1, column: 1 };
            return Err(Rejected::alone(Cause::Value, start, message.to_owned()));
        }
    };
    match parts.next() {
        None => section::policy(&document, now),
        Some(part) => {
            let place = match part {
                Part::Document(document) => document.place,
                Part::Unreadable(unreadable, _) => unreadable.place,
                Part::Blank(_) => document.place,
            };
            let message = "a second document; a policy file holds one, so move it to another file";
            Err(Rejected::alone(Cause::Value, place, message.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests;
