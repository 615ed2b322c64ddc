//! Which programs a container starts, as far as its manifest tells: `command` and `args` with the container's own variables
//! in them, through wrappers (`env`, `tini`, `sudo` …), shells and their command lines.
//!
//! What a command starts counts, not the letters in it: `--service-account tiller` is a value that another program gets. What is
//! hidden in a script or put together by a program at run time is not seen here: a Tiller's account is the last defence.

mod argv;
mod code;
mod files;
mod folders;
mod functions;
mod known;
mod line;
mod managed;
mod name;
mod options;
mod order;
mod pattern;
mod runner;
mod sed;
mod stored;
mod unknown;
mod variables;
mod wrapper;
mod wrappers;

use super::flags::is_guarded_flag;
use super::word::{Named, has_word, holds_tiller};
use super::{ImageReference, signs};
use crate::pod::{Container, PodSpec, Text, Volume};
use files::Files;
use folders::Folders;
use functions::Functions;
use known::SHELLS;
use order::Order;
use variables::Variables;
use wrapper::Wrapper;

/// How deep command lines may be nested in one another before the reader gives up.
const MAX_DEPTH: u8 = 24;

/// How many bytes variables may put into the command lines of one container. Linux starts no program with an argument of more
/// than half of it (`MAX_ARG_STRLEN`).
const MAX_EXPANDED: usize = 256 << 10;

/// How many words of a command are read. Linux starts no program with more than a quarter of its stack's limit, 2 MiB, of which
/// each word takes ten bytes or more.
const MAX_WORDS: usize = 200_000;

/// Whole words by which a command may start Tiller: its name, and what a shell's line makes it of, `t=till; ${t}er`. A name put
/// together of smaller parts is not looked for.
pub(super) const FRAGMENTS: [&str; 4] = [signs::PROGRAM, "till", "tille", "iller"];

/// First words of the names of images that have no program of their own, so that `args` name one.
#[rustfmt::skip]
const BASE_IMAGES: [&str; 17] = [
    "alpine", "amazonlinux", "archlinux", "bash", "busybox", "centos", "debian", "fedora", "golang", "leap", "opensuse",
    "oraclelinux", "photon", "rockylinux", "ubi", "ubuntu", "wolfi",
];

/// Stands for the program of an image of which nothing is known, and which gets a word.
const ENTRYPOINT: &str = "image-server";

/// Stands for the program of an image of which nothing is known, and which gets options.
const OPTIONED: &str = "image";

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
    /// What a manager was asked to start that reads its file from its input.
    reads_order: Option<Order>,
    files: Files,
    folders: Folders<'a>,
    functions: Functions,
    /// The variables with several values that the command that is read takes in.
    taken: Vec<String>,
    /// Whether a command is read again, with other values of variables.
    again: bool,
}

/// What a pod has ready for the commands of its containers.
#[derive(Debug, Default)]
pub(super) struct Prepared<'p> {
    /// What the containers write into files, for each other to start.
    files: Option<Files>,
    /// The volumes.
    volumes: &'p [Volume<'p>],
}

impl<'p> Prepared<'p> {
    /// What the commands of a pod's containers write, and its volumes. A container alone starts what it writes itself.
    pub(super) fn of(pod: &'p PodSpec<'p>) -> Self {
        Self {
            files: Self::files(pod),
            volumes: &pod.volumes,
        }
    }

    fn files(pod: &PodSpec<'_>) -> Option<Files> {
        let lists: [&[Container<'_>]; 3] = [
            &pod.containers,
            &pod.init_containers,
            &pod.ephemeral_containers,
        ];
        let count: usize = lists.iter().map(|list| list.len()).sum();
        let hooks = || {
            lists
                .iter()
                .copied()
                .flatten()
                .any(|it| it.beside().next().is_some())
        };
        if count < 2 && !hooks() {
            return None;
        }
        let mut written = Files::default();
        for container in lists.into_iter().flatten() {
            for command in commands(container) {
                if names_tiller(&command, container) {
                    written.add(run(&command, container, &Files::default(), &pod.volumes).files);
                }
            }
        }
        (!written.are_none()).then_some(written)
    }
}

/// Whether the container starts Tiller, by its launch, a hook or a probe. A command without the word, in itself or in a
/// variable, does not, but what it starts of the files that other commands of the pod have written: so do the generated conditions
/// of the webhooks judge.
pub(super) fn starts_tiller(container: &Container<'_>, prepared: &Prepared<'_>) -> bool {
    let nothing = Files::default();
    commands(container).any(|command| {
        let files = prepared.files.as_ref();
        (files.is_some() || names_tiller(&command, container))
            && run(
                &command,
                container,
                files.unwrap_or(&nothing),
                prepared.volumes,
            )
            .found
            .tiller
    })
}

/// Whether a shell's line, or a script, starts Tiller.
pub fn script_starts_tiller(text: &str) -> bool {
    let container = Container::default();
    FRAGMENTS.into_iter().any(|it| has_word(text, it))
        && run(&["sh", "-c", text], &container, &Files::default(), &[])
            .found
            .tiller
}

/// The commands of a container: its launch, and those of its hooks and probes.
fn commands<'c>(container: &'c Container<'_>) -> impl Iterator<Item = Vec<&'c str>> {
    let beside = container.beside();
    let beside = beside.map(|it| it.command.iter().map(Text::as_str).collect());
    std::iter::once_with(|| launch(container).collect()).chain(beside)
}

/// Whether a command, or a variable that it may take in, names the program.
fn names_tiller(command: &[&str], container: &Container<'_>) -> bool {
    let names =
        |text: &str| FRAGMENTS.into_iter().any(|it| has_word(text, it)) || joins_variables(text);
    let by_variable = || {
        command.iter().any(|word| word.contains('$'))
            && container.env.iter().any(|variable| names(&variable.value))
    };
    command.iter().any(|word| names(word)) || by_variable()
}

/// What the container's launch starts.
pub(super) fn started(container: &Container<'_>) -> Started {
    let words: Vec<&str> = launch(container).collect();
    run(&words, container, &Files::default(), &[]).found
}

fn launch<'c>(container: &'c Container<'_>) -> impl Iterator<Item = &'c str> {
    let words = container.command.iter().chain(&container.args);
    image_program(container)
        .into_iter()
        .chain(words.map(Text::as_str))
}

/// The program that an image starts, where `args` give it a word and not a program: `[tiller, list]` is a command of Helm's
/// plugin `tiller`, and to other programs it is whatever they make of it, as they make of options. An image without a program of its
/// own starts what `args` name, and Tiller's flags tell of Tiller. One that is called as a program
/// that keeps or checks files holds that program.
fn image_program<'c>(container: &'c Container<'_>) -> Option<&'c str> {
    let reference = ImageReference::parse(&container.image);
    let image = reference.base_name();
    let first = container.args.first()?;
    let has_options = container.command.is_empty() && first.starts_with('-');
    let names = || container.args.iter().any(|it| has_word(it, signs::PROGRAM));
    if container.command.is_empty() && names() && keeps_files(image) && !may_start(first) {
        return Some(image);
    }
    if !(has_options || has_argument(container)) || reference.named() == Named::Tiller {
        return None;
    }
    let first = image.split(|it: char| !it.is_ascii_alphabetic()).next();
    let is_base = first.is_some_and(|it| BASE_IMAGES.contains(&it));
    match (has_options, is_base) {
        // Of these only `bash` takes options, and starts its shell.
        (true, true) => Some("sh"),
        (true, false) => Some(OPTIONED),
        (false, _) if has_word(image, signs::CLIENT) => Some(signs::CLIENT),
        (false, is_base) => (!is_base).then_some(ENTRYPOINT),
    }
}

/// Whether an image is called as a program that keeps or checks files.
fn keeps_files(image: &str) -> bool {
    known::keeps(image) && !holds_tiller(image)
}

/// Whether the first of `args` is a program that starts others, or Tiller by its path: an image may start what it gets.
fn may_start(first: &str) -> bool {
    let name = name::file_name(first);
    name::is_program_path(first) || SHELLS.contains(&name) || Wrapper::find(name).is_some()
}

/// Whether the first of `args` is an argument called `tiller`: no path where programs are, and neither a command nor a flag of
/// Tiller's says that it is the program. An address never is.
fn has_argument(container: &Container<'_>) -> bool {
    container.command.is_empty()
        && container.args.split_first().is_some_and(|(first, rest)| {
            name::is_tiller(name::file_name(first))
                && !name::is_program_path(first)
                && (name::is_address(first) || !rest.iter().any(|it| is_guarded_flag(it)))
        })
}

/// Whether such an argument may be a program all the same, by its name or a path from the root: no kind before a name,
/// `sa/tiller`, and no image.
pub(super) fn is_argument_only(container: &Container<'_>) -> bool {
    let first = container.args.first().map_or("", Text::as_str);
    has_argument(container) && (!first.contains('/') || first.starts_with(['/', '.']))
}

/// What a command starts in a container where there are these files and volumes. One of more words than a program can be started
/// with is not read, and may be Tiller.
fn run<'c>(
    command: &[&str],
    container: &'c Container<'_>,
    files: &Files,
    volumes: &'c [Volume<'_>],
) -> Interpreter<'c> {
    let mut interpreter = Interpreter {
        found: Started::default(),
        variables: Variables::of_container(&container.env, MAX_EXPANDED),
        positional: Vec::new(),
        unshifted: Vec::new(),
        depth: 0,
        reads_input: false,
        reads_order: None,
        files: files.clone(),
        folders: Folders {
            mounts: &container.volume_mounts,
            volumes,
        },
        functions: Functions::default(),
        taken: Vec::new(),
        again: false,
    };
    if command.len() > MAX_WORDS {
        interpreter.found.tiller = true;
        return interpreter;
    }
    let words: Vec<String> = command
        .iter()
        .map(|word| interpreter.variables.expand(word).into_owned())
        .collect();
    interpreter.command(&words);
    if interpreter.variables.are_exhausted() {
        interpreter.found.tiller = true;
    }
    interpreter
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
