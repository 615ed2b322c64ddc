//! The variables that a container's launch can refer to.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::pod::EnvVar;
use crate::tiller::expansion::substitute;
use crate::tiller::signs;
use crate::tiller::word::has_word;

/// Variables by name, those of the container and those that a shell's line sets. What comes from elsewhere is not among
/// them.
#[derive(Debug)]
pub(super) struct Variables<'a> {
    values: HashMap<Cow<'a, str>, Cow<'a, str>>,
    /// What those may be that have one value after another.
    several: HashMap<String, Vec<String>>,
    /// How many bytes they may still put into command lines.
    left: usize,
}

// === impl Variables ===

impl<'a> Variables<'a> {
    /// Those of a container: each may refer to the ones before it, and of two of a name the later counts.
    pub(super) fn of_container(env: &'a [EnvVar<'a>], left: usize) -> Self {
        let mut variables = Self {
            values: HashMap::new(),
            several: HashMap::new(),
            left,
        };
        for variable in env.iter().filter(|it| it.value_from.is_none()) {
            let value = variables.expand(&variable.value);
            let name = Cow::Borrowed(variable.name.as_str());
            let _earlier = variables.values.insert(name, value);
        }
        variables
    }

    /// A text with the kubelet's `$(NAME)` in it.
    pub(super) fn expand<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let Self { values, left, .. } = self;
        substitute(text, |name| {
            let value: &str = values.get(name)?;
            *left = left.saturating_sub(value.len());
            (*left > 0).then_some(value)
        })
    }

    /// The value of a shell's variable.
    pub(super) fn get(&mut self, name: &str) -> Option<&str> {
        let Self { values, left, .. } = self;
        let value = values.get(name)?;
        *left = left.saturating_sub(value.len());
        (*left > 0).then_some(value)
    }

    /// Whether there is room for so many bytes.
    pub(super) fn has(&self, bytes: usize) -> bool {
        bytes < self.left
    }

    /// Counts bytes that are put into a command line. Whether there is room for them.
    pub(super) fn charge(&mut self, bytes: usize) -> bool {
        self.left = self.left.saturating_sub(bytes);
        self.left > 0
    }

    /// Sets one in a shell's line; or gives it one value more, where it may have the others too. One that names Tiller
    /// stays: whether the line that sets another one is reached is not known.
    pub(super) fn set(&mut self, name: &str, value: String, also: bool) {
        let earlier = self.values.get(name).filter(|it| **it != value);
        let stays = |it: &Cow<'_, str>| also || has_word(it, signs::PROGRAM);
        if let Some(earlier) = earlier.filter(|it| stays(it)).map(ToString::to_string) {
            let several = self.several.entry(name.to_owned()).or_default();
            several.extend([earlier, value.clone()]);
        } else if !also {
            let _earlier = self.several.remove(name);
        }
        self.try_value(name, value);
    }

    /// Sets one that has each of these in turn.
    pub(super) fn set_each(&mut self, name: &str, values: Vec<String>) {
        let first = values.first().cloned().unwrap_or_default();
        self.try_value(name, first);
        let _earlier = self.several.insert(name.to_owned(), values);
    }

    /// Sets one for now, of those that it may have.
    pub(super) fn try_value(&mut self, name: &str, value: String) {
        let name = Cow::Owned(name.to_owned());
        let _earlier = self.values.insert(name, Cow::Owned(value));
    }

    /// How many values a variable may have, where it is known that there are several.
    pub(super) fn count_of(&self, name: &str) -> usize {
        self.several.get(name).map_or(0, Vec::len)
    }

    /// The several values of a variable, each once.
    pub(super) fn values_of(&self, name: &str) -> Vec<String> {
        let mut values = self.several.get(name).cloned().unwrap_or_default();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// Whether there was more to put in than any program could be started with.
    pub(super) fn are_exhausted(&self) -> bool {
        self.left == 0
    }
}
