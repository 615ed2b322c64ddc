//! From the words of one command to what it starts.

use super::wrapper::{Inner, Wrapper};
use super::{Interpreter, code};
use crate::tiller::flags::is_guarded_flag;
use crate::tiller::signs;
use crate::tiller::word::{Named, named};

/// Programs that read a command line: `-c` names it, and else they read their input.
const SHELLS: [&str; 8] = ["ash", "bash", "dash", "fish", "ksh", "mksh", "sh", "zsh"];

/// Programs that talk to a Tiller or about one.
const CLIENTS: [&str; 6] = ["helm", "helm2", "helmfile", "helmsman", "kubectl", "oc"];

/// The commands of Helm's plugin `tiller` that start one: `helm tiller run NAMESPACE -- COMMAND`. It is Tiller itself that
/// runs then in this pod, with the rights of its account and without TLS, on loopback, which `kubectl port-forward` reaches.
const PLUGIN_STARTS: [&str; 3] = ["run", "start", "start-ci"];

/// Programs that handle files, texts and hosts, and start nothing in this container: a path in their arguments is no start.
const HANDLERS: [&str; 120] = [
    "[",
    "[[",
    "alias",
    "apk",
    "apt-get",
    "awk",
    "aws",
    "az",
    "b2sum",
    "base64",
    "basename",
    "bzip2",
    "cargo",
    "cat",
    "cd",
    "chgrp",
    "chmod",
    "chown",
    "cksum",
    "cmp",
    "cosign",
    "cp",
    "crane",
    "crictl",
    "curl",
    "cut",
    "dd",
    "declare",
    "diff",
    "dirname",
    "docker",
    "du",
    "echo",
    "export",
    "file",
    "gcloud",
    "git",
    "go",
    "grep",
    "gsutil",
    "gunzip",
    "gzip",
    "hash",
    "head",
    "hexdump",
    "http",
    "install",
    "kill",
    "killall",
    "ldconfig",
    "ldd",
    "less",
    "ln",
    "local",
    "logger",
    "ls",
    "make",
    "mc",
    "md5sum",
    "minikube",
    "mkdir",
    "mount",
    "mv",
    "nerdctl",
    "nm",
    "npm",
    "objdump",
    "od",
    "openssl",
    "oras",
    "patchelf",
    "pgrep",
    "pidof",
    "pkill",
    "pnpm",
    "podman",
    "printf",
    "pytest",
    "rclone",
    "readelf",
    "readlink",
    "realpath",
    "restic",
    "rg",
    "rm",
    "rsync",
    "scp",
    "sed",
    "setcap",
    "sha1sum",
    "sha224sum",
    "sha256sum",
    "sha384sum",
    "sha512sum",
    "skopeo",
    "sort",
    "ssh",
    "stat",
    "strings",
    "strip",
    "sum",
    "sync",
    "tail",
    "tar",
    "tee",
    "test",
    "touch",
    "trivy",
    "type",
    "umount",
    "unzip",
    "upx",
    "wc",
    "wget",
    "which",
    "xxd",
    "xz",
    "yarn",
    "zip",
    "zstd",
];

/// What `find` starts for each file.
const FIND_ACTIONS: [&str; 4] = ["-exec", "-execdir", "-ok", "-okdir"];

/// Words in the name of a program that starts what its arguments name.
const STARTERS: [&str; 4] = ["entrypoint", "exec", "supervise", "wrapper"];

/// Words after `tiller` in a file's name that tell its version or its machine.
const EDITIONS: [&str; 12] = [
    "aarch", "alpha", "amd", "arm", "beta", "bin", "darwin", "linux", "rc", "static", "v", "x",
];

impl Interpreter<'_> {
    /// Finds what a command of these words starts.
    pub(super) fn command(&mut self, words: &[String]) {
        let mut words = words;
        // Each turn drops a word, so that this ends.
        while let Some((program, arguments)) = words.split_first() {
            let name = file_name(program);
            if program.starts_with('-') {
                return self.unknown(name, arguments);
            }
            if is_tiller(name) {
                self.found.tiller |= !only_answers(arguments) || self.depth == 0;
                return;
            }
            if let Some(wrapper) = Wrapper::find(name) {
                match wrapper.inner(arguments) {
                    // `command -v tiller` asks where it is.
                    Inner::Command(_) if name == "command" && asks(arguments) => return,

                    Inner::Command(inner) => words = inner,
                    Inner::Line(line) => return self.line(&line, &[]),
                }
                continue;
            }
            return self.program(name, arguments);
        }
    }

    fn program(&mut self, name: &str, arguments: &[String]) {
        if CLIENTS.contains(&name) || named(name) == Named::AboutTiller {
            self.found.client = true;
            self.found.tiller |= name.starts_with("helm") && starts_by_plugin(arguments);
        } else if SHELLS.contains(&name) {
            self.shell(arguments);
        } else if name == "su" {
            if let Some(line) = line_after(arguments, 'c', "--command") {
                self.line(line, &[]);
            }
        } else if name == "find" {
            let is_action = |it: &String| FIND_ACTIONS.contains(&it.as_str());
            if let Some(at) = arguments.iter().position(is_action) {
                let command = arguments.get(at + 1..).unwrap_or_default();
                self.deeper(|interpreter| interpreter.command(command));
            }
        } else if name == "eval" {
            self.line(&arguments.join(" "), &[]);
        } else if name == "trap" {
            if let Some(line) = arguments.iter().find(|it| !it.starts_with('-')) {
                self.line(line, &[]);
            }
        } else if let Some(code) = code::given(name, arguments) {
            self.deeper(|interpreter| code::read(interpreter, code));
        } else if !HANDLERS.contains(&name) {
            self.unknown(name, arguments);
        }
    }

    /// A shell with these arguments: the line after `-c`, or a script.
    fn shell(&mut self, arguments: &[String]) {
        let mut rest = arguments.iter();
        let mut has_line = false;
        loop {
            let left = rest.as_slice();
            let Some(argument) = rest.next() else {
                self.reads_input = true;
                return;
            };
            match argument.as_str() {
                "--" | "-" => break,
                "--rcfile" | "--init-file" => {
                    let _value = rest.next();
                }
                option if option.starts_with("--") => {}
                option if option.starts_with(['-', '+']) => {
                    has_line |= option.contains('c');
                    self.reads_input |= option.contains('s');
                    if option.ends_with(['o', 'O']) {
                        let _value = rest.next();
                    }
                }
                _ if has_line => return self.lines_of(left),
                _ => return self.command(left),
            }
        }
        match rest.as_slice() {
            [] => self.reads_input = true,
            left if has_line => self.lines_of(left),
            left => self.command(left),
        }
    }

    /// The line, and what it gets as `$0`, `$1` …
    fn lines_of(&mut self, words: &[String]) {
        if let Some((line, positional)) = words.split_first() {
            self.line(line, positional);
        }
    }

    /// A program of which nothing is known may start what its arguments name as a program: by its path, after `--`, or by a
    /// shell's line.
    fn unknown(&mut self, name: &str, arguments: &[String]) {
        let starts = name
            .split(|it: char| !it.is_ascii_alphabetic())
            .any(|word| STARTERS.contains(&word));
        for (index, argument) in arguments.iter().enumerate() {
            let rest = arguments.get(index..).unwrap_or_default();
            let is_first = index == 0 && starts;
            let follows = index > 0 && arguments.get(index - 1).is_some_and(|it| it == "--");
            let is_shell = SHELLS.contains(&file_name(argument))
                && rest.get(1).is_some_and(|it| it.starts_with('-'));
            if is_first || follows || is_shell {
                return self.deeper(|interpreter| interpreter.command(rest));
            }
            let is_program = argument
                .split_ascii_whitespace()
                .next()
                .is_some_and(is_program_path);
            if is_program && !is_value(arguments, index) {
                self.found.tiller = true;
                return;
            }
        }
    }
}

/// Whether an argument of an unknown program is an option's value: it follows an option, and no flag of Tiller follows it.
fn is_value(arguments: &[String], index: usize) -> bool {
    let is_option = |it: &String| it.len() > 1 && it.starts_with('-') && !it.contains('=');
    let before = index.checked_sub(1).and_then(|at| arguments.get(at));
    let after = arguments.get(index + 1);
    before.is_some_and(is_option) && !after.is_some_and(|it| is_guarded_flag(it))
}

/// The last component of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file of this name is Tiller: `tiller`, or with its version or machine after it.
fn is_tiller(name: &str) -> bool {
    let Some(edition) = name.strip_prefix(signs::PROGRAM) else {
        return false;
    };
    let is_name = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let mut words = edition.split(|it: char| !it.is_ascii_alphabetic());
    !edition.starts_with(|it: char| it.is_ascii_alphabetic())
        && edition.chars().all(is_name)
        && words.all(|word| word.is_empty() || EDITIONS.contains(&word))
}

/// Whether a word is the path of the program, where programs are: `/tiller`, `/usr/bin/tiller`, `./tiller`.
pub(super) fn is_program_path(word: &str) -> bool {
    let Some((folder, name)) = word.rsplit_once('/') else {
        return false;
    };
    is_tiller(name) && (matches!(folder, "" | ".") || folder.ends_with("bin"))
}

/// Whether Tiller only answers with its version or its flags, and ends.
fn only_answers(arguments: &[String]) -> bool {
    let asks = |it: &String| {
        matches!(
            it.as_str(),
            "-version" | "--version" | "-h" | "-help" | "--help"
        )
    };
    arguments.iter().any(asks)
}

fn asks(arguments: &[String]) -> bool {
    arguments
        .first()
        .is_some_and(|it| matches!(it.as_str(), "-v" | "-V"))
}

/// The value of an option that takes a line, short (at the end of others: `-lc LINE`) or long (`--command=LINE` too).
fn line_after<'w>(arguments: &'w [String], short: char, long: &str) -> Option<&'w str> {
    arguments.iter().enumerate().find_map(|(index, argument)| {
        let value = argument
            .strip_prefix(long)
            .and_then(|it| it.strip_prefix('='));
        let is_short =
            argument.starts_with('-') && !argument.starts_with("--") && argument.ends_with(short);
        value.or_else(|| {
            let next = arguments
                .get(index + 1)
                .filter(|_| is_short || argument == long);
            next.map(String::as_str)
        })
    })
}

/// Whether Helm's client is given a command of the plugin that starts Tiller.
fn starts_by_plugin(arguments: &[String]) -> bool {
    // Options come before the command; some take the next word as their value.
    let command = arguments.iter().enumerate().find(|(index, it)| {
        let before = index.checked_sub(1).and_then(|at| arguments.get(at));
        !it.starts_with('-')
            && (*it == signs::PROGRAM || !before.is_some_and(|it| it.starts_with('-')))
    });
    let Some((index, name)) = command else {
        return false;
    };
    let mut rest = arguments.iter().skip(index + 1);
    name == signs::PROGRAM
        && rest
            .find(|it| !it.starts_with('-'))
            .is_some_and(|it| PLUGIN_STARTS.contains(&it.as_str()))
}
