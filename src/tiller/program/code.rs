//! Code that an interpreter other than a shell is given: which commands it starts is told from the strings that it hands to
//! what starts programs.

use super::Interpreter;
use super::name::{file_name, is_program_path};

/// Interpreters, and the option before their code.
const INTERPRETERS: [(&str, &[&str]); 7] = [
    // Its code has no option before it.
    ("awk", &[]),
    ("python", &["-c"]),
    ("perl", &["-e", "-E"]),
    ("ruby", &["-e"]),
    ("node", &["-e", "--eval", "-p"]),
    ("php", &["-r"]),
    ("lua", &["-e"]),
];

/// Parts of the names of functions that start programs: `os.system`, `subprocess.run`, `execv`, `child_process.spawn`.
const STARTERS: [&str; 7] = [
    "call",
    "check_output",
    "exec",
    "popen",
    "run",
    "spawn",
    "system",
];

/// Options of `awk` that take the next argument as their value.
const AWK_VALUED: [&str; 3] = ["-F", "-v", "-f"];

/// Whether this is an interpreter's name, `python3.11` and `gawk` too.
pub(super) fn is_interpreter(name: &str) -> bool {
    options(name).is_some()
}

fn options(name: &str) -> Option<&'static [&'static str]> {
    let name = if name.ends_with("awk") { "awk" } else { name };
    let mut all = INTERPRETERS.iter();
    let (_, options) = all.find(|(program, _)| {
        name.strip_prefix(program)
            .is_some_and(|rest| !rest.starts_with(|it: char| it.is_ascii_alphabetic()))
    })?;
    Some(options)
}

/// The code among the arguments of an interpreter of this name.
pub(super) fn given<'w>(name: &str, arguments: &'w [String]) -> Option<&'w str> {
    let options = options(name)?;
    let mut rest = arguments.iter();
    if options.is_empty() {
        while let Some(argument) = rest.next() {
            if AWK_VALUED.contains(&argument.as_str()) {
                let _value = rest.next();
            } else if !argument.starts_with('-') || argument.len() == 1 {
                return Some(argument);
            }
        }
        return None;
    }
    let _option = rest.find(|it| options.iter().any(|option| is_option(it, option)))?;
    rest.next().map(String::as_str)
}

/// Whether a script says in its first line that such an interpreter reads it.
fn is_code(script: &str) -> bool {
    let first = script.trim_start().lines().next().unwrap_or_default();
    first.strip_prefix("#!").is_some_and(|line| {
        line.split_ascii_whitespace()
            .any(|it| is_interpreter(file_name(it)))
    })
}

/// Whether a word is this option, or ends with it where it is a short one: `-uc` for `-u -c`.
fn is_option(word: &str, option: &str) -> bool {
    let letters = word.strip_prefix('-').filter(|it| !it.starts_with('-'));
    let short = option.strip_prefix('-').filter(|it| it.len() == 1);
    let ends = letters
        .zip(short)
        .is_some_and(|(letters, short)| letters.ends_with(short));
    word == option || ends
}

impl Interpreter<'_> {
    /// Reads a script that gets these as `$0`, `$1` …, as the shell or the interpreter does that its first line names.
    pub(super) fn script(&mut self, text: &str, words: &[String]) {
        if is_code(text) {
            self.deeper(|interpreter| read(interpreter, text));
        } else {
            self.line(text, words);
        }
    }
}

/// Reads each string of the code that is handed to a starter as a command line.
pub(super) fn read(interpreter: &mut Interpreter<'_>, code: &str) {
    let mut rest = code;
    let mut before = String::new();
    while let Some(at) = rest.find(['\'', '"', '`']) {
        let (plain, quoted) = rest.split_at(at);
        let mut characters = quoted.chars();
        let Some(quote) = characters.next() else {
            return;
        };
        let Some((text, after)) = characters.as_str().split_once(quote) else {
            return;
        };
        before.push_str(plain);
        // `awk` starts what is on either side of a pipe.
        let is_piped = before.trim_end().ends_with('|') || after.trim_start().starts_with('|');
        if quote == '`' || is_piped || is_handed_to_starter(&before) {
            if text
                .split_ascii_whitespace()
                .next()
                .is_some_and(is_program_path)
            {
                interpreter.found.tiller = true;
            }
            interpreter.line(text, &[]);
            before.clear();
        }
        rest = after;
    }
}

/// Whether code that ends so hands what follows to a starter as its first string: `subprocess.run([`.
fn is_handed_to_starter(before: &str) -> bool {
    let name = before.trim_end_matches(|it: char| "([{ \t\n".contains(it));
    let name = name
        .rsplit(|it: char| !(it.is_ascii_alphanumeric() || it == '_'))
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    STARTERS.iter().any(|starter| name.contains(starter))
}
