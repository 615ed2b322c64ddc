//! Files that a command line writes and starts: scripts, and copies of Tiller under another name.
//!
//! A file is known by its name alone, wherever it is: a line may change its folder, and two files of one name are rare.

use std::collections::{HashMap, HashSet};

use super::name::{file_name, is_tiller};

/// What is known of files.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    texts: HashMap<String, String>,
    /// The names of Tiller's copies.
    tillers: HashSet<String>,
    /// What was started before anything was known of it: a here-document comes after the line that starts it.
    started: HashSet<String>,
    /// The scripts that are being read.
    open: Vec<String>,
}

// === impl Files ===

impl Files {
    /// Whether a file of this name is a copy of Tiller.
    pub(super) fn is_tiller(&self, name: &str) -> bool {
        self.tillers.contains(name)
    }

    /// What was written into a file of this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// Has a copy of Tiller in this file. A folder's name ends with `/`, or is no program's.
    pub(super) fn name_tiller(&mut self, path: &str) {
        let name = file_name(path);
        if !name.is_empty() {
            let _known = self.tillers.insert(name.to_owned());
        }
    }

    /// `cp FILE … NAME`, and its like; `dd if=FILE of=NAME`.
    pub(super) fn copy(&mut self, arguments: &[String]) {
        let words = arguments.iter().filter(|it| !it.starts_with('-'));
        let words: Vec<&str> = words.map(|it| it.trim_start_matches("if=")).collect();
        let Some((to, from)) = words.split_last() else {
            return;
        };
        let names = from.iter().map(|it| file_name(it));
        let to = words
            .iter()
            .find_map(|it| it.strip_prefix("of="))
            .unwrap_or(to);
        if names
            .clone()
            .any(|name| is_tiller(name) || self.is_tiller(name))
        {
            self.name_tiller(to);
        }
        let text = names.filter_map(|name| self.text(name)).next_back();
        if let Some(text) = text.map(str::to_owned) {
            let _earlier = self.texts.insert(file_name(to).to_owned(), text);
        }
    }

    /// `curl -o FILE URL`, and its like.
    pub(super) fn download(&mut self, arguments: &[String]) {
        let names_file = |it: &String| {
            let letters = it.strip_prefix('-').unwrap_or_default();
            let is_short = letters.bytes().all(|it| it.is_ascii_alphabetic());
            is_short && letters.ends_with(['o', 'O'])
                || matches!(it.as_str(), "--output" | "--output-document")
        };
        let at = arguments.iter().position(names_file);
        let to = at.and_then(|at| arguments.get(at + 1));
        let is_tillers = |it: &String| it.contains("://") && is_tiller(file_name(it));
        if let Some(to) = to.filter(|_| arguments.iter().any(is_tillers)) {
            self.name_tiller(to);
        }
    }

    /// Adds a text to a file. Whether the file was started before.
    pub(super) fn write(&mut self, name: &str, text: &str) -> bool {
        let content = self.texts.entry(name.to_owned()).or_default();
        content.push_str(text);
        content.push('\n');
        self.started.contains(name)
    }

    /// Whether nothing was written that could be started.
    pub(super) fn are_none(&self) -> bool {
        self.texts.is_empty() && self.tillers.is_empty()
    }

    /// Adds those that another command has written.
    pub(super) fn add(&mut self, others: Self) {
        self.texts.extend(others.texts);
        self.tillers.extend(others.tillers);
    }

    /// The names and texts of all files that were written.
    pub(super) fn all(&self) -> Vec<(String, String)> {
        let mut all: Vec<_> = self.texts.clone().into_iter().collect();
        all.sort_unstable();
        all
    }

    /// The length of a file that is started, if it is not open and something was written into it.
    pub(super) fn begin(&mut self, name: &str) -> Option<usize> {
        let Some(text) = self.texts.get(name) else {
            let _known = self.started.insert(name.to_owned());
            return None;
        };
        let is_open = self.open.iter().any(|it| it == name);
        (!is_open).then_some(text.len())
    }

    /// Opens a file.
    pub(super) fn open(&mut self, name: &str) -> String {
        self.open.push(name.to_owned());
        self.texts.get(name).cloned().unwrap_or_default()
    }

    /// Closes the file that was opened last.
    pub(super) fn close(&mut self) {
        let _closed = self.open.pop();
    }
}
