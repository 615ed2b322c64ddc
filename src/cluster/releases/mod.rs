//! Release records in a cluster.

mod list;

pub use list::{ListError, list};
