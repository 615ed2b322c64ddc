//! Substitutions in a word: of commands, variables and the line's own arguments.

use super::super::Interpreter;
use super::super::functions::End;
use super::super::pattern::changed;
use super::super::wrapper::is_name;
use super::again::ARGUMENTS;
use super::list;
use super::scanner::{Scanner, Word};

/// What changes the value of a variable, or stands in for it; longer ones first.
#[rustfmt::skip]
const OPERATORS: [&str; 14] = [
    ":-", ":=", ":+", ":?", "##", "%%", "//", "#", "%", "/", "-", "=", "+", ":",
];

impl Scanner<'_> {
    /// A substitution of a command or a variable.
    pub(super) fn substitution(
        &mut self,
        interpreter: &mut Interpreter<'_>,
        word: &mut Word,
        is_quoted: bool,
    ) {
        if self.take("`") {
            let mut line = String::new();
            while let Some(next) = self.peek() {
                self.bump();
                match next {
                    '`' => break,
                    '\\' if self.follows("`") || self.follows("\\") || self.follows("$") => {
                        line.extend(self.peek());
                        self.bump();
                    }
                    other => line.push(other),
                }
            }
            let mut inner = Scanner::new(&line);
            interpreter.deeper(|interpreter| {
                word.text
                    .push_str(&list(interpreter, &mut inner, End::Text));
            });
            return;
        }
        self.bump();
        if self.follows("((") {
            self.arithmetic(interpreter);
        } else if self.take("(") {
            interpreter.deeper(|interpreter| {
                word.text
                    .push_str(&list(interpreter, self, End::Parenthesis));
            });
        } else if self.take("{") {
            interpreter.deeper(|interpreter| self.parameter(interpreter, word, is_quoted));
        } else if !is_quoted && self.take("'") {
            word.is_split = false;
            word.text.push_str(&self.take_escaped());
        } else if !is_quoted && self.take("\"") {
            self.quoted(interpreter, word);
        } else {
            let name = self.take_name();
            if name.is_empty() {
                word.text.push('$');
            } else {
                put_in(interpreter, word, name);
            }
        }
    }

    /// `${NAME}`, `${NAME:-default}` and their like, the first brace of which is read.
    fn parameter(&mut self, interpreter: &mut Interpreter<'_>, word: &mut Word, is_quoted: bool) {
        let name = self.take_name();
        let before = word.text.len();
        self.value(interpreter, word, name);
        let is_known = word.text.len() > before;
        word.is_split |= self.follows("[@]") || self.follows("[*]");
        let operator = OPERATORS
            .into_iter()
            .find(|it| self.take(it))
            .unwrap_or_default();
        // In double quotes, `'` is a quote only in a pattern.
        let is_pattern = operator.starts_with(['#', '%', '/']);
        let mut operand = Word::default();
        let mut nested = 0_u32;
        while let Some(next) = self.peek() {
            match next {
                '}' if nested == 0 => {
                    self.bump();
                    break;
                }
                '$' | '`' => self.substitution(interpreter, &mut operand, true),
                '"' => {
                    self.bump();
                    self.quoted(interpreter, &mut operand);
                }
                '\'' if !is_quoted || is_pattern => {
                    self.bump();
                    let quoted = self.take_until('\'');
                    operand.text.push_str(quoted);
                }
                '\\' => {
                    self.bump();
                    operand.text.extend(self.peek());
                    self.bump();
                }
                other => {
                    nested = match other {
                        '{' => nested + 1,
                        '}' => nested - 1,
                        _ => nested,
                    };
                    self.bump();
                    operand.text.push(other);
                }
            }
        }
        let operand = operand.text;
        match operator {
            ":-" | "-" if !is_known => word.text.push_str(&operand),
            ":=" | "=" if !is_known => {
                word.text.push_str(&operand);
                let also = interpreter.again;
                interpreter.variables.set(name, operand, also);
            }
            // Of a variable that is not known, it may be set.
            ":+" | "+" => {
                word.text.truncate(before);
                word.text.push_str(&operand);
            }
            _ => {
                let value = word.text.split_off(before);
                let changed = match name {
                    "@" | "*" => from_word(&value, operator, &operand),
                    _ => changed(&value, operator, &operand),
                };
                let changed = changed.filter(|it| interpreter.has_room(it.len()));
                word.text.push_str(&changed.unwrap_or(value));
            }
        }
    }

    /// The value of a variable, or with `!` of the one that it names.
    fn value(&mut self, interpreter: &mut Interpreter<'_>, word: &mut Word, name: &str) {
        let other = if name == "!" { self.take_name() } else { "" };
        match interpreter.variables.get(other).map(str::to_owned) {
            Some(named) => put_in(interpreter, word, &named),
            None => put_in(interpreter, word, name),
        }
    }
}

/// The line's own arguments from one on: `${@:2}`.
fn from_word(value: &str, operator: &str, operand: &str) -> Option<String> {
    let first: usize = operand.parse().ok().filter(|_| operator == ":")?;
    let words = value.split_ascii_whitespace().skip(first.saturating_sub(1));
    Some(words.collect::<Vec<_>>().join(" "))
}

/// Puts the value of a variable or of the line's own arguments into a word.
fn put_in(interpreter: &mut Interpreter<'_>, word: &mut Word, name: &str) {
    let Interpreter {
        variables,
        positional,
        unshifted,
        taken,
        ..
    } = interpreter;
    if is_name(name) {
        if variables.count_of(name) > 1 {
            taken.push(name.to_owned());
        }
        if let Some(value) = variables.get(name) {
            word.text.push_str(value);
        }
        return;
    }
    if !unshifted.is_empty() {
        taken.push(ARGUMENTS.to_owned());
    }
    if name == "@" || name == "*" {
        word.is_split = true;
        for (index, given) in positional.iter().enumerate().skip(1) {
            if !variables.charge(given.len() + 1) {
                return;
            }
            if index > 1 {
                word.text.push(' ');
            }
            word.text.push_str(given);
        }
    } else if let Ok(index) = name.parse::<usize>()
        && let Some(given) = positional.get(index)
        && variables.charge(given.len())
    {
        word.text.push_str(given);
    }
}
