//! What commands read and write: redirections, here-documents and here-strings.

use super::super::Interpreter;
use super::super::functions::End;
use super::super::name::file_name;
use super::list;
use super::scanner::{Document, Input, Scanner};

impl Scanner<'_> {
    /// A redirection with its target; a here-document is read when the line ends.
    pub(super) fn redirection(&mut self, interpreter: &mut Interpreter<'_>) {
        if self.follows("<(") || self.follows(">(") {
            self.bump();
            self.bump();
            let mut told = String::new();
            interpreter.deeper(|interpreter| {
                told = list(interpreter, self, End::Parenthesis);
            });
            return self.print(&told);
        }
        if self.take("<<<") {
            self.skip_blanks();
            let text = self.word(interpreter).text;
            let is_document = false;
            return self.inputs.push(Input { text, is_document });
        }
        if self.take("<<") {
            let without_tabs = self.take("-");
            self.skip_blanks();
            let word = self.word(interpreter);
            return self.documents.push(Document {
                end: word.text,
                without_tabs,
                is_quoted: !word.is_plain,
            });
        }
        let is_read = self.follows("<");
        self.skip_all(&['<', '>', '&', '|']);
        self.skip_blanks();
        if !matches!(self.peek(), None | Some('\n' | ';' | ')' | '(')) {
            let target = self.word(interpreter).text;
            let name = file_name(&target);
            let is_file = name != "null" && !name.bytes().all(|it| it.is_ascii_digit());
            if !is_read && is_file {
                self.written.push(name.to_owned());
            } else if let Some(length) = interpreter.files.text(name).map(str::len)
                && interpreter.has_room(length)
            {
                let text = interpreter.files.text(name).unwrap_or_default().to_owned();
                let is_document = false;
                self.inputs.push(Input { text, is_document });
            }
        }
    }

    /// Reads the here-documents that begin here.
    pub(super) fn read_documents(&mut self) {
        for Document {
            end,
            without_tabs,
            is_quoted,
        } in std::mem::take(&mut self.documents)
        {
            let mut text = String::new();
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                let line = if without_tabs {
                    line.trim_start_matches('\t')
                } else {
                    line
                };
                if line.trim_end_matches('\r') == end {
                    break;
                }
                text.push_str(line);
                text.push('\n');
            }
            if !is_quoted {
                text = text.replace("\\$", "$").replace("\\`", "`");
            }
            let is_document = true;
            self.inputs.push(Input { text, is_document });
        }
    }
}
