//! Programs that start the program that their arguments name.

use std::borrow::Cow;
use std::slice::Iter;

use super::known::WITHOUT_START;
use super::name::is_program_path;
use super::wrappers::{PLAIN, WRAPPERS, with};

/// A program that starts another one.
#[derive(Debug)]
pub(super) struct Wrapper {
    pub(super) name: &'static str,
    /// Its options that take the next argument as their value. One that stands here twice takes two.
    pub(super) valued: &'static [&'static str],
    /// Its options whose value is a shell's command line.
    pub(super) lines: &'static [&'static str],
    /// How many arguments of its own stand before the program.
    pub(super) own: usize,
    /// Whether it passes program and arguments to a shell as one line.
    pub(super) joins: bool,
}

/// Options that a wrapper answers itself, and starts nothing.
const ANSWERED: [&str; 2] = ["--help", "--version"];

/// What a wrapper starts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inner<'w> {
    /// A program with its arguments.
    Command(&'w [String]),
    /// A shell's command line.
    Line(Cow<'w, str>),
}

// === impl Wrapper ===

impl Wrapper {
    /// The wrapper of this file name. `tini` comes under many: `tini-static`, `tini-amd64`; and so does the dynamic linker.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        static ANY: Wrapper = with("", &[], 0);
        static LINKER: Wrapper = with("ld.so", &["--library-path", "--preload", "--argv0"], 0);
        static EMULATOR: Wrapper = with(
            "qemu",
            &[
                "-cpu", "-L", "-E", "-U", "-0", "-r", "-s", "-g", "-B", "-R", "-d", "-D",
            ],
            0,
        );
        static TINI: Wrapper = with("tini", &["-p", "-e"], 0);
        if name.starts_with("qemu-") {
            return Some(&EMULATOR);
        }
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
                if ANSWERED.contains(&argument.as_str()) {
                    return Inner::Command(&[]);
                }
                let taking = self.valued.iter().filter(|it| **it == argument).count();
                let joined = usize::from(taking == 0 && self.ends_with(argument, self.valued));
                let _values: Vec<_> = rest.by_ref().take(taking + joined).collect();
            } else if argument == "-" && self.name == "env" {
                // The same as `-i`.
            } else if is_assignment(argument) {
                // `env NAME=value program`, and `sudo` too.
            } else if self.own == 0 && argument.bytes().all(|it| it.is_ascii_digit()) {
                // How often, or how long: `retry 5 program`.
            } else if own > 0 && !(self.name == "forever" && is_program_path(argument)) {
                if WITHOUT_START.contains(&argument.as_str()) {
                    return Inner::Command(&[]);
                }
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
