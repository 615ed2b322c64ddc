//! Which programs a container starts, as far as its manifest tells: `command` and `args` with the container's own variables
//! in them, through wrappers (`env`, `tini`, `sudo` …), shells and their command lines.
//!
//! What a command starts counts, not the letters in it: `--service-account tiller` is a value that another program gets. What is
//! hidden in a script or put together by a program at run time is not seen here: a Tiller's account is the last defence.

mod argv;
mod code;
mod files;
mod functions;
mod known;
mod line;
mod name;
mod stored;
mod variables;
mod wrapper;

use super::word::has_word;
use super::{ImageReference, signs};
use crate::pod::{Container, Text};
use files::Files;
use functions::Functions;
use variables::Variables;

/// How deep command lines may be nested in one another before the reader gives up.
const MAX_DEPTH: u8 = 24;

/// How many bytes variables may put into the command lines of one container. Linux starts no program with an argument of more
/// than half of it (`MAX_ARG_STRLEN`).
const MAX_EXPANDED: usize = 256 << 10;

/// How many words of a command are read. Linux starts no program with more than a quarter of its stack's limit, 2 MiB, of which
/// each word takes ten bytes or more.
const MAX_WORDS: usize = 200_000;

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
    /// The same before the line shifted any away; empty where it did not.
    unshifted: Vec<String>,
    depth: u8,
    /// Whether a shell was started that reads its commands from its input.
    reads_input: bool,
    files: Files,
    functions: Functions,
    /// The variables with several values that the command that is read takes in.
    taken: Vec<String>,
    /// Whether a command is read again, with other values of variables.
    again: bool,
}

/// Whether the container starts Tiller, by its launch, a hook or a probe. A command without the word, in itself or in a
/// variable, does not: so do the generated conditions of the webhooks judge.
pub(super) fn starts_tiller(container: &Container<'_>) -> bool {
    let names = |text: &str| has_word(text, signs::PROGRAM) || joins_variables(text);
    let starts = |command: &mut dyn Iterator<Item = &str>| {
        let words: Vec<&str> = command.collect();
        let by_variable = || {
            words.iter().any(|word| word.contains('$'))
                && container.env.iter().any(|variable| names(&variable.value))
        };
        (words.iter().any(|word| names(word)) || by_variable()) && run(&words, container).tiller
    };
    starts(&mut launch(container))
        || container
            .beside()
            .any(|it| starts(&mut it.command.iter().map(Text::as_str)))
}

/// What the container's launch starts.
pub(super) fn started(container: &Container<'_>) -> Started {
    let words: Vec<&str> = launch(container).collect();
    run(&words, container)
}

fn launch<'c>(container: &'c Container<'_>) -> impl Iterator<Item = &'c str> {
    let words = container.command.iter().chain(&container.args);
    image_program(container)
        .into_iter()
        .chain(words.map(Text::as_str))
}

/// The program that an image of Helm's client starts, where `args` give it a command: `[tiller, list]` is one of the plugin
/// `tiller`. Tiller itself takes flags only.
fn image_program(container: &Container<'_>) -> Option<&'static str> {
    let [first, second, ..] = &*container.args else {
        return None;
    };
    let names_command = *first == signs::PROGRAM && !second.starts_with('-');
    let is_clients = || {
        has_word(
            ImageReference::parse(&container.image).base_name(),
            signs::CLIENT,
        )
    };
    (container.command.is_empty() && names_command && is_clients()).then_some(signs::CLIENT)
}

/// What a command starts in a container. One of more words than a program can be started with is not read, and may be Tiller.
fn run(command: &[&str], container: &Container<'_>) -> Started {
    let mut interpreter = Interpreter {
        found: Started::default(),
        variables: Variables::of_container(&container.env, MAX_EXPANDED),
        positional: Vec::new(),
        unshifted: Vec::new(),
        depth: 0,
        reads_input: false,
        files: Files::default(),
        functions: Functions::default(),
        taken: Vec::new(),
        again: false,
    };
    if command.len() > MAX_WORDS {
        interpreter.found.tiller = true;
        return interpreter.found;
    }
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

/// Whether the kubelet may put the word together: from a variable and letters beside it, or from several variables and the
/// letters between them.
fn joins_variables(text: &str) -> bool {
    let begins = |before: &str| {
        (1..signs::PROGRAM.len())
            .filter_map(|end| signs::PROGRAM.get(..end))
            .any(|part| before.ends_with(part))
    };
    let goes_on = |after: &str| {
        (1..signs::PROGRAM.len())
            .filter_map(|start| after.strip_prefix(signs::PROGRAM.get(start..)?))
            .any(|rest| !rest.starts_with(|it: char| it.is_ascii_alphabetic()))
            || signs::INNER_LETTERS
                .into_iter()
                .fold(after, |after, letter| {
                    after.strip_prefix(letter).unwrap_or(after)
                })
                .starts_with("$(")
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

    /// Whether there is room for so many bytes more that are put in, or read again. Where there is none, it may be Tiller.
    fn has_room(&mut self, bytes: usize) -> bool {
        self.found.tiller |= !self.variables.charge(bytes);
        !self.found.tiller
    }

    /// Reads a shell's command line that gets these as `$0`, `$1` …
    fn line(&mut self, line: &str, positional: &[String]) {
        self.with_arguments(positional, |interpreter| line::read(interpreter, line));
    }

    /// Does this one level deeper, with these as `$0`, `$1` …
    fn with_arguments(&mut self, positional: &[String], read: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.positional, positional.to_vec());
        let unshifted = std::mem::take(&mut self.unshifted);
        self.deeper(read);
        self.positional = outer;
        self.unshifted = unshifted;
    }
}
