//! JSON as reviews are answered with it. All other JSON is `serde_json`'s.

mod base64;
mod bytes;
mod writer;

pub use base64::write_base64;
pub use bytes::position;
pub use writer::{Array, Object, write_boolean, write_number, write_text};
