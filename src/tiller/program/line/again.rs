//! Commands that are read again for each value that a variable of theirs has in turn: `for b in a tiller; do $b; done`.

use super::super::Interpreter;
use super::super::functions::End;
use super::list;
use super::scanner::Scanner;

/// Stands for the line's own arguments among the names of variables.
pub(super) const ARGUMENTS: &str = "@";

impl Interpreter<'_> {
    /// Reads a command again with the other values of the variables that it takes in, and with its arguments before they were
    /// shifted away.
    pub(super) fn with_other_values(&mut self, command: &str) {
        let mut names = std::mem::take(&mut self.taken);
        if self.again || names.is_empty() {
            return;
        }
        names.sort_unstable();
        names.dedup();
        self.again = true;
        with_values(self, &names, command);
        self.again = false;
    }
}

/// With each combination of the values of these: as many as there is room for, and a line with too many may start anything.
fn with_values(interpreter: &mut Interpreter<'_>, names: &[String], command: &str) {
    let Some((name, others)) = names.split_first() else {
        interpreter.deeper(|interpreter| {
            let _told = list(interpreter, &mut Scanner::new(command), End::Text);
        });
        return;
    };
    if name == ARGUMENTS {
        if !interpreter.has_room(interpreter.unshifted.len()) {
            return;
        }
        let unshifted = interpreter.unshifted.clone();
        with_values(interpreter, others, command);
        let shifted = std::mem::replace(&mut interpreter.positional, unshifted);
        if interpreter.has_room(command.len()) {
            with_values(interpreter, others, command);
        }
        interpreter.positional = shifted;
        return;
    }
    if !interpreter.has_room(interpreter.variables.count_of(name)) {
        return;
    }
    for value in interpreter.variables.values_of(name) {
        if !interpreter.has_room(command.len() + value.len()) {
            return;
        }
        interpreter.variables.try_value(name, value);
        with_values(interpreter, others, command);
    }
}
