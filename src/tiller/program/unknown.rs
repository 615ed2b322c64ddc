//! Programs of which nothing is known: what of their arguments they may start.

use super::Interpreter;
use super::known::{SERVERS, SHELLS, STARTERS, keeps};
use super::name::{file_name, is_path_of_tiller, is_program_path, is_tiller};
use crate::tiller::flags::is_guarded_flag;

/// Words in the name of an option whose value is started: `--exec`, `-command`, `--args`.
#[rustfmt::skip]
const STARTING: [&str; 16] = [
    "app", "args", "cmd", "command", "daemon", "entrypoint", "exec", "execute", "launch", "main", "program", "run", "server",
    "service", "spawn", "start",
];

/// Those of them by which a program without its path is one too.
const COMMANDS: [&str; 6] = ["cmd", "command", "entrypoint", "exec", "execute", "spawn"];

/// Words in the name of an option whose value is a file, a folder, an address or a name: it is not started.
#[rustfmt::skip]
const VALUED: [&str; 79] = [
    "add", "address", "arg", "base", "basedir", "basepath", "bin", "binary", "bind", "ca", "cache", "cert", "chdir", "conf", "config",
    "context", "copy", "cwd", "data", "datadir", "db", "dest", "destination", "dir", "directory", "dst", "endpoint", "env", "exclude",
    "file", "files", "filter", "folder", "from", "home", "host", "href", "id", "image", "include", "input", "key", "label", "location",
    "log", "logfile", "match", "mount", "mountpoint", "name", "namespace", "out", "output", "path", "pid", "pidfile", "point",
    "prefix", "repo", "root", "rootdir", "route", "skip", "socket", "source", "src", "state", "static", "storage", "store",
    "target", "template", "tiller", "to", "uri", "url", "volume", "watch", "workdir",
];

/// Short options that mostly come without a value.
const SWITCHES: [char; 9] = ['0', 'R', 'a', 'e', 'k', 'q', 'r', 'x', 'y'];

/// What clients of a store do with what their arguments name: `etcdctl get /tiller`, `vault kv put secret/tiller`.
#[rustfmt::skip]
const VERBS: [&str; 38] = [
    "add", "analyze", "cat", "check", "cp", "create", "del", "delete", "describe", "download", "export", "get", "hash",
    "import", "info", "inspect", "install", "list", "ls", "mkdir", "pull", "push", "put", "read", "remove", "rm",
    "scan", "set", "show", "sign", "stat", "uninstall", "unset", "upload", "validate", "verify", "watch", "write",
];

/// How many of the first arguments may be a client's commands.
const COMMAND_DEPTH: usize = 2;

impl Interpreter<'_> {
    /// A program of which nothing is known may start what its arguments name as a program: by its path, after `--`, by an
    /// option that says so, or by a shell's line.
    pub(super) fn unknown(&mut self, name: &str, arguments: &[String]) {
        let mut words = name.split(|it: char| !it.is_ascii_alphabetic());
        let starts = words.clone().any(|word| STARTERS.contains(&word));
        let last = words.clone().next_back().unwrap_or_default();
        let serves = words.any(|word| SERVERS.contains(&word))
            || SERVERS.iter().any(|it| last.ends_with(it));
        let keeps = keeps(name);
        let is_word = |it: &&String| it.bytes().all(|it| it.is_ascii_lowercase());
        let plain = arguments.iter().filter(|it| !it.starts_with('-'));
        let mut commands = plain.take_while(is_word).take(COMMAND_DEPTH);
        let asks = keeps || commands.any(|it| VERBS.contains(&it.as_str()));
        for (index, argument) in arguments.iter().enumerate() {
            let rest = arguments.get(index..).unwrap_or_default();
            let is_first = index == 0 && starts;
            let before = index.checked_sub(1).and_then(|at| arguments.get(at));
            let before = before.map_or("", String::as_str);
            let follows = before == "--" && !serves && !keeps;
            let is_shell = SHELLS.contains(&file_name(argument))
                && rest.get(1).is_some_and(|it| it.starts_with('-'));
            if is_first || follows || is_shell {
                return self.deeper(|interpreter| interpreter.command(rest));
            }
            if let Some(line) = started_by_option(before, argument) {
                self.line(line, &[]);
            }
            let first = argument.split_ascii_whitespace().next().unwrap_or_default();
            let has_flags = rest.get(1).is_some_and(|it| is_guarded_flag(it));
            let mut line = argument.split_ascii_whitespace().skip(1);
            let is_program = if has_flags {
                is_path_of_tiller(first)
            } else if line.next().is_some_and(is_guarded_flag) {
                is_tiller(file_name(first))
            } else {
                is_program_path(first)
                    && !(serves || asks || is_value(before, argument) || self.folders.hold(first))
            };
            if is_program {
                self.found.tiller = true;
                return;
            }
        }
    }
}

/// The command line in an argument, where it or the option before it says that it is started: `--exec tiller`, `-command=tiller`,
/// `EXEC:/tiller`.
fn started_by_option<'w>(before: &str, argument: &'w str) -> Option<&'w str> {
    let is_command = |name: &str| any_word(name, |word| COMMANDS.contains(&word));
    if is_long(before) && !before.contains('=') && is_command(before) {
        return Some(argument);
    }
    let at = argument.find(['=', ':'])?;
    let (name, value) = argument.split_at_checked(at)?;
    let is_option = name.starts_with('-') || name.bytes().all(|it| it.is_ascii_uppercase());
    // `socat` has options of its own after a comma.
    let line = value.get(1..)?.split(',').next()?;
    (is_option && (is_command(name) || name == "SYSTEM")).then_some(line)
}

/// Whether an argument is the value of an option that does not start it, or holds one: `--root /tiller`, `--bin=/bin/tiller`.
fn is_value(before: &str, argument: &str) -> bool {
    let joined = argument.split_once('=').map(|(name, _)| name);
    takes_value(joined.filter(|it| it.starts_with('-')).unwrap_or(before))
}

/// Whether an option takes the next argument as a value that is not started.
fn takes_value(option: &str) -> bool {
    if option.len() < 2 || !option.starts_with('-') || option.contains('=') {
        return false;
    }
    if is_long(option) {
        return !any_word(option, |word| STARTING.contains(&word))
            && any_word(option, |word| VALUED.iter().any(|it| names(word, it)));
    }
    !option.ends_with(SWITCHES)
}

/// Whether a word in an option's name is this one, or ends with it: `keystore`.
fn names(word: &str, valued: &str) -> bool {
    word == valued || valued.len() > 2 && word.ends_with(valued)
}

/// Whether an option is more than letters that are joined.
fn is_long(option: &str) -> bool {
    option.starts_with("--") || option.starts_with('-') && option.len() > 3
}

/// Whether this holds of a word in an option's name.
fn any_word(name: &str, holds: impl Fn(&str) -> bool) -> bool {
    name.split(|it: char| !it.is_ascii_alphanumeric())
        .any(|word| holds(&word.to_ascii_lowercase()))
}
