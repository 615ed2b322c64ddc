//! From the words of one command to what it starts.

use super::known::{
    CLIENTS, COPIERS, DOWNLOADERS, HANDLERS, LATER, LINE_RUNNERS, SHELLS, USER_CHANGERS,
};
use super::name::{file_name, is_program_path, is_tiller};
use super::runner::Runner;
use super::wrapper::{Inner, Wrapper};
use super::{Interpreter, code, pattern};
use crate::tiller::signs;
use crate::tiller::word::{Named, named};

/// The commands of Helm's plugin `tiller` that start one: `helm tiller run NAMESPACE -- COMMAND`. It is Tiller itself that
/// runs then in this pod, with the rights of its account and without TLS, on loopback, which `kubectl port-forward` reaches.
const PLUGIN_STARTS: [&str; 3] = ["run", "start", "start-ci"];

/// What `find` starts for each file.
const FIND_ACTIONS: [&str; 4] = ["-exec", "-execdir", "-ok", "-okdir"];

impl Interpreter<'_> {
    /// Finds what a command of these words starts.
    pub(super) fn command(&mut self, words: &[String]) {
        if self.call(words) {
            return;
        }
        let mut words = words;
        // Each turn drops a word, so that this ends.
        while let Some((program, arguments)) = words.split_first() {
            let name = file_name(program);
            if program.starts_with('-') {
                return self.unknown(name, arguments);
            }
            if self.folders.hold(program) {
                return;
            }
            if self.is_tiller(name) || matches(name, signs::PROGRAM) {
                self.found.tiller |= !only_answers(arguments) || self.depth == 0;
                return;
            }
            self.stored(name, words);
            self.managed(name, arguments);
            self.by_options(name, arguments);
            // `/init` is that of s6; another program of the name gets words.
            let is_other_init = name == "init" && !program.starts_with('/');
            if let Some(wrapper) = Wrapper::find(name).filter(|_| !is_other_init) {
                if wrapper.name == "parallel"
                    && let Some(at) = arguments.iter().position(|it| it.starts_with(":::"))
                {
                    return self.parallel(wrapper, arguments, at);
                }
                match wrapper.inner(arguments) {
                    // `command -v tiller` asks where it is.
                    Inner::Command(_) if name == "command" && asks(arguments) => return,

                    // One that starts itself time and again takes a time that grows with the square of the words.
                    Inner::Command(inner) if self.has_room(inner.len()) => words = inner,
                    Inner::Command(_) => return,
                    Inner::Line(line) => return self.line(&line, &[]),
                }
                continue;
            }
            return self.program(name, arguments);
        }
    }

    fn program(&mut self, name: &str, arguments: &[String]) {
        match arguments.split_first().map(first) {
            // From another container, host or store.
            Some(("cp", paths)) => self.files.copy(paths),
            _ if matches!(name, "rsync" | "scp") => self.files.copy(arguments),
            _ => {}
        }
        if CLIENTS.contains(&name) || named(name) == Named::AboutTiller {
            self.found.client = true;
            self.found.tiller |= name.starts_with("helm") && starts_by_plugin(arguments);
        } else if SHELLS.contains(&name) {
            self.shell(arguments);
        } else if USER_CHANGERS.contains(&name) {
            self.as_user(name, arguments);
        } else if COPIERS.contains(&name) {
            self.files.copy(arguments);
        } else if DOWNLOADERS.contains(&name) {
            self.files.download(arguments);
        } else if let Some(runner) = Runner::find(name) {
            self.run_by(runner, arguments);
        } else if LATER.contains(&name) {
            self.reads_input = true;
        } else if LINE_RUNNERS.contains(&name) {
            for line in arguments.iter().filter(|it| !it.starts_with('-')) {
                self.line(line, &[]);
            }
        } else if name == "go" {
            self.go(arguments);
        } else if name == "find" {
            self.find(arguments);
        } else if name == "eval" {
            self.line(&arguments.join(" "), &[]);
        } else if name == "trap" {
            if let Some(line) = arguments.iter().find(|it| !it.starts_with('-')) {
                self.line(line, &[]);
            }
        } else if name == "start-stop-daemon" {
            self.daemon(arguments);
        } else if name == "capsh" {
            let mut words = arguments.split(|it| it == "--" || it == "==");
            let _own = words.next();
            words.for_each(|shell| self.shell(shell));
        } else if matches!(name, "." | "source") {
            match arguments.first() {
                Some(script) => self.stored(file_name(script), arguments),
                // `source <(COMMAND)`.
                None => self.reads_input = true,
            }
        } else if code::is_interpreter(name) {
            self.interpreted(name, arguments);
        } else if !HANDLERS.contains(&name) {
            self.unknown(name, arguments);
        }
    }

    /// An interpreter of code: the code among its arguments, or in a file that was written before.
    fn interpreted(&mut self, name: &str, arguments: &[String]) {
        if let Some(code) = code::given(name, arguments) {
            self.deeper(|interpreter| code::read(interpreter, code));
        } else if let Some(at) = arguments.iter().position(|it| !it.starts_with('-'))
            && let Some((script, own)) = arguments.get(at..).and_then(<[String]>::split_first)
        {
            let length = self.files.text(file_name(script)).map(str::len);
            if let Some(length) = length
                && self.has_room(length)
            {
                let code = self
                    .files
                    .text(file_name(script))
                    .unwrap_or_default()
                    .to_owned();
                self.deeper(|interpreter| code::read(interpreter, &code));
            }
            // The script may start what it is given; it is none of Tiller's binaries itself.
            self.unknown(name, own);
        }
    }

    /// `su`, `runuser` and `sg`: a user or group comes before what its shell gets, and `-s` names the shell.
    fn as_user(&mut self, name: &str, arguments: &[String]) {
        if let Some(shell) = value_after(arguments, 's', "--shell") {
            self.command(std::slice::from_ref(&shell.to_owned()));
        }
        if let Some(line) = value_after(arguments, 'c', "--command") {
            return self.line(line, &[]);
        }
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                // With a user by option, `runuser` starts the program itself.
                "-u" | "--user" => return self.after_user(words.as_slice()),
                "-g" | "-G" | "-s" | "-w" | "--group" | "--supp-group" | "--shell" => {
                    let _value = words.next();
                }
                user if user.starts_with("--user=") => return self.after_user(words.as_slice()),
                option if option.starts_with('-') => {}
                _ if name == "sg" => return self.line(&words.as_slice().join(" "), &[]),
                _ if words.as_slice().is_empty() => return,
                _ => return self.shell(words.as_slice()),
            }
        }
    }

    /// What follows `-u`: the user perhaps, options, and the program.
    fn after_user(&mut self, words: &[String]) {
        let at = words.iter().position(|it| it == "--").map(|it| it + 1);
        let started = words.get(at.unwrap_or(1)..).unwrap_or_default();
        self.deeper(|interpreter| interpreter.command(started));
    }

    /// `find`: what it starts for each file, `{}` in it being a file that it finds.
    fn find(&mut self, arguments: &[String]) {
        let is_action = |it: &String| FIND_ACTIONS.contains(&it.as_str());
        let Some(at) = arguments.iter().position(is_action) else {
            return;
        };
        let (tests, action) = arguments.split_at_checked(at).unwrap_or_default();
        let finds_tiller = tests.iter().any(|it| {
            self.is_tiller(file_name(it)) || !it.starts_with('-') && matches(it, signs::PROGRAM)
        });
        let found = if finds_tiller { signs::PROGRAM } else { "{}" };
        let command = action.iter().skip(1);
        let command: Vec<String> = command.map(|it| it.replace("{}", found)).collect();
        self.deeper(|interpreter| interpreter.command(&command));
    }

    /// `go run PACKAGE` starts it, and `go build -o FILE PACKAGE` makes a file of it.
    fn go(&mut self, arguments: &[String]) {
        let is_package = |it: &String| {
            let package = it.split('@').next().unwrap_or(it);
            let package = package.trim_end_matches("/...").trim_end_matches(".go");
            self.is_tiller(file_name(package.trim_end_matches("/main")))
                || package.ends_with("/tiller/tiller")
        };
        let Some(("build" | "run", words)) = arguments.split_first().map(first) else {
            return;
        };
        let runs = arguments.first().is_some_and(|it| it == "run");
        let is_path =
            |it: &&String| !it.starts_with('-') && (it.contains('/') || has_ending(it, "go"));
        // What follows the package is the program's own.
        let mut paths = words
            .iter()
            .filter(is_path)
            .take(if runs { 1 } else { usize::MAX });
        if !paths.any(is_package) {
            return;
        }
        if runs {
            self.found.tiller = true;
        } else if let Some(file) = value_after(words, 'o', "--output") {
            self.files.name_tiller(file);
        }
    }

    /// `start-stop-daemon`: the program that `-x` or `-a` names, with the words after `--`.
    fn daemon(&mut self, arguments: &[String]) {
        for (short, long) in [('x', "--exec"), ('a', "--startas")] {
            if let Some(program) = value_after(arguments, short, long) {
                let at = arguments.iter().position(|it| it == "--");
                let words = at.and_then(|at| arguments.get(at + 1..));
                let mut command = vec![program.to_owned()];
                command.extend_from_slice(words.unwrap_or_default());
                self.deeper(|interpreter| interpreter.command(&command));
            }
        }
    }

    /// Whether a program of this name is Tiller, or a copy of it.
    pub(super) fn is_tiller(&self, name: &str) -> bool {
        is_tiller(name) || self.files.is_tiller(name)
    }

    /// A shell with these arguments: the line after `-c`, or a script.
    fn shell(&mut self, arguments: &[String]) {
        let mut rest = arguments.iter();
        let (mut has_line, mut has_input) = (false, false);
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
                    has_input |= option.contains('s');
                    if option.ends_with(['o', 'O']) {
                        let _value = rest.next();
                    }
                }
                _ if has_line => return self.lines_of(left),
                _ if has_input => return self.input_with(left),
                _ => return self.operand(left),
            }
        }
        match rest.as_slice() {
            [] => self.reads_input = true,
            left if has_line => self.lines_of(left),
            left if has_input => self.input_with(left),
            left => self.operand(left),
        }
    }

    /// A script by its path, with its arguments. A shell does not start a program that it is given as a script: "cannot execute binary
    /// file".
    fn operand(&mut self, words: &[String]) {
        match words.first().map(|it| file_name(it)) {
            Some(name) if self.is_tiller(name) => self.stored(name, words),
            _ => self.deeper(|interpreter| interpreter.command(words)),
        }
    }

    /// A script from standard input with these as `$1`, `$2` …: `curl URL | bash -s -- tiller` names what the script
    /// installs. A path of Tiller counts as a start.
    fn input_with(&mut self, positional: &[String]) {
        self.reads_input = true;
        let path = positional.iter().position(|it| is_program_path(it));
        if let Some(named) = path.and_then(|at| positional.get(at..)) {
            self.deeper(|interpreter| interpreter.command(named));
        }
    }

    /// The line, and what it gets as `$0`, `$1` …
    fn lines_of(&mut self, words: &[String]) {
        if let Some((line, positional)) = words.split_first() {
            self.line(line, positional);
        }
    }
}

/// Whether a pattern with `*` or `?` in it, not of those alone, matches a name.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern = file_name(pattern);
    pattern.contains(['*', '?'])
        && pattern.contains(|it: char| it.is_ascii_alphabetic())
        && pattern::matches(pattern, name)
}

/// Whether a file's name ends so, after a dot.
fn has_ending(name: &str, ending: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, it)| it == ending)
}

fn first<'w>((word, rest): (&'w String, &'w [String])) -> (&'w str, &'w [String]) {
    (word, rest)
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

/// The value of an option, short (at the end of others: `-lc LINE`) or long (`--command=LINE` too).
fn value_after<'w>(arguments: &'w [String], short: char, long: &str) -> Option<&'w str> {
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
