//! Helm 2's release records, and what can be done with them: shown, listed, moved to the other storage, migrated to Helm 3.
//!
//! ```text
//! ConfigMap, Secret ─ record ─ encoding ─ hapi::Release ─ examine ─ list
//!                                                       ├ show
//!                                                       └ helm3
//! ```

mod apis;
pub mod aside;
mod census;
mod encoding;
mod examine;
pub mod hapi;
pub mod helm3;
mod hooks;
mod list;
mod map_apis;
mod migration;
mod moment;
pub mod movement;
mod pending;
mod problem;
mod record;
mod scan;
mod show;
mod status;

pub use apis::{REMOVED, RemovedApi, Replacement, Unserved, removed_api, unserved};
pub use census::Census;
pub use encoding::{DecodeError, MAX_DECOMPRESSED, compress, decode, encode, message};
pub use examine::{Examined, Revision, SetAside, damaged, examine};
pub use list::{Aside, FORMAT_VERSION, Inventory, Listing, Row};
pub use map_apis::{Mapped, map_apis};
pub use migration::{Mapping, Migration, Prepared};
pub use problem::{Problem, ProblemKind};
pub use record::{KEY, MAX_SIZE, MIGRATED, NotRecord, OWNER, Record, Storage, Textless, named};
pub use show::{Part, show};
pub use status::Status;
