//! A shell's command line, read for the commands that it starts.
//!
//! What POSIX and bash share: quotes, substitutions, assignments, redirections, here-documents, comments, and what stands
//! before a command (`if`, `!`, `{` …). Both branches of each choice are read, and functions where they are defined.
//!
//! Source: "Shell Command Language", POSIX.1-2017, and the manual of bash 5.

mod again;
mod builtin;
mod function;
mod input;
mod scanner;
mod substitution;

use super::Interpreter;
use super::functions::End;
use super::known::is_started_variable;
use super::name::file_name;
use super::wrapper::{is_assignment, is_name};
use scanner::{Input, Piece, Scanner, Word};

/// Words that stand before a command.
const BEFORE: [&str; 11] = [
    "!", "do", "done", "elif", "else", "esac", "fi", "if", "then", "until", "while",
];

/// Words that begin what is one command to `coproc NAME`.
const COMPOUND: [&str; 7] = ["[[", "case", "for", "if", "until", "while", "{"];

/// Commands that tell where a program is.
const TELLERS: [&str; 3] = ["command", "type", "which"];

/// What a simple command prints and writes, as far as it is known.
#[derive(Debug, Default)]
struct Told {
    /// What `which`, `echo` and their like print.
    text: String,
    /// The names of the files that `tee` writes.
    files: Vec<String>,
}

/// Finds what a command line starts.
pub(super) fn read(interpreter: &mut Interpreter<'_>, line: &str) {
    let mut scanner = Scanner::new(line);
    let _told = list(interpreter, &mut scanner, End::Text);
}

/// Reads commands up to the end. What the last of them prints is the result, as far as it is known.
fn list(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>, end: End) -> String {
    let outer = std::mem::take(&mut interpreter.reads_input);
    let outer_order = interpreter.reads_order.take();
    let outer_taken = std::mem::take(&mut interpreter.taken);
    let mut words: Vec<Word> = Vec::new();
    let mut told = String::new();
    let mut open = 0_u32;
    let mut begin = scanner.rest;
    while !interpreter.found.tiller {
        let rest = scanner.rest;
        if words.is_empty() {
            begin = rest;
        }
        let piece = scanner.next(interpreter);
        let ends_command = !matches!(piece, Piece::Word(_) | Piece::Open);
        if ends_command {
            let command = begin.get(..begin.len() - rest.len()).unwrap_or_default();
            if let Some(text) = ended(interpreter, scanner, std::mem::take(&mut words), command) {
                told = text;
            }
        }
        match piece {
            Piece::Word(word) if words.is_empty() && word.is_plain => match word.text.as_str() {
                "{" => open += 1,
                "}" if end == End::Brace && open == 0 => break,
                "}" => open = open.saturating_sub(1),
                _ => leading(interpreter, scanner, word, &mut words),
            },
            Piece::Word(word) => words.push(word),
            Piece::NewLine => inputs(interpreter, scanner),
            Piece::Open if words.last().is_some_and(|word| word.text.ends_with('=')) => {
                array(interpreter, scanner, &mut words);
            }
            // `name()` defines a function.
            Piece::Open if !words.is_empty() => {
                let _close = scanner.next(interpreter);
                let name = words.pop().map(|word| word.text).unwrap_or_default();
                words.clear();
                interpreter.define(scanner, name);
            }
            Piece::Open if scanner.follows("(") && scanner.computes() => {
                while !scanner.take("))") && scanner.peek().is_some() {
                    scanner.bump();
                }
            }
            Piece::Open => {
                interpreter.deeper(|interpreter| {
                    let _told = list(interpreter, scanner, End::Parenthesis);
                });
            }
            Piece::Close if end == End::Parenthesis => break,
            Piece::Close | Piece::Separator => {}
            Piece::End => {
                inputs(interpreter, scanner);
                break;
            }
        }
    }
    interpreter.reads_input |= outer;
    interpreter.reads_order = interpreter.reads_order.take().or(outer_order);
    interpreter.taken = outer_taken;
    told
}

/// Reads a command that has ended, and gives what it prints. Nothing where there is none.
fn ended(
    interpreter: &mut Interpreter<'_>,
    scanner: &mut Scanner<'_>,
    words: Vec<Word>,
    command: &str,
) -> Option<String> {
    let mut written = std::mem::take(&mut scanner.written);
    let told = (!words.is_empty()).then(|| {
        let piped = scanner.inputs.last().map_or("", |it| it.text.as_str());
        let Told { text, files } = simple(interpreter, words, &written, piped);
        written.extend(files);
        interpreter.with_other_values(command);
        text
    });
    for file in &written {
        match &told {
            Some(text) if !text.is_empty() => interpreter.store(file, text),
            // `tee` and `cat` write what they read.
            _ => {
                for input in &scanner.inputs {
                    interpreter.store(file, &input.text);
                }
            }
        }
    }
    scanner.print(told.as_deref().unwrap_or_default());
    scanner.written_in_line.extend(written);
    told
}

/// Reads what the commands of a line read, where a shell reads it. A script that is written into a file is read when it is
/// started.
fn inputs(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>) {
    let files = std::mem::take(&mut scanner.written_in_line);
    for input in scanner.inputs() {
        let Input { text, is_document } = input;
        if is_document {
            for file in &files {
                interpreter.store(file, &text);
            }
        }
        if interpreter.reads_input {
            interpreter.script(&text, &[]);
        }
        if let Some(order) = interpreter.reads_order.clone()
            && interpreter.has_room(text.len())
        {
            interpreter.follow(&order, "", &text);
        }
    }
    interpreter.reads_input = false;
    interpreter.reads_order = None;
}

/// `NAME=(WORD …)`, of which the name is read: as one variable with all the words.
fn array(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>, words: &mut [Word]) {
    let mut values = Vec::new();
    loop {
        match scanner.next(interpreter) {
            Piece::Word(word) => values.push(word.text),
            Piece::NewLine => {}
            _ => break,
        }
    }
    if let Some(name) = words.last_mut() {
        name.text.push_str(&values.join(" "));
    }
}

/// The first word of a command, where it is a reserved one.
fn leading(
    interpreter: &mut Interpreter<'_>,
    scanner: &mut Scanner<'_>,
    word: Word,
    words: &mut Vec<Word>,
) {
    match word.text.as_str() {
        text if BEFORE.contains(&text) => {}
        "coproc" => coprocess(interpreter, scanner),
        "function" => {
            if let Piece::Word(name) = scanner.next(interpreter) {
                scanner.skip_blanks();
                let _empty = scanner.take("()");
                interpreter.define(scanner, name.text);
            }
        }
        "for" | "select" => each(interpreter, scanner),
        "case" => case(interpreter, scanner),
        "[[" => loop {
            match scanner.next(interpreter) {
                Piece::End => break,
                Piece::Word(word) if word.is_plain && word.text == "]]" => break,
                _ => {}
            }
        },
        _ => words.push(word),
    }
}

/// Passes over `NAME` in `coproc NAME { …; }`.
fn coprocess(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>) {
    scanner.skip_blanks();
    let rest = scanner.rest;
    let end = rest.find([' ', '\t', '(', '\n']).unwrap_or(rest.len());
    let (name, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let after = after.trim_start();
    let next = after.split_ascii_whitespace().next().unwrap_or_default();
    if is_name(name) && (after.starts_with('(') || COMPOUND.contains(&next)) {
        let _name = scanner.word(interpreter);
    }
}

/// `for NAME in WORD …`: the variable has each of the words. Without any, it has the line's own arguments.
fn each(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>) {
    scanner.skip_blanks();
    if scanner.follows("((") {
        return scanner.arithmetic(interpreter);
    }
    let mut words: Vec<Word> = Vec::new();
    while let Piece::Word(word) = scanner.next(interpreter) {
        words.push(word);
    }
    let mut words = words.into_iter();
    let Some(name) = words.next() else {
        return;
    };
    let values: Vec<String> = match words.next() {
        Some(_) => words.flat_map(Word::split).collect(),
        None if !interpreter.has_room(interpreter.positional.len()) => return,
        None => interpreter.positional.iter().skip(1).cloned().collect(),
    };
    interpreter.variables.set_each(&name.text, values);
}

/// `case WORD in PATTERN) …` up to the first pattern's end.
fn case(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>) {
    loop {
        match scanner.next(interpreter) {
            Piece::End => return,
            Piece::Word(word) if word.is_plain && word.text == "in" => break,
            _ => {}
        }
    }
    scanner.pattern(interpreter);
}

/// Finds what a simple command starts, which writes these files and reads this.
fn simple(
    interpreter: &mut Interpreter<'_>,
    words: Vec<Word>,
    written: &[String],
    piped: &str,
) -> Told {
    let mut argv: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let assigns =
            argv.is_empty() && word.assigns || is_declaration(&argv) && is_assignment(&word.text);
        if assigns {
            if let Some((name, value)) = word.text.split_once('=') {
                let name = name.strip_suffix('+').unwrap_or(name);
                let also = interpreter.again;
                interpreter.variables.set(name, value.to_owned(), also);
                if is_started_variable(name) {
                    interpreter.line(value, &[]);
                }
            }
            continue;
        }
        argv.extend(word.split());
    }
    if argv.first().is_some_and(|it| file_name(it) == "xargs") {
        interpreter.with_input(&mut argv, piped);
    }
    interpreter.names_by_builtin(&argv, piped);
    interpreter.arguments(&argv);
    interpreter.command(&argv);
    let Some((program, words)) = argv.split_first() else {
        return Told::default();
    };
    let plain = words.iter().filter(|it| !it.starts_with('-'));
    match file_name(program) {
        "cat" => {
            let names = || plain.clone().map(|it| file_name(it));
            if names().any(|name| interpreter.is_tiller(name)) {
                for file in written {
                    interpreter.files.name_tiller(file);
                }
            }
            let texts = || names().filter_map(|name| interpreter.files.text(name));
            let length = texts().map(str::len).sum();
            let text: String = if interpreter.variables.has(length) {
                texts().collect()
            } else {
                String::new()
            };
            interpreter.found.tiller |= !interpreter.variables.charge(length);
            Told::printed(text)
        }
        "crontab" => Told {
            files: vec![file_name(program).to_owned()],
            ..Told::default()
        },
        "tee" => Told {
            files: plain.map(|it| file_name(it).to_owned()).collect(),
            ..Told::default()
        },
        name if TELLERS.contains(&name) => Told::printed(words.last().cloned().unwrap_or_default()),
        "echo" | "printf" => {
            let is_option =
                |it: &&String| matches!(it.as_str(), "-e" | "-n" | "-E" | "-ne" | "-en");
            let words: Vec<&str> = words
                .iter()
                .skip_while(is_option)
                .map(String::as_str)
                .collect();
            let text = match words.split_first() {
                Some((format, values)) if format.contains("%s") => {
                    let values = values.iter().copied().chain(std::iter::repeat(""));
                    let parts = format.split("%s").zip(values);
                    parts.flat_map(|(before, value)| [before, value]).collect()
                }
                _ => words.join(" "),
            };
            Told::printed(text.replace("\\n", "\n").replace("\\t", "\t"))
        }
        _ => Told::default(),
    }
}

// === impl Told ===

impl Told {
    fn printed(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

fn is_declaration(argv: &[String]) -> bool {
    argv.first().is_some_and(|program| {
        matches!(
            program.as_str(),
            "export" | "local" | "readonly" | "declare" | "typeset"
        )
    })
}
