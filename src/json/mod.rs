//! JSON as reviews are read and answered, and as the watches are. All other JSON is `serde_json`'s.

mod error;
mod reader;
mod text;
mod verbatim;
mod writer;

pub use error::Error;
pub use reader::{Reader, read};
pub use verbatim::Verbatim;
pub use writer::{Array, Object, write_text};
