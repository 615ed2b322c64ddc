//! Programs that handle files, texts and hosts, and start what an option of theirs says: `tar --to-command=COMMAND`,
//! `git -c core.pager=COMMAND`, `vi -c '!COMMAND'`.

use super::name::file_name;
use super::{Interpreter, code, sed};

/// How a value says what is started.
#[derive(Debug, Clone, Copy)]
enum Says {
    /// It is the command line.
    Line,
    /// It sets something to a command line: `core.pager=COMMAND`, `ProxyCommand COMMAND`.
    Setting,
    /// By what stands after one of these marks: `:r !COMMAND`.
    After(&'static [&'static str]),
    /// By code: `call system('COMMAND')`.
    Code,
}

/// Options by which programs start something: `+` and the empty one are how an argument begins.
struct Starting {
    programs: &'static [&'static str],
    options: &'static [&'static str],
    says: Says,
}

const fn starting(
    programs: &'static [&'static str],
    options: &'static [&'static str],
    says: Says,
) -> Starting {
    Starting {
        programs,
        options,
        says,
    }
}

/// Vim under its names.
#[rustfmt::skip]
const EDITORS: [&str; 8] = ["ex", "gvim", "nvim", "rvim", "vi", "view", "vim", "vimdiff"];

/// Source: the manuals of GNU tar, coreutils, git, rsync, OpenSSH, man-db, Info-ZIP, vim, less, gdb, `PostgreSQL`, `MySQL` and `SQLite`.
#[rustfmt::skip]
static STARTING: [Starting; 22] = [
    starting(&["tar", "gtar"], &["-I", "-F", "--to-command", "--use-compress-program", "--rsh-command", "--info-script",
        "--new-volume-script"], Says::Line),
    starting(&["tar", "gtar"], &["--checkpoint-action"], Says::Setting),
    starting(&["git"], &["--exec", "--extcmd", "--index-filter", "--msg-filter", "--receive-pack", "--tree-filter",
        "--upload-pack"], Says::Line),
    starting(&["git"], &["-c"], Says::Setting),
    starting(&["rsync"], &["-e", "--rsh"], Says::Line),
    starting(&["scp", "sftp"], &["-S"], Says::Line),
    starting(&["scp", "sftp", "ssh"], &["-o"], Says::Setting),
    starting(&["apt", "apt-get"], &["-o", "--option"], Says::Setting),
    starting(&["gmake", "make"], &["--eval"], Says::Line),
    starting(&["man"], &["-P", "--pager"], Says::Line),
    starting(&["sort"], &["--compress-program"], Says::Line),
    starting(&["split"], &["--filter"], Says::Line),
    starting(&["tcpdump"], &["-z"], Says::Line),
    starting(&["wget"], &["--use-askpass"], Says::Line),
    starting(&["zip"], &["-TT", "--unzip-command"], Says::Line),
    starting(&EDITORS, &["-c", "--cmd", "+"], Says::After(&["!"])),
    starting(&EDITORS, &["-c", "--cmd", "+"], Says::Code),
    starting(&["less", "more"], &["+"], Says::After(&["!"])),
    starting(&["gdb"], &["-ex", "-iex", "-eval-command", "--eval-command"], Says::After(&["!", "shell "])),
    starting(&["gdb"], &["-ex", "-iex", "-eval-command", "--eval-command"], Says::Code),
    starting(&["mariadb", "mysql", "psql"], &["-c", "-e", "--command", "--execute"], Says::After(&["\\!"])),
    starting(&["sqlite3"], &["-cmd", ""], Says::After(&[".shell ", ".system "])),
];

/// How the names of settings end whose value is started.
#[rustfmt::skip]
const SETTINGS: [&str; 11] = [
    "askpass", "cmd", "command", "editor", "exec", "external", "fsmonitor", "invoke", "pager", "program", "textconv",
];

impl Interpreter<'_> {
    /// What a program of this name starts by its options.
    pub(super) fn by_options(&mut self, name: &str, arguments: &[String]) {
        if matches!(name, "gsed" | "sed") {
            return self.edits(arguments);
        }
        for starting in STARTING.iter().filter(|it| it.programs.contains(&name)) {
            for value in values(arguments, starting.options) {
                self.said(value, starting.says);
            }
        }
        if name == "git" {
            self.git(arguments);
        }
    }

    /// `git submodule foreach COMMAND` and `git bisect run COMMAND`.
    fn git(&mut self, arguments: &[String]) {
        let runs = |pair: &[String]| match pair {
            [command, own] => {
                command == "submodule" && own == "foreach" || command == "bisect" && own == "run"
            }
            _ => false,
        };
        if let Some(at) = arguments.windows(2).position(runs) {
            let line = arguments.get(at + 2..).unwrap_or_default().join(" ");
            self.line(&line, &[]);
        }
    }

    fn said(&mut self, value: &str, says: Says) {
        match says {
            Says::Line => self.line(value, &[]),
            Says::Setting => {
                let (name, line) = value.split_once(['=', ' ']).unwrap_or((value, ""));
                let name = name.trim_end_matches(':').to_ascii_lowercase();
                let is_command = SETTINGS.iter().any(|it| name.ends_with(it));
                let starts = name.starts_with("pager.") || is_command && name != "color.pager";
                // `alias.x=!COMMAND`.
                if let Some(line) = line.strip_prefix('!').or_else(|| starts.then_some(line)) {
                    self.line(line, &[]);
                }
            }
            Says::After(marks) => {
                for line in value.lines() {
                    if let Some(command) = marks.iter().find_map(|mark| after(line, mark)) {
                        self.line(command, &[]);
                    }
                }
            }
            Says::Code => self.deeper(|interpreter| code::read(interpreter, value)),
        }
    }

    /// What a script of `sed` starts, and what it reads.
    fn edits(&mut self, arguments: &[String]) {
        let mut scripts: Vec<String> = values(arguments, &["-e", "--expression"])
            .map(str::to_owned)
            .collect();
        for file in values(arguments, &["-f", "--file"]) {
            scripts.extend(self.files.text(file_name(file)).map(str::to_owned));
        }
        if scripts.is_empty() {
            scripts.extend(arguments.iter().find(|it| !it.starts_with('-')).cloned());
        }
        for script in scripts {
            if !self.has_room(script.len()) {
                return;
            }
            for command in sed::commands(&script) {
                self.reads_input |= command.is_empty();
                self.line(command, &[]);
            }
        }
    }
}

/// What stands in a line after a mark that does not follow a letter: in `:q! tiller` it does.
fn after<'l>(line: &'l str, mark: &str) -> Option<&'l str> {
    let (before, after) = line.split_once(mark)?;
    (!before.ends_with(|it: char| it.is_ascii_alphabetic())).then_some(after)
}

/// The values of these options: after them, or in the same word.
fn values<'w>(
    arguments: &'w [String],
    options: &'static [&'static str],
) -> impl Iterator<Item = &'w str> {
    arguments
        .iter()
        .enumerate()
        .filter_map(move |(index, argument)| {
            let next = || arguments.get(index + 1).map(String::as_str);
            options
                .iter()
                .find_map(|option| value(argument, option, next))
        })
}

/// The value of an option in a word, or in the next one.
fn value<'w>(
    word: &'w str,
    option: &str,
    next: impl FnOnce() -> Option<&'w str>,
) -> Option<&'w str> {
    if option.starts_with("--") {
        // GNU's programs take the beginning of a long option's name for it.
        let (name, value) = word
            .split_once('=')
            .map_or((word, None), |(name, value)| (name, Some(value)));
        let is_option = name.len() > 4 && name.starts_with("--") && option.starts_with(name);
        return is_option.then(|| value.or_else(next)).flatten();
    }
    let Some(letters) = option.strip_prefix('-') else {
        // `+COMMAND`, and any other argument.
        return word.strip_prefix(option).filter(|_| !word.starts_with('-'));
    };
    if word == option {
        return next();
    }
    if letters.len() > 1 || word.starts_with("--") || !word.starts_with('-') {
        return None;
    }
    match word.strip_suffix(letters) {
        Some(_) => next(),
        None => word.strip_prefix(option),
    }
}
