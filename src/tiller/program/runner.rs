//! Programs with many commands, of which some start a program; and `parallel`, which starts one for each of its values.

use super::Interpreter;
use super::wrapper::{Inner, Wrapper};

/// A program with many commands, of which some start a program.
#[derive(Debug)]
pub(super) struct Runner {
    names: &'static [&'static str],
    /// The commands that start one.
    commands: &'static [&'static str],
    /// How many words stand between such a command and the program.
    own: usize,
    /// Whether what they start is a shell's line, in one word.
    is_line: bool,
}

const fn runner(
    names: &'static [&'static str],
    commands: &'static [&'static str],
    own: usize,
    is_line: bool,
) -> Runner {
    Runner {
        names,
        commands,
        own,
        is_line,
    }
}

/// Those that run the scripts of packages, choose versions of programs, or set variables for them. What `bundle exec`, `poetry run`
/// and their like start is a program of a package: a gem is called `tiller`.
#[rustfmt::skip]
static RUNNERS: [Runner; 5] = [
    runner(&["npm", "pnpm", "yarn"], &["dlx", "exec", "x"], 0, false),
    runner(&["asdf", "mise"], &["exec", "x"], 0, false),
    runner(&["foreman"], &["run"], 0, false),
    runner(&["direnv"], &["exec"], 1, false),
    runner(&["sops"], &["exec-env", "exec-file"], 1, true),
];

// === impl Runner ===

impl Runner {
    /// The one of this file name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        RUNNERS.iter().find(|it| it.names.contains(&name))
    }
}

impl Interpreter<'_> {
    /// A program with many commands, of which some start a program: what follows its options and its own words.
    pub(super) fn run_by(&mut self, runner: &Runner, arguments: &[String]) {
        let Some((command, rest)) = arguments.split_first() else {
            return;
        };
        let at = rest.iter().position(|it| !it.starts_with('-'));
        let at = at.filter(|_| runner.commands.contains(&command.as_str()));
        let started = at.and_then(|at| rest.get(at + runner.own..));
        match started.unwrap_or_default() {
            [line, ..] if runner.is_line => self.line(line, &[]),
            words => self.deeper(|interpreter| interpreter.command(words)),
        }
    }

    /// GNU's `parallel COMMAND ::: VALUE …`: the command with each value, which alone is a command too.
    pub(super) fn parallel(&mut self, wrapper: &Wrapper, arguments: &[String], at: usize) {
        let (command, values) = arguments.split_at_checked(at).unwrap_or_default();
        let command = match wrapper.inner(command) {
            Inner::Line(line) => line,
            Inner::Command(words) => words.join(" ").into(),
        };
        for value in values.iter().skip(1) {
            if !self.has_room(command.len() + value.len()) {
                return;
            }
            let line = if command.contains("{}") {
                command.replace("{}", value)
            } else {
                format!("{command} {value}")
            };
            self.line(&line, &[]);
        }
    }
}
