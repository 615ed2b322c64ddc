//! Each link within the repository leads to a file, and to a heading of it.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::{Page, pages, repository};

#[test]
fn links_lead_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        for link in links(&page.text) {
            if let Some(why) = dead_end(&page, &link) {
                dead.push(format!("{}: {link}: {why}", page.name));
            }
        }
    }
    assert!(dead.is_empty(), "{}", dead.join("\n"));
}

/// The README's length is a promise.
#[test]
fn the_readme_is_short() {
    let readme = super::page("README.md");
    assert!(readme.text.lines().count() <= 150);
}

/// The targets of a page's links, outside of its blocks.
fn links(text: &str) -> Vec<String> {
    let outside = text.split("```").step_by(2);
    let parts = outside.flat_map(|part| part.split("](").skip(1));
    parts
        .filter_map(|rest| rest.split(')').next())
        .map(ToOwned::to_owned)
        .collect()
}

fn dead_end(page: &Page, link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let from = Path::new(&page.name);
    let target = if file.is_empty() {
        from.to_owned()
    } else {
        normal(&from.parent().unwrap().join(file))
    };
    let path = repository().join(&target);
    if !path.exists() {
        return Some("there is no such file".to_owned());
    }
    if heading.is_empty() {
        return None;
    }
    let text = fs::read_to_string(path).unwrap();
    let mut anchors = text
        .lines()
        .filter_map(|line| line.strip_prefix('#'))
        .map(|line| anchor(line.trim_start_matches('#').trim()));
    let there = anchors.any(|it| it == heading);
    (!there).then(|| "there is no such heading".to_owned())
}

/// A heading's anchor, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        letter if letter.is_alphanumeric() => Some(letter),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}
