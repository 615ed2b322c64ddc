//! Commands of a shell that name something, and `xargs`, which puts what it reads into a command.

use super::super::Interpreter;

/// How many words of what `xargs` reads are looked at.
const MOST_WORDS_READ: usize = 100;

impl Interpreter<'_> {
    /// `read NAME` and `printf -v NAME` set a variable, and `alias NAME=LINE` gives a line a name.
    pub(super) fn names_by_builtin(&mut self, argv: &[String], piped: &str) {
        let Some((program, words)) = argv.split_first() else {
            return;
        };
        let mut plain = words.iter().filter(|it| !it.starts_with('-'));
        match (program.as_str(), words) {
            ("read", _) if !piped.is_empty() && self.has_room(piped.len()) => {
                if let Some(name) = plain.next_back() {
                    let also = self.again;
                    self.variables.set(name, piped.trim().to_owned(), also);
                }
            }
            ("printf", [option, name, words @ ..]) if option == "-v" => {
                let also = self.again;
                self.variables.set(name, words.join(" "), also);
            }
            ("alias", _) => {
                for (name, line) in words.iter().filter_map(|it| it.split_once('=')) {
                    self.store(name, line);
                }
            }
            _ => {}
        }
    }

    /// `xargs` puts the words that it reads behind its own, and one in place of `{}`.
    pub(super) fn with_input(&mut self, argv: &mut Vec<String>, piped: &str) {
        if !self.has_room(piped.len()) {
            return;
        }
        let mut words = piped.split_ascii_whitespace();
        let first = words.clone().next().unwrap_or_default();
        let at = argv.iter().position(|it| it.starts_with("-I"));
        let option = at.and_then(|at| Some((at, argv.get(at)?.strip_prefix("-I")?)));
        let (marker, begin) = match option {
            Some((at, "")) => (argv.get(at + 1).map_or("{}", String::as_str), at + 2),
            Some((at, marker)) => (marker, at + 1),
            None => ("{}", 1),
        };
        let marker = marker.to_owned();
        for own in argv.iter_mut().skip(begin) {
            let count = own.matches(&marker).take(own.len()).count();
            if marker.is_empty() || !self.has_room(count * first.len()) {
                return;
            }
            *own = own.replace(&marker, first);
        }
        let given = words.by_ref().take(MOST_WORDS_READ);
        argv.extend(given.map(str::to_owned));
    }
}
