//! The variables that a container's launch can refer to.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::pod::EnvVar;
use crate::tiller::expansion::substitute;

/// Variables by name, those of the container and those that a shell's line sets. What comes from elsewhere is not among
/// them.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    values: HashMap<Cow<'a, str>, Cow<'a, str>>,
    /// How many bytes they may still put into command lines.
    left: usize,
}

// === impl Variables ===

impl<'a> Variables<'a> {
    /// Those of a container: each may refer to the ones before it, and of two of a name the later counts.
    pub(super) fn of_container(env: &'a [EnvVar<'a>], left: usize) -> Self {
        let values = HashMap::new();
        let mut variables = Self { values, left };
        for variable in env.iter().filter(|it| it.value_from.is_none()) {
            let value = variables.expand(&variable.value);
            let name = Cow::Borrowed(variable.name.as_str());
            let _earlier = variables.values.insert(name, value);
        }
        variables
    }

    /// A text with the kubelet's `$(NAME)` in it.
    pub(super) fn expand<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let Self { values, left } = self;
        substitute(text, |name| {
            let value: &str = values.get(name)?;
            *left = left.saturating_sub(value.len());
            (*left > 0).then_some(value)
        })
    }

    /// The value of a shell's variable.
    pub(super) fn get(&mut self, name: &str) -> Option<&str> {
        let Self { values, left } = self;
        let value = values.get(name)?;
        *left = left.saturating_sub(value.len());
        (*left > 0).then_some(value)
    }

    /// Counts bytes that are put into a command line. Whether there is room for them.
    pub(super) fn charge(&mut self, bytes: usize) -> bool {
        self.left = self.left.saturating_sub(bytes);
        self.left > 0
    }

    /// Sets one in a shell's line.
    pub(super) fn set(&mut self, name: &str, value: String) {
        let _earlier = self
            .values
            .insert(Cow::Owned(name.to_owned()), Cow::Owned(value));
    }

    /// Whether there was more to put in than any program could be started with.
    pub(super) fn are_exhausted(&self) -> bool {
        self.left == 0
    }
}
