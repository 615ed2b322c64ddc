//! What commands read and write: redirections, here-documents and here-strings.

use super::super::Interpreter;
use super::scanner::{Document, Input, Scanner};
use super::{End, list};

impl Scanner<'_> {
    /// A redirection with its target; a here-document is read when the line ends.
    pub(super) fn redirection(&mut self, interpreter: &mut Interpreter<'_>) {
        if self.follows("<(") || self.follows(">(") {
            self.bump();
            self.bump();
            interpreter.deeper(|interpreter| {
                let _told = list(interpreter, self, End::Parenthesis);
            });
            return;
        }
        if self.take("<<<") {
            self.skip_blanks();
            let text = self.word(interpreter).text;
            let is_script = false;
            return self.inputs.push(Input { text, is_script });
        }
        if self.take("<<") {
            let without_tabs = self.take("-");
            self.skip_blanks();
            let end = self.word(interpreter).text;
            return self.documents.push(Document { end, without_tabs });
        }
        self.skip_all(&['<', '>', '&', '|']);
        self.skip_blanks();
        if !matches!(self.peek(), None | Some('\n' | ';' | ')' | '(')) {
            let target = self.word(interpreter).text;
            self.writes_script |= target
                .rsplit_once('.')
                .is_some_and(|(_, ending)| ending == "sh");
        }
    }

    /// Reads the here-documents that begin here.
    pub(super) fn read_documents(&mut self) {
        for Document { end, without_tabs } in std::mem::take(&mut self.documents) {
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
            let is_script = self.writes_script || text.starts_with("#!");
            self.inputs.push(Input { text, is_script });
        }
        self.writes_script = false;
    }
}
