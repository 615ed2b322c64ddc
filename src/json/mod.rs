//! JSON as reviews are answered with it. All other JSON is `serde_json`'s.

mod writer;

pub use writer::{Array, Object, write_text};
