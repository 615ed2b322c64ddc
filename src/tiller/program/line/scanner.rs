//! The words of a command line, with quotes taken off and variables put in.

use super::super::Interpreter;
use super::super::wrapper::is_name;

/// A word of a command.
#[derive(Debug, Default)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether it stands there without any quote or substitution, so that it can be a reserved word.
    pub(super) is_plain: bool,
    /// Whether a substitution in it makes several words of it.
    pub(super) is_split: bool,
    /// Whether it sets a variable where it stands before the command: `NAME=`.
    pub(super) assigns: bool,
}

/// What a command line is made of.
#[derive(Debug)]
pub(super) enum Piece {
    Word(Word),
    /// `;`, `&`, `&&`, `|`, `||` and their like.
    Separator,
    NewLine,
    /// `(`.
    Open,
    /// `)`.
    Close,
    End,
}

/// What a command reads: a here-document or a here-string.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) text: String,
    /// Whether it is a here-document.
    pub(super) is_document: bool,
}

/// A here-document that begins after the line.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) end: String,
    pub(super) without_tabs: bool,
    /// Whether the shell takes its text as it is.
    pub(super) is_quoted: bool,
}

/// Reads a command line from its beginning.
#[derive(Debug)]
pub(super) struct Scanner<'t> {
    pub(super) rest: &'t str,
    pub(super) documents: Vec<Document>,
    pub(super) inputs: Vec<Input>,
    /// The names of the files that the command writes.
    pub(super) written: Vec<String>,
    /// Those that the earlier commands of the line write.
    pub(super) written_in_line: Vec<String>,
}

// === impl Word ===

impl Word {
    /// The words that a shell makes of it.
    pub(super) fn split(self) -> Vec<String> {
        if self.is_split {
            let words = self.text.split_ascii_whitespace();
            words.map(str::to_owned).collect()
        } else {
            vec![self.text]
        }
    }

    /// Whether it names the descriptor of a redirection that follows: `2`, or `{fd}`.
    fn is_descriptor(&self) -> bool {
        let braced = self
            .text
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'));
        self.is_plain
            && (self.text.bytes().all(|it| it.is_ascii_digit()) || braced.is_some_and(is_name))
    }
}

// === impl Scanner ===

impl<'t> Scanner<'t> {
    pub(super) fn new(line: &'t str) -> Self {
        Self {
            rest: line,
            documents: Vec::new(),
            inputs: Vec::new(),
            written: Vec::new(),
            written_in_line: Vec::new(),
        }
    }

    /// What the commands of the line that has ended read.
    pub(super) fn inputs(&mut self) -> Vec<Input> {
        std::mem::take(&mut self.inputs)
    }

    /// Takes what a command prints for what the next one reads.
    pub(super) fn print(&mut self, text: &str) {
        if !text.is_empty() {
            self.inputs.push(Input {
                text: text.to_owned(),
                is_document: false,
            });
        }
    }

    /// What stands in quotes with escapes in it, `$'…'`, up to the last quote.
    pub(super) fn take_escaped(&mut self) -> String {
        let mut taken = String::new();
        while let Some(next) = self.peek() {
            self.bump();
            match next {
                '\'' => break,
                '\\' => {
                    taken.extend(self.peek());
                    self.bump();
                }
                other => taken.push(other),
            }
        }
        taken
    }

    /// The next piece. Commands in it are read on the way.
    pub(super) fn next(&mut self, interpreter: &mut Interpreter<'_>) -> Piece {
        loop {
            self.skip_blanks();
            let Some(first) = self.peek() else {
                return Piece::End;
            };
            match first {
                '#' => self.skip_until('\n'),
                '\n' => {
                    self.bump();
                    self.read_documents();
                    return Piece::NewLine;
                }
                '&' if self.follows("&>") => self.redirection(interpreter),
                ';' | '&' | '|' => {
                    let ends_case = self.follows(";;") || self.follows(";&");
                    self.skip_all(&[';', '&', '|']);
                    if ends_case {
                        self.pattern(interpreter);
                    }
                    return Piece::Separator;
                }
                '(' => {
                    self.bump();
                    return Piece::Open;
                }
                ')' => {
                    self.bump();
                    return Piece::Close;
                }
                '<' | '>' => self.redirection(interpreter),
                _ => {
                    let word = self.word(interpreter);
                    if !(word.is_descriptor() && matches!(self.peek(), Some('<' | '>'))) {
                        return Piece::Word(word);
                    }
                }
            }
        }
    }

    /// A pattern of `case` up to its `)`, or `esac`.
    pub(super) fn pattern(&mut self, interpreter: &mut Interpreter<'_>) {
        loop {
            self.skip_all(&[' ', '\t', '\r', '\n', '(', '|']);
            match self.peek() {
                None => return,
                Some(')') => return self.bump(),
                Some('#') => self.skip_until('\n'),
                Some(';' | '&' | '<' | '>') => self.bump(),
                Some(_) => {
                    let word = self.word(interpreter);
                    if word.is_plain && word.text == "esac" {
                        return;
                    }
                }
            }
        }
    }

    pub(super) fn word(&mut self, interpreter: &mut Interpreter<'_>) -> Word {
        let mut word = Word {
            is_plain: true,
            ..Word::default()
        };
        while let Some(next) = self.peek() {
            match next {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\\' => {
                    self.bump();
                    word.is_plain = false;
                    match self.peek() {
                        Some('\n') | None => {}
                        Some(escaped) => word.text.push(escaped),
                    }
                    self.bump();
                }
                '\'' => {
                    self.bump();
                    word.is_plain = false;
                    let quoted = self.take_until('\'');
                    word.text.push_str(quoted);
                }
                '"' => {
                    self.bump();
                    word.is_plain = false;
                    self.quoted(interpreter, &mut word);
                }
                '$' | '`' => {
                    word.is_plain = false;
                    word.is_split = true;
                    self.substitution(interpreter, &mut word, false);
                }
                other => {
                    self.bump();
                    let name = word.text.strip_suffix('+').unwrap_or(&word.text);
                    word.assigns |= other == '=' && word.is_plain && is_name(name);
                    word.text.push(other);
                }
            }
        }
        word
    }

    /// What stands in double quotes, the first of which is read.
    pub(super) fn quoted(&mut self, interpreter: &mut Interpreter<'_>, word: &mut Word) {
        while let Some(next) = self.peek() {
            match next {
                '"' => return self.bump(),
                '\\' => {
                    self.bump();
                    match self.peek() {
                        Some(escaped @ ('"' | '\\' | '$' | '`')) => word.text.push(escaped),
                        Some('\n') | None => {}
                        Some(other) => word.text.extend(['\\', other]),
                    }
                    self.bump();
                }
                '$' | '`' => self.substitution(interpreter, word, true),
                other => {
                    self.bump();
                    word.text.push(other);
                }
            }
        }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    pub(super) fn follows(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    pub(super) fn bump(&mut self) {
        let mut characters = self.rest.chars();
        let _dropped = characters.next();
        self.rest = characters.as_str();
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            self.skip_all(&[' ', '\t', '\r']);
            if !self.take("\\\n") {
                break;
            }
        }
    }

    pub(super) fn skip_all(&mut self, these: &[char]) {
        self.rest = self.rest.trim_start_matches(these);
    }

    fn skip_until(&mut self, this: char) {
        let at = self.rest.find(this).unwrap_or(self.rest.len());
        self.rest = self.rest.get(at..).unwrap_or_default();
    }

    /// What stands before this character, which is dropped.
    pub(super) fn take_until(&mut self, this: char) -> &'t str {
        let (taken, rest) = self.rest.split_once(this).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// The name of a variable, or the one character of a special one.
    pub(super) fn take_name(&mut self) -> &'t str {
        let end = self
            .rest
            .find(|it: char| !(it.is_ascii_alphanumeric() || it == '_'))
            .unwrap_or(self.rest.len());
        let end = match self.peek() {
            Some('@' | '*' | '#' | '?' | '!' | '$' | '-') => 1,
            Some(digit) if digit.is_ascii_digit() => 1,
            _ => end,
        };
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        name
    }

    /// Whether what follows is one parenthesis and an expression with a variable, `(n > 1))`: an operator and a number, a variable or
    /// nothing come after the name. To a shell without arithmetic it is a command in a subshell.
    pub(super) fn computes(&self) -> bool {
        let is_name = |it: char| it == '_' || it.is_ascii_alphanumeric();
        let inner = self.rest.trim_start_matches(['(', ' ', '\t']);
        let after = inner.trim_start_matches(is_name);
        let after_blanks = after.trim_start_matches([' ', '\t']);
        let operand = after_blanks.trim_start_matches(|it| "+-*%<>=!&|".contains(it));
        let operator = after_blanks.get(..after_blanks.len() - operand.len());
        let operator = operator.unwrap_or_default();
        let operand = operand.trim_start_matches([' ', '\t']);
        let end = operand.trim_start_matches(is_name);
        let is_number = operand.starts_with(|it: char| it.is_ascii_digit() || it == '$');
        let is_end = end.trim_start_matches([' ', '\t']).starts_with("))");
        !operator.is_empty() && (is_number || is_end) && inner.len() > after.len()
    }

    /// What stands in parentheses, the first of which is next. Commands that are substituted in it are read.
    pub(super) fn arithmetic(&mut self, interpreter: &mut Interpreter<'_>) {
        let text = self.rest;
        let mut open = 0_u32;
        while let Some(next) = self.peek() {
            self.bump();
            match next {
                '(' => open += 1,
                ')' if open == 1 => break,
                ')' => open -= 1,
                _ => {}
            }
        }
        let text = text.get(..text.len() - self.rest.len()).unwrap_or_default();
        if text.contains("$(") || text.contains('`') {
            let mut inner = Scanner::new(text);
            interpreter.deeper(|interpreter| {
                while inner.peek().is_some() {
                    inner.quoted(interpreter, &mut Word::default());
                }
            });
        }
    }
}
