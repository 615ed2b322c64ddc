//! A shell's command line, read for the commands that it starts.
//!
//! What POSIX and bash share: quotes, substitutions, assignments, redirections, here-documents, comments, and what stands
//! before a command (`if`, `!`, `{` …). Both branches of each choice are read, and functions where they are defined.
//!
//! Source: "Shell Command Language", POSIX.1-2017, and the manual of bash 5.

mod input;
mod scanner;
mod substitution;

use super::Interpreter;
use super::wrapper::is_assignment;
use scanner::{Input, Piece, Scanner, Word};

/// Words that stand before a command.
const BEFORE: [&str; 13] = [
    "!", "do", "done", "elif", "else", "esac", "fi", "if", "then", "until", "while", "{", "}",
];

/// Commands that tell where a program is.
const TELLERS: [&str; 3] = ["command", "type", "which"];

/// What ends a list of commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The text's end.
    Text,
    /// `)`.
    Parenthesis,
}

/// Finds what a command line starts.
pub(super) fn read(interpreter: &mut Interpreter<'_>, line: &str) {
    let mut scanner = Scanner::new(line);
    let _told = list(interpreter, &mut scanner, End::Text);
}

/// Reads commands up to the end. What the last of them prints is the result, as far as it is known: of `which` and `echo`.
fn list(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>, end: End) -> String {
    let outer = std::mem::take(&mut interpreter.reads_input);
    let mut words: Vec<Word> = Vec::new();
    let mut told = String::new();
    while !interpreter.found.tiller {
        let piece = scanner.next(interpreter);
        let ends_command = !matches!(piece, Piece::Word(_) | Piece::Open);
        if ends_command && !words.is_empty() {
            told = simple(interpreter, std::mem::take(&mut words));
            scanner.print(&told);
        }
        match piece {
            Piece::Word(word) if words.is_empty() && word.is_plain => {
                leading(interpreter, scanner, word, &mut words);
            }
            Piece::Word(word) => words.push(word),
            Piece::NewLine => inputs(interpreter, scanner),
            Piece::Open if words.last().is_some_and(|word| word.text.ends_with('=')) => {
                array(interpreter, scanner, &mut words);
            }
            // `name()` defines a function.
            Piece::Open if !words.is_empty() => {
                words.clear();
                let _close = scanner.next(interpreter);
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
    told
}

/// Reads what the commands of a line read, where a shell reads it or it is a script.
fn inputs(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>) {
    for Input { text, is_script } in scanner.inputs() {
        if interpreter.reads_input || is_script {
            interpreter.line(&text, &[]);
        }
    }
    interpreter.reads_input = false;
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
        "function" => {
            let _name = scanner.next(interpreter);
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

/// `for NAME in WORD …`: the name is read as one variable with all the words.
fn each(interpreter: &mut Interpreter<'_>, scanner: &mut Scanner<'_>) {
    let mut words = Vec::new();
    while let Piece::Word(word) = scanner.next(interpreter) {
        words.push(word.text);
    }
    if let [name, _, values @ ..] = &*words {
        interpreter.variables.set(name, values.join(" "));
    }
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

/// Finds what a simple command starts.
fn simple(interpreter: &mut Interpreter<'_>, words: Vec<Word>) -> String {
    let mut argv: Vec<String> = Vec::with_capacity(words.len());
    for word in words {
        let assigns =
            argv.is_empty() && word.assigns || is_declaration(&argv) && is_assignment(&word.text);
        if assigns {
            if let Some((name, value)) = word.text.split_once('=') {
                let name = name.strip_suffix('+').unwrap_or(name);
                interpreter.variables.set(name, value.to_owned());
            }
            continue;
        }
        if word.is_split {
            argv.extend(word.text.split_ascii_whitespace().map(str::to_owned));
        } else {
            argv.push(word.text);
        }
    }
    interpreter.command(&argv);
    match argv.split_first() {
        Some((program, [.., last])) if TELLERS.contains(&program.as_str()) => last.clone(),
        Some((program, words)) if matches!(program.as_str(), "echo" | "printf") => words.join(" "),
        _ => String::new(),
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
