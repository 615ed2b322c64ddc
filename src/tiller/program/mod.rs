//! Which programs a container starts, as far as its manifest tells: `command` and `args` with the container's own variables
//! in them, through wrappers (`env`, `tini`, `sudo` …), shells and their command lines.
//!
//! What a command starts counts, not the letters in it: `--service-account tiller` is a value that another program gets. What is
//! hidden in a script or put together by a program at run time is not seen here: a Tiller's account is the last defence.

mod argv;
mod code;
mod line;
mod variables;
mod wrapper;

use super::signs;
use super::word::has_word;
use crate::pod::{Container, Text};
use variables::Variables;

/// How deep command lines may be nested in one another before the reader gives up.
const MAX_DEPTH: u8 = 24;

/// How many bytes variables may put into the command lines of one container. Linux starts no program with an argument of more
/// than half of it (`MAX_ARG_STRLEN`).
const MAX_EXPANDED: usize = 256 << 10;

/// What a container starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Started {
    /// Tiller, by whatever wrapper. Also where the launch is too deep or too large to be read and names Tiller.
    pub(super) tiller: bool,
    /// Helm's client or `kubectl`: a program that talks to a Tiller or about one.
    pub(super) client: bool,
}

/// Reads command lines one in another.
#[derive(Debug)]
struct Interpreter<'a> {
    found: Started,
    variables: Variables<'a>,
    /// What `$0`, `$1` … are in the line that is read.
    positional: Vec<String>,
    depth: u8,
    /// Whether a shell was started that reads its commands from its input.
    reads_input: bool,
}

/// Whether the container starts Tiller, by its launch, a hook or a probe. A command without the word, in itself or in a
/// variable, does not: so do the generated conditions of the webhooks judge.
pub(super) fn starts_tiller(container: &Container<'_>) -> bool {
    let names = |text: &str| has_word(text, signs::PROGRAM) || joins_variables(text);
    let starts = |command: &mut dyn Iterator<Item = &Text<'_>>| {
        let words: Vec<&str> = command.map(Text::as_str).collect();
        let by_variable = || {
            words.iter().any(|word| word.contains('$'))
                && container.env.iter().any(|variable| names(&variable.value))
        };
        (words.iter().any(|word| names(word)) || by_variable()) && run(&words, container).tiller
    };
    starts(&mut launch(container)) || container.beside().any(|it| starts(&mut it.command.iter()))
}

/// What the container's launch starts.
pub(super) fn started(container: &Container<'_>) -> Started {
    let words: Vec<&str> = launch(container).map(Text::as_str).collect();
    run(&words, container)
}

fn launch<'c, 'a>(container: &'c Container<'a>) -> impl Iterator<Item = &'c Text<'a>> {
    container.command.iter().chain(&container.args)
}

/// What a command starts in a container.
fn run(command: &[&str], container: &Container<'_>) -> Started {
    let mut interpreter = Interpreter {
        found: Started::default(),
        variables: Variables::of_container(&container.env, MAX_EXPANDED),
        positional: Vec::new(),
        depth: 0,
        reads_input: false,
    };
    let words: Vec<String> = command
        .iter()
        .map(|word| interpreter.variables.expand(word).into_owned())
        .collect();
    interpreter.command(&words);
    if interpreter.variables.are_exhausted() {
        interpreter.found.tiller = true;
    }
    interpreter.found
}

/// Whether the kubelet may put the word together: from a variable and letters beside it, or from two variables.
fn joins_variables(text: &str) -> bool {
    let begins = |before: &str| {
        (1..signs::PROGRAM.len())
            .filter_map(|end| signs::PROGRAM.get(..end))
            .any(|part| before.ends_with(part))
    };
    let goes_on = |after: &str| {
        after.starts_with("$(")
            || (1..signs::PROGRAM.len())
                .filter_map(|start| after.strip_prefix(signs::PROGRAM.get(start..)?))
                .any(|rest| !rest.starts_with(|it: char| it.is_ascii_alphabetic()))
    };
    let before = |at: usize| text.get(..at).unwrap_or_default();
    let after = |at: usize| text.get(at + 1..).unwrap_or_default();
    let mut opened = text.match_indices("$(");
    opened.any(|(at, _)| begins(before(at)))
        || text.match_indices(')').any(|(at, _)| goes_on(after(at)))
}

impl Interpreter<'_> {
    /// Does this one level deeper. Where it is too deep, nothing is read any more, and it may be Tiller.
    fn deeper(&mut self, read: impl FnOnce(&mut Self)) {
        if self.depth == MAX_DEPTH {
            self.found.tiller = true;
            return;
        }
        self.depth += 1;
        read(self);
        self.depth -= 1;
    }

    /// Reads a shell's command line that gets these as `$0`, `$1` …
    fn line(&mut self, line: &str, positional: &[String]) {
        let outer = std::mem::replace(&mut self.positional, positional.to_vec());
        self.deeper(|interpreter| line::read(interpreter, line));
        self.positional = outer;
    }
}
