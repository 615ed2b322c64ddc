//! From `command` and `args` to the words that the process gets.

use std::borrow::Cow;

use super::expansion::expand;
use super::image::{Entrypoint, PROGRAM};
use super::setting::excerpt;
use super::{ImageReference, Setting, Unknown, Version};
use crate::pod::Container;

/// The words that start Tiller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch<'a> {
    /// The program's path: always `/tiller`, since of another program nothing is known.
    pub program: Cow<'a, str>,
    /// All the words after it, `ignored` included: `os.Args[1:]` in Go's terms.
    pub arguments: Vec<Cow<'a, str>>,
    /// The last words of `arguments`, which the flag parser never looks at: those after the word that
    /// ends the flags. That word itself (`--`, `-`, the empty one, or any other that does not begin with
    /// a dash) is not among them. Empty where Tiller exits for what it read before.
    ///
    /// To Tillers before 2.5.0 only `--` ends the flags.
    pub ignored: Vec<Cow<'a, str>>,
}

/// Finds the words that start the process: the program and those after it.
///
/// | | image with `CMD` only | image with `ENTRYPOINT` |
/// |---|---|---|
/// | neither | `/tiller` | `/tiller` |
/// | `args` | `args` | `/tiller` and `args` |
/// | `command` | `command` | `command` |
/// | both | `command` and `args` | `command` and `args` |
///
/// A `command` drops the image's `CMD` even where no `args` are given.
pub(super) fn words<'a>(
    container: &'a Container<'a>,
    image: &ImageReference<'_>,
    version: &Setting<Version>,
) -> Setting<(Cow<'a, str>, Vec<Cow<'a, str>>)> {
    let command = container.command.as_slice();
    let args = container.args.as_slice();
    let mut given = command.iter().chain(args);

    let first = if command.is_empty() {
        match image.entrypoint(version) {
            Setting::Unknown(reason) => return Setting::Unknown(reason),
            Setting::Known(Entrypoint::Program) => None,
            Setting::Known(Entrypoint::Command) => given.next(),
        }
    } else {
        given.next()
    };
    let program = match first.map(|word| expand(word.as_str())) {
        None => Cow::Borrowed(PROGRAM),
        Some(Setting::Unknown(reason)) => return Setting::Unknown(reason),
        // Another spelling of the path may be another file: `/bin/tiller` only was in 2.10.0-rc.1.
        Some(Setting::Known(program)) if program != PROGRAM => {
            return Setting::Unknown(Unknown::Wrapper {
                program: excerpt(&program),
            });
        }
        Some(Setting::Known(program)) => program,
    };

    let mut arguments = Vec::with_capacity(command.len() + args.len());
    for word in given {
        match expand(word.as_str()) {
            Setting::Known(word) => arguments.push(word),
            Setting::Unknown(reason) => return Setting::Unknown(reason),
        }
    }
    Setting::Known((program, arguments))
}
