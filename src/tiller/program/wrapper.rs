//! Programs that start the program that their arguments name.

use std::borrow::Cow;
use std::slice::Iter;

/// A program that starts another one.
#[derive(Debug)]
pub(super) struct Wrapper {
    name: &'static str,
    /// Its options that take the next argument as their value.
    valued: &'static [&'static str],
    /// Its options whose value is a shell's command line.
    lines: &'static [&'static str],
    /// How many arguments of its own stand before the program.
    own: usize,
    /// Whether it passes program and arguments to a shell as one line.
    joins: bool,
}

/// What a wrapper starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inner<'w> {
    /// A program with its arguments.
    Command(&'w [String]),
    /// A shell's command line.
    Line(Cow<'w, str>),
}

const fn with(name: &'static str, valued: &'static [&'static str], own: usize) -> Wrapper {
    Wrapper {
        name,
        valued,
        lines: &[],
        own,
        joins: false,
    }
}

const fn with_line(
    name: &'static str,
    valued: &'static [&'static str],
    lines: &'static [&'static str],
    own: usize,
) -> Wrapper {
    Wrapper {
        name,
        valued,
        lines,
        own,
        joins: false,
    }
}

const fn joined(name: &'static str, valued: &'static [&'static str], own: usize) -> Wrapper {
    Wrapper {
        joins: true,
        ..with(name, valued, own)
    }
}

/// Those without options that take a value, and without arguments of their own.
#[rustfmt::skip]
static PLAIN: [&str; 37] = [
    "aa-exec", "builtin", "busybox", "catatonit", "catchsegv", "command", "coproc", "dbus-run-session", "eatmydata",
    "fakeroot", "gdb", "init", "linux32", "linux64", "my_init", "nohup", "npx", "pgrphack", "pid1", "prlimit", "proxychains",
    "proxychains4", "rlwrap", "s6-fghack", "s6-notifyoncheck", "s6-setsid", "secrets-init", "setsid", "ssm-env", "systemd-cat",
    "torsocks", "toybox", "unbuffer", "valgrind", "vault-env", "winpty", "with-contenv",
];

/// Source: the manuals of util-linux, coreutils, procps, `busybox`, sudo, tini, dumb-init, su-exec, gosu and strace.
static WRAPPERS: [Wrapper; 53] = [
    with("bundle", &[], 1),
    with_line("consul-template", &["-config", "-template"], &["-exec"], 0),
    with("cpulimit", &["-l", "-e", "-p"], 0),
    with(
        "dockerize",
        &[
            "-wait",
            "-timeout",
            "-template",
            "-stdout",
            "-stderr",
            "-wait-http-header",
            "-wait-retry-interval",
            "-delims",
            "-env",
            "-env-header",
            "-env-section",
        ],
        0,
    ),
    with("dotenv", &["-f", "-e"], 0),
    with("envdir", &[], 1),
    with("envuidgid", &[], 1),
    with_line("execlineb", &[], &["-c"], 0),
    with("faketime", &["-f"], 1),
    with("firejail", &[], 0),
    with_line("go-init", &[], &["-main", "-pre", "-post"], 0),
    with("honcho", &["-e", "-f"], 1),
    with_line("nodemon", &["-e", "-w"], &["-x", "--exec"], 0),
    with("numactl", &["-m", "-N", "-C", "-i", "-p"], 0),
    joined("parallel", &["-j", "-a", "-I", "-N", "-L"], 0),
    with("pipenv", &[], 1),
    with("poetry", &[], 1),
    with("runcon", &["-t", "-u", "-r", "-l"], 1),
    with("s6-envdir", &[], 1),
    with(
        "s6-softlimit",
        &[
            "-m", "-d", "-s", "-p", "-o", "-c", "-f", "-l", "-a", "-r", "-t",
        ],
        0,
    ),
    with("screen", &["-S", "-c", "-t", "-p", "-s"], 0),
    with("setlock", &[], 1),
    with("setuidgid", &[], 1),
    with(
        "softlimit",
        &[
            "-m", "-d", "-s", "-p", "-o", "-c", "-f", "-l", "-a", "-r", "-t",
        ],
        0,
    ),
    with("systemd-run", &["-p", "-u", "-M", "-t", "-E"], 0),
    joined(
        "tmux",
        &["-s", "-n", "-c", "-x", "-y", "-L", "-S", "-f", "-t"],
        1,
    ),
    with(
        "chpst",
        &[
            "-u", "-U", "-b", "-e", "-/", "-C", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f",
            "-c", "-r", "-t", "-s",
        ],
        0,
    ),
    with("chroot", &[], 1),
    with("chrt", &["-T", "-P", "-D"], 1),
    with("doas", &["-u", "-C", "-a"], 0),
    with("dumb-init", &["-r", "--rewrite"], 0),
    with_line(
        "env",
        &["-u", "--unset", "-C", "--chdir"],
        &["-S", "--split-string"],
        0,
    ),
    with("exec", &["-a"], 0),
    with_line(
        "flock",
        &["-w", "-E", "--wait", "--timeout"],
        &["-c", "--command"],
        1,
    ),
    with("gosu", &[], 1),
    with("ionice", &["-c", "-n", "--class", "--classdata"], 0),
    with("ltrace", &["-e", "-o", "-p", "-u"], 0),
    with("nice", &["-n", "--adjustment"], 0),
    with("nsenter", &["-t", "--target", "-S", "-G"], 0),
    with_line(
        "script",
        &["-E", "-o", "-I", "-O", "-B", "-T", "-m"],
        &["-c", "--command"],
        1,
    ),
    with("setarch", &[], 1),
    with(
        "setpriv",
        &[
            "--reuid",
            "--regid",
            "--groups",
            "--inh-caps",
            "--ambient-caps",
            "--bounding-set",
            "--securebits",
        ],
        0,
    ),
    with("s6-setuidgid", &[], 1),
    with("stdbuf", &["-i", "-o", "-e"], 0),
    with(
        "strace",
        &[
            "-e", "-o", "-p", "-s", "-u", "-E", "-a", "-O", "-P", "-S", "-I",
        ],
        0,
    ),
    with("su-exec", &[], 1),
    with(
        "sudo",
        &[
            "-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "-R", "-T", "--user", "--group",
        ],
        0,
    ),
    with("taskset", &[], 1),
    with("time", &["-f", "-o", "--format", "--output"], 0),
    with("timeout", &["-s", "-k", "--signal", "--kill-after"], 1),
    with(
        "unshare",
        &[
            "-S",
            "-G",
            "-R",
            "-w",
            "--root",
            "--wd",
            "--map-user",
            "--map-group",
            "--setuid",
            "--setgid",
        ],
        0,
    ),
    joined("watch", &["-n", "--interval"], 0),
    with(
        "xargs",
        &["-I", "-n", "-P", "-L", "-s", "-a", "-d", "-E"],
        0,
    ),
];

// === impl Wrapper ===

impl Wrapper {
    /// The wrapper of this file name. `tini` comes under many: `tini-static`, `tini-amd64`; and so does the dynamic linker.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        static ANY: Wrapper = with("", &[], 0);
        static LINKER: Wrapper = with("ld.so", &["--library-path", "--preload", "--argv0"], 0);
        static TINI: Wrapper = with("tini", &["-p", "-e"], 0);
        if name == "tini" || name.starts_with("tini-") {
            return Some(&TINI);
        }
        if PLAIN.contains(&name) {
            return Some(&ANY);
        }
        if name.starts_with("ld-") && name.contains(".so") {
            return Some(&LINKER);
        }
        WRAPPERS.iter().find(|it| it.name == name)
    }

    /// What it starts with these arguments: what follows its options, its assignments to variables and its own arguments.
    pub(super) fn inner<'w>(&self, arguments: &'w [String]) -> Inner<'w> {
        let mut rest = arguments.iter();
        let mut own = self.own;
        loop {
            let left = rest.as_slice();
            let Some(argument) = rest.next() else {
                return Inner::Command(&[]);
            };
            if argument == "--" {
                let _own: Vec<_> = rest.by_ref().take(own).collect();
                return self.command(rest.as_slice());
            }
            if argument.len() > 1 && argument.starts_with(['-', '+']) {
                if let Some(line) = self.line(argument, &mut rest) {
                    return Inner::Line(line.into());
                }
                if self.valued.contains(&argument.as_str()) || self.ends_with(argument, self.valued)
                {
                    let _value = rest.next();
                }
            } else if argument == "-" && self.name == "env" {
                // The same as `-i`.
            } else if is_assignment(argument) {
                // `env NAME=value program`, and `sudo` too.
            } else if own > 0 {
                own -= 1;
            } else {
                return self.command(left);
            }
        }
    }

    fn command<'w>(&self, words: &'w [String]) -> Inner<'w> {
        if self.joins {
            Inner::Line(words.join(" ").into())
        } else {
            Inner::Command(words)
        }
    }

    /// Whether a word joins several short options (`-nu` for `-n -u`) and ends with one of these. That one takes the next word
    /// as its value.
    fn ends_with(&self, word: &str, options: &[&str]) -> bool {
        let Some(letters) = word.strip_prefix('-').filter(|it| !it.starts_with('-')) else {
            return false;
        };
        let short = |options: &[&str], letter: char| {
            options.iter().any(|it| {
                it.strip_prefix('-')
                    .is_some_and(|it| it.chars().eq([letter]))
            })
        };
        let mut letters = letters.chars().rev();
        letters.next().is_some_and(|it| short(options, it))
            && letters.all(|it| !short(self.valued, it) && !short(self.lines, it))
    }

    /// The command line that is this option's value.
    fn line<'w>(&self, option: &'w str, rest: &mut Iter<'w, String>) -> Option<&'w str> {
        self.lines.iter().find_map(|line| {
            if option == *line || self.ends_with(option, &[line]) {
                return rest.as_slice().first().map(String::as_str);
            }
            let value = option.strip_prefix(line)?;
            let is_short = line.len() == 2;
            value
                .strip_prefix('=')
                .or_else(|| Some(value).filter(|_| is_short))
        })
    }
}

/// Whether a word sets a variable: `NAME=value`.
pub(super) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// Whether a text can name a variable.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|it: char| it.is_ascii_digit())
        && text
            .bytes()
            .all(|it| it == b'_' || it.is_ascii_alphanumeric())
}
