//! What a manager of programs is asked to start.

/// How a manager gets the name of the program that it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// By scripts in a folder, and `init` by its table.
    Scripts,
    /// By keys with commands.
    Keys,
    /// By times with commands.
    Times,
    /// By recipes.
    Recipes,
}

/// What a manager was asked to start.
#[derive(Debug, Clone)]
pub(super) struct Order {
    pub(super) told: Told,
    /// The names of recipes or services; none for all.
    pub(super) targets: Vec<String>,
}
