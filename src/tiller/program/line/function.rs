//! Functions of a command line, and its own arguments.
//!
//! A function is read where it is defined, and where it is called with arguments that it takes in.

use super::super::Interpreter;
use super::super::functions::{Body, End};
use super::list;
use super::scanner::Scanner;

/// Whether a text takes in `$1` … `$9`, `$@` or `$*`, or `for NAME; do` gives a variable each of them.
fn takes_arguments(text: &str) -> bool {
    let takes_in = text.match_indices('$').any(|(at, _)| {
        let after = text.get(at + 1..).unwrap_or_default();
        let after = after.strip_prefix('{').unwrap_or(after);
        after.starts_with(|it: char| "@*123456789".contains(it))
    });
    takes_in
        || text.match_indices("for ").any(|(at, word)| {
            let after = text.get(at + word.len()..).unwrap_or_default();
            let is_named = |it: char| it == '_' || it.is_ascii_alphanumeric();
            let after = after.trim_start_matches(is_named).trim_start_matches(' ');
            after.starts_with([';', '\n']) || after.starts_with("do")
        })
}

impl Interpreter<'_> {
    /// Reads the body of a function, which is next, and keeps it.
    pub(super) fn define(&mut self, scanner: &mut Scanner<'_>, name: String) {
        scanner.skip_all(&[' ', '\t', '\r', '\n']);
        let end = if scanner.take("{") {
            End::Brace
        } else if scanner.take("(") {
            End::Parenthesis
        } else {
            return;
        };
        let text = scanner.rest;
        self.deeper(|interpreter| {
            let _told = list(interpreter, scanner, end);
        });
        let text = text
            .get(..text.len() - scanner.rest.len())
            .unwrap_or_default();
        let takes_arguments = takes_arguments(text);
        if !takes_arguments || self.variables.charge(text.len()) {
            let text = if takes_arguments { text } else { "" }.to_owned();
            let body = Body {
                text,
                end,
                takes_arguments,
            };
            let _earlier = self.functions.bodies.insert(name, body);
        }
    }

    /// `set -- WORD …`, `set WORD …` and `shift`: the line's own arguments become others. Whether a `shift` is reached is not known, so that what
    /// was there before is kept too.
    pub(super) fn arguments(&mut self, argv: &[String]) {
        let Some((program, words)) = argv.split_first() else {
            return;
        };
        match program.as_str() {
            "set" => {
                let is_word = |it: &String| !it.starts_with(['-', '+']);
                let at = words.iter().position(|it| it == "--").map(|at| at + 1);
                if let Some(at) = at.or_else(|| words.first().is_some_and(is_word).then_some(0)) {
                    let given = words.get(at..).unwrap_or_default();
                    self.positional.truncate(1);
                    self.positional.resize(1, String::new());
                    self.positional.extend_from_slice(given);
                }
            }
            "shift" => {
                let count = words.first().and_then(|it| it.parse::<usize>().ok());
                let end = self.positional.len().min(1 + count.unwrap_or(1));
                if end > 1 && self.has_room(self.positional.len()) {
                    if self.unshifted.is_empty() {
                        self.unshifted.clone_from(&self.positional);
                    }
                    let _shifted: Vec<_> = self.positional.drain(1..end).collect();
                }
            }
            _ => {}
        }
    }

    /// Whether the first word is a function of the line, which is read with the others as its arguments.
    pub(in crate::tiller::program) fn call(&mut self, words: &[String]) -> bool {
        let Some((name, arguments)) = words.split_first() else {
            return false;
        };
        let Some(Body {
            text,
            end,
            takes_arguments,
        }) = self.functions.bodies.get(name)
        else {
            return false;
        };
        let is_open = self.functions.open.contains(name);
        let concerns = *takes_arguments && !arguments.is_empty() && !is_open;
        if !concerns {
            return true;
        }
        let end = *end;
        self.found.tiller |= !self.variables.charge(text.len());
        if !self.found.tiller {
            let text = text.clone();
            self.functions.open.push(name.clone());
            self.with_arguments(words, |interpreter| {
                let _told = list(interpreter, &mut Scanner::new(&text), end);
            });
            let _closed = self.functions.open.pop();
        }
        true
    }
}
