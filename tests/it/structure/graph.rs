//! Which file uses which, by the paths in their code: `use` trees, and paths that are written out. A name that a
//! module only hands on counts as used where it is defined.

use std::collections::{BTreeMap, BTreeSet};

use super::code::{File, words};

/// The files of the crate, and who uses whom.
pub(super) struct Graph {
    /// By module path, such as `policy::rules`.
    modules: BTreeMap<String, Module>,
}

#[derive(Default)]
struct Module {
    file: String,
    /// What the file defines, macros apart.
    defined: BTreeSet<String>,
    /// Names that it brings in, with what they stand for.
    imported: BTreeMap<String, String>,
    /// Those of them that it hands on.
    handed_on: BTreeSet<String>,
    /// Names and paths in its code, outside of `use`.
    written: Vec<String>,
}

impl Graph {
    pub(super) fn of(files: &[File]) -> Self {
        let modules = files.iter().map(|file| {
            let module = Module::read(file);
            (file.module.clone(), module)
        });
        Self {
            modules: modules.collect(),
        }
    }

    /// Each file with those that it uses.
    pub(super) fn uses(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (path, module) in &self.modules {
            let own = uses.entry(&module.file).or_default();
            for used in self.used_by(path, module) {
                if used != module.file {
                    own.insert(used);
                }
            }
        }
        uses
    }

    fn used_by<'g>(&'g self, path: &str, module: &'g Module) -> Vec<&'g str> {
        let imported = module.imported.iter();
        let kept = imported.filter(|(name, _)| !module.handed_on.contains(*name));
        let by_import = kept.filter_map(|(_, target)| self.find(target));
        let by_path = module.written.iter().filter_map(|written| {
            let (first, rest) = written.split_once("::").unwrap_or((written, ""));
            let target = match module.imported.get(first) {
                Some(target) => target.clone(),
                None if first == "crate" => rest.to_owned(),
                None => join(path, first),
            };
            let tail = if first == "crate" { "" } else { rest };
            self.find(join(&target, tail).trim_end_matches("::"))
        });
        by_import.chain(by_path).collect()
    }

    /// The file that defines what this path names. A module's file is used where the path ends at something of its own.
    fn find(&self, path: &str) -> Option<&str> {
        self.follow(path, 0)
    }

    fn follow(&self, path: &str, turns: usize) -> Option<&str> {
        let parts: Vec<&str> = path.split("::").collect();
        let mut at = String::new();
        for (index, part) in parts.iter().enumerate() {
            let below = join(&at, part);
            if self.modules.contains_key(&below) {
                at = below;
                continue;
            }
            let module = self.modules.get(&at)?;
            if module.defined.contains(*part) {
                return Some(&module.file);
            }
            let target = module.imported.get(*part)?;
            let rest = parts.get(index + 1..).unwrap_or_default().join("::");
            let target = join(target, &rest);
            let target = target.trim_end_matches("::");
            return (turns < 8 && target != path).then(|| self.follow(target, turns + 1))?;
        }
        None
    }
}

impl Module {
    fn read(file: &File) -> Self {
        let mut module = Self {
            file: file.name.clone(),
            ..Self::default()
        };
        let mut left = String::new();
        let mut rest = file.code.as_str();
        while let Some((start, handed_on, tree)) = next_use(rest) {
            left.push_str(&rest[..start]);
            let end = start + rest[start..].find(';').unwrap() + 1;
            module.import(&file.module, &tree, handed_on);
            rest = &rest[end..];
        }
        left.push_str(rest);
        module.defined = defined(&left);
        module.written = written(&left);
        module
    }

    fn import(&mut self, own: &str, tree: &str, handed_on: bool) {
        for (path, name) in leaves(tree) {
            let Some(target) = absolute(own, &path) else {
                continue;
            };
            if handed_on {
                self.handed_on.insert(name.clone());
            }
            self.imported.insert(name, target);
        }
    }
}

/// The next `use` at the beginning of a line: where its line begins, whether it hands on, and its tree.
fn next_use(code: &str) -> Option<(usize, bool, String)> {
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let text = line.trim_start();
        let bare = match text.strip_prefix("pub") {
            Some(rest) if rest.starts_with('(') => rest.split_once(") ").map(|(_, rest)| rest),
            Some(rest) => rest.strip_prefix(' '),
            None => Some(text),
        };
        if bare.is_some_and(|bare| bare.starts_with("use ")) {
            let tree = code[at..].split_once("use ").unwrap().1;
            let tree = tree.split(';').next().unwrap();
            return Some((at, text.starts_with("pub"), tree.to_owned()));
        }
        at += line.len();
    }
    None
}

/// Every path of a `use` tree, with the name that it goes by.
fn leaves(tree: &str) -> Vec<(String, String)> {
    let tree = tree.trim();
    if let Some((before, list)) = tree.split_once('{') {
        let list = &list[..list.rfind('}').unwrap()];
        let each = entries(list).into_iter().flat_map(|entry| leaves(&entry));
        return each
            .map(|(path, name)| match path.as_str() {
                "self" => {
                    let path = before.trim_end_matches("::").to_owned();
                    let own = path.rsplit("::").next().unwrap().to_owned();
                    (path, if name == "self" { own } else { name })
                }
                _ => (format!("{before}{path}"), name),
            })
            .collect();
    }
    let (path, name) = match tree.split_once(" as ") {
        Some((path, name)) => (path.trim(), name.trim()),
        None => (tree, tree.rsplit("::").next().unwrap()),
    };
    vec![(path.to_owned(), name.to_owned())]
}

/// The entries of a list, split at commas outside of inner lists.
fn entries(list: &str) -> Vec<String> {
    let (mut depth, mut found) = (0_usize, vec![String::new()]);
    for character in list.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(character);
    }
    found.retain(|entry| !entry.trim().is_empty());
    found
}

/// A path of this crate from its root, as a file in this module writes it; nothing for other crates' paths. A bare path is
/// one of the module's own.
fn absolute(own: &str, path: &str) -> Option<String> {
    let mut at = own;
    let mut rest = path.trim();
    if let Some(rest) = rest.strip_prefix("crate::") {
        return Some(rest.to_owned());
    }
    if let Some(after) = rest.strip_prefix("self::") {
        rest = after;
    }
    while let Some(after) = rest.strip_prefix("super::") {
        at = at.rsplit_once("::").map_or("", |(above, _)| above);
        rest = after;
    }
    (rest != "super").then(|| join(at, rest))
}

fn join(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.to_owned(),
        (path, "") => path.to_owned(),
        (path, name) => format!("{path}::{name}"),
    }
}

/// The names that follow a word by which something is defined.
fn defined(code: &str) -> BTreeSet<String> {
    const KINDS: [&str; 8] = [
        "struct", "enum", "fn", "const", "static", "type", "trait", "union",
    ];
    let top = code.lines().filter(|line| !line.starts_with([' ', '}']));
    let mut found = BTreeSet::new();
    for line in top {
        let words: Vec<&str> = words(line).collect();
        for pair in words.windows(2) {
            if KINDS.contains(&pair[0]) && !KINDS.contains(&pair[1]) {
                found.insert(pair[1].to_owned());
            }
        }
    }
    found
}

/// Names and paths as they are written.
fn written(code: &str) -> Vec<String> {
    let mut found: BTreeSet<String> = BTreeSet::new();
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == ':';
    for text in code.split(|it: char| !is_part(it)) {
        let text = text.trim_matches(':');
        if !text.is_empty() && !text.contains(":::") {
            found.insert(text.to_owned());
        }
    }
    found.into_iter().collect()
}

/// The sets of files that use one another in a circle, the largest first.
pub(super) fn circles<'g>(uses: &BTreeMap<&'g str, BTreeSet<&'g str>>) -> Vec<BTreeSet<&'g str>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        uses.keys().map(|file| (*file, reach(file, uses))).collect();
    let mut circles: Vec<BTreeSet<&str>> = Vec::new();
    for (file, others) in &reached {
        let circle: BTreeSet<&str> = others
            .iter()
            .filter(|other| reached[*other].contains(file))
            .copied()
            .collect();
        if circle.len() > 1 && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

fn reach<'g>(from: &str, uses: &BTreeMap<&'g str, BTreeSet<&'g str>>) -> BTreeSet<&'g str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = uses[from].iter().copied().collect();
    while let Some(file) = next.pop() {
        if found.insert(file)
            && let Some(more) = uses.get(file)
        {
            next.extend(more);
        }
    }
    found
}
