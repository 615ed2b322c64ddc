//! Release records in a cluster: listed, moved, migrated.

mod contents;
mod gather;
mod helm3;
mod launch;
mod list;
mod migration;
mod moved;
mod movement;
mod rights;
mod target;
mod tiller;
mod waiting;
mod write;

pub use list::{ListError, Pages, check_namespace, list};
pub use migration::{Effect, Migrate, Outcome, State};
pub use moved::{MoveError, Moved};
pub use movement::Move;
pub use rights::{Needed, roles};
pub use waiting::in_config_maps;
pub use write::WriteError;
