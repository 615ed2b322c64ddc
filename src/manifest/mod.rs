//! Streams of YAML and JSON documents, and the Kubernetes objects in them.
//!
//! ```text
//! bytes ─ text ─ split ─ yaml or json ─ Document ─ objects ─ what k8s::subject reads
//! ```
//!
//! Manifests are read as kubectl reads them: scalars by go-yaml's rules (`0444` is 292, `yes` is true),
//! of two equal keys the last counts, the items of lists are objects of their own. Where kubectl drops
//! or refuses what other tools read, the reading here is the wider one:
//!
//! - what follows `...` without a `---` is a document (kubectl drops it),
//! - `--- {a: b}`, `%YAML 1.2` and JSON and YAML in one stream are read (kubectl refuses),
//! - lists in lists are read (kubectl refuses),
//! - UTF-16 with a byte order mark is read in streams of several documents too.
//!
//! Three things are refused that kubectl takes: U+0085, U+2028 and U+2029, which its YAML takes for line
//! breaks and every other for text, so that they can hide a value from one of the two; more than
//! [`MAX_NODES`] values or [`MAX_DEPTH`] levels in a document; and files over [`MAX_BYTES`].

mod characters;
mod duplicate;
mod edit;
mod emit;
mod json;
mod mapping;
mod node;
mod object;
mod scalar;
mod split;
mod stream;
mod text;
mod yaml;

pub use duplicate::DUPLICATE_KEY;
pub use emit::to_yaml;
pub use node::{Duplicate, Place};
pub use object::Object;
pub use stream::{Document, Format, Part, Stream, TooLarge, Unreadable};

/// The largest file that is read, in bytes. etcd takes objects of 1.5 MiB.
pub const MAX_BYTES: usize = 32 << 20;

/// How deep lists and mappings may nest, as in JSON for the API server's webhooks.
pub const MAX_DEPTH: usize = 128;

/// How many values a document may hold, aliases resolved.
pub const MAX_NODES: usize = 2_000_000;

/// How many keys of a document may stand twice.
const MAX_DUPLICATES: usize = 1000;

/// What is wrong with a text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    place: Place,
    message: String,
}

#[cfg(test)]
mod tests;
