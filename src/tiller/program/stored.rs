//! Scripts that a command line writes into files, and starts.

use super::Interpreter;

impl Interpreter<'_> {
    /// Takes a text as the content of a file, and reads it if it was started before.
    pub(super) fn store(&mut self, name: &str, text: &str) {
        if !self.has_room(text.len()) {
            return;
        }
        if self.files.write(name, text) {
            self.stored(name, &[]);
        }
    }

    /// Reads what was written into the file of this name, as a script with these as `$0`, `$1` …
    pub(super) fn stored(&mut self, name: &str, words: &[String]) {
        let Some(length) = self.files.begin(name) else {
            return;
        };
        if self.has_room(length) {
            let text = self.files.open(name);
            self.script(&text, words);
            self.files.close();
        }
    }
}
