//! The crate's own files, without comments and unit tests.

use std::fs;
use std::path::{Path, PathBuf};

/// A file of the crate.
pub(super) struct File {
    /// Its path below `src`.
    pub(super) name: String,
    /// Its module, such as `policy::rules`; empty for the crate's root.
    pub(super) module: String,
    /// Its code.
    pub(super) code: String,
}

impl File {
    /// The outermost folder that holds it; nothing for the crate's root.
    pub(super) fn room(&self) -> Option<&str> {
        self.name.split_once('/').map(|(room, _)| room)
    }
}

/// Every file of the crate but its tests.
pub(super) fn files() -> Vec<File> {
    let source = root().join("src");
    let files = rust_files(&source).into_iter();
    let files = files.filter_map(|path| {
        let name = path.strip_prefix(&source).unwrap().to_str().unwrap();
        let is_test = name.ends_with("tests.rs") || name.contains("/tests/");
        if is_test || name == "main.rs" {
            return None;
        }
        let module = name.trim_end_matches(".rs").trim_end_matches("/mod");
        let module = if module == "lib" { "" } else { module };
        Some(File {
            name: name.to_owned(),
            module: module.replace('/', "::"),
            code: without_comments(&fs::read_to_string(&path).unwrap()),
        })
    });
    files.collect()
}

fn without_comments(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The words of a text.
pub(super) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !it.is_alphanumeric() && it != '_')
        .filter(|word| !word.is_empty())
}

/// The Rust files below a folder.
pub(super) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

pub(super) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
