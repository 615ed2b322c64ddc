//! JSON as the review path reads and writes it. All other JSON is `serde_json`'s.

mod error;
mod reader;
mod text;
mod verbatim;
mod writer;

pub use error::Error;
pub use reader::{Reader, read};
pub use verbatim::Verbatim;
pub use writer::{Array, Object, write_text};
