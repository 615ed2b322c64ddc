//! Streams of YAML and JSON documents, and the Kubernetes objects in them.
//!
//! ```text
//! bytes ─ text ─ split ─ yaml or json ─ Document ─ objects ─ what k8s::subject reads
//! ```
//!
//! Manifests are read as kubectl reads them: scalars by go-yaml's rules (`0444` is 292, `yes` is true, a whole
//! number over 64 bits is a float), of two equal keys the last counts, the items of lists are objects of their
//! own. `tests/it/clients` compares both over generated streams. Where kubectl refuses what other tools read,
//! the reading here is the wider one:
//!
//! - `--- {a: b}`, `%YAML 1.2` and several JSON values before YAML in one stream are read,
//! - lists in lists are read.
//!
//! What kubectl drops without a word, reads by chance or reads otherwise than YAML 1.2 says is not read:
//!
//! - what follows `...` without a `---`, or a value that is complete,
//! - keys that become one in JSON, such as `1` and `"1"`: kubectl sends one of both values, now this, now that,
//! - an object that is a list by its key `items` and none by its kind,
//! - tags that a directive gives another meaning,
//! - U+0085, U+2028 and U+2029, which its YAML takes for line breaks and every other for text.
//!
//! Nor are more than [`MAX_NODES`] values or [`MAX_DEPTH`] levels in a document.

mod ambiguity;
mod anchors;
mod builder;
mod characters;
mod comments;
mod duplicate;
mod edit;
mod emit;
mod json;
mod key;
mod mapping;
mod node;
mod object;
mod openshift;
mod plain;
mod scalar;
mod split;
mod stream;
mod template;
mod text;
mod yaml;

pub use duplicate::DUPLICATE_KEY;
pub use emit::to_yaml;
pub use node::{Duplicate, Position};
pub use object::ManifestObject;
pub use stream::{Document, Format, Part, Stream, Unreadable};

/// How deep lists and mappings may nest, as in JSON for the API server's webhooks.
pub const MAX_DEPTH: usize = 128;

/// How many values a document may hold, aliases resolved.
pub const MAX_NODES: usize = 2_000_000;

/// How many keys of a document may stand twice.
const MAX_DUPLICATES: usize = 1000;

/// What is wrong with a text, and where in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    place: Position,
    message: String,
}

#[cfg(test)]
mod tests;
