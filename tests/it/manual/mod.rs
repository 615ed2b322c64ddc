//! What the README and the pages of `docs` say is what the program does. `UPDATE_DOCS=1` writes anew what is generated.

mod command_line;
mod commands;
mod links;
mod rules;
mod tables;
pub(crate) mod walk;
mod words;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// A page of the manual.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its path in the repository.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block of a page.
#[derive(Debug)]
struct Block<'p> {
    /// `console`, `sh`, `yaml`, …
    language: &'p str,
    /// The line on which it begins, from 1.
    line: usize,
    text: String,
}

pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One page, by its path in the repository.
pub(crate) fn page(name: &str) -> Page {
    let path = repository().join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    Page {
        name: name.to_owned(),
        text,
    }
}

/// The pages at the root, those of `docs`, and those beside what they are about.
pub(crate) fn pages() -> Vec<Page> {
    let mut names: Vec<String> = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "certs/README.md",
        "charts/tiller-guard/README.md",
    ]
    .map(ToOwned::to_owned)
    .into();
    for folder in ["docs", "docs/rules"] {
        for entry in fs::read_dir(repository().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|it| it == "md") {
                names.push(format!("{folder}/{name}"));
            }
        }
    }
    names.sort();
    names.iter().map(|name| page(name)).collect()
}

/// Compares a generated page with what is there, or writes it.
fn generated(name: &str, text: &str) {
    let path: PathBuf = repository().join(name);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let stated = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stated == text,
        "{name} is out of date: run UPDATE_DOCS=1 cargo test --test it manual::"
    );
}

// === impl Page ===

impl Page {
    /// What is between `<!-- NAME: begin -->` and `<!-- NAME: end -->`.
    fn part(&self, name: &str) -> &str {
        let (_, rest) = self
            .text
            .split_once(&format!("<!-- {name}: begin -->\n"))
            .unwrap_or_else(|| panic!("{} has no part {name}", self.name));
        rest.split_once(&format!("<!-- {name}: end -->")).unwrap().0
    }

    /// The cells of the first column of the table in that part, without backquotes.
    fn names(&self, part: &str) -> Vec<String> {
        let rows = self.part(part).lines().skip(2);
        let names = rows.filter_map(|row| row.strip_prefix("| `")?.split('`').next());
        names.map(ToOwned::to_owned).collect()
    }

    fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks: Vec<Block<'_>> = Vec::new();
        let mut open = false;
        for (number, line) in self.text.lines().enumerate() {
            let trimmed = line.trim_start();
            match (trimmed.strip_prefix("```"), open) {
                (Some(language), false) => {
                    open = true;
                    blocks.push(Block {
                        language,
                        line: number + 1,
                        text: String::new(),
                    });
                }
                (Some(_), true) => open = false,
                (None, true) => {
                    let block = blocks.last_mut().unwrap();
                    block.text += line;
                    block.text.push('\n');
                }
                (None, false) => {}
            }
        }
        blocks
    }
}
