//! Release records in a cluster: listed, moved, migrated.

mod aside;
mod checks;
mod contents;
mod gather;
mod halt;
mod helm3;
mod holder;
mod launch;
mod list;
mod lock;
mod migration;
mod moved;
mod movement;
mod outcome;
mod owners;
mod pods;
mod restore;
mod retract;
mod rights;
mod steps;
mod taken;
mod target;
mod tiller;
mod waiting;
mod work;
mod write;

pub use list::{ListError, Pages, check_namespace, list};
pub use migration::Migrate;
pub use moved::{MoveError, Moved};
pub use movement::Move;
pub use outcome::{Effect, Hold, MigrateError, Outcome, State, Summary, Tillers};
pub use owners::of_helm3;
pub use restore::{Restore, Restored};
pub use rights::{Needed, roles};
pub use waiting::in_config_maps;
pub use write::WriteError;
