//! Code that an interpreter other than a shell is given: which commands it starts is told from the strings that it hands to
//! what starts programs.

use super::Interpreter;
use super::argv::is_program_path;

/// Interpreters, and the option before their code.
const INTERPRETERS: [(&str, &[&str]); 6] = [
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

/// The code among the arguments of an interpreter of this name, `python3.11` too.
pub(super) fn given<'w>(name: &str, arguments: &'w [String]) -> Option<&'w str> {
    let (_, options) = INTERPRETERS.iter().find(|(program, _)| {
        name.strip_prefix(program)
            .is_some_and(|rest| !rest.starts_with(|it: char| it.is_ascii_alphabetic()))
    })?;
    let mut rest = arguments.iter();
    let _option = rest.find(|it| options.iter().any(|option| is_option(it, option)))?;
    rest.next().map(String::as_str)
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
        if quote == '`' || is_handed_to_starter(&before) {
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
