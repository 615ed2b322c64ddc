//! File names, and which of them are Tiller's.

use crate::tiller::signs;
use crate::tiller::word::begins_version;

/// Words after `tiller` in a file's name that tell its version or its machine.
const EDITIONS: [&str; 12] = [
    "aarch", "alpha", "amd", "arm", "beta", "bin", "darwin", "linux", "rc", "static", "v", "x",
];

/// The last component of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a file of this name is Tiller: `tiller`, or with its version or machine after it.
pub(super) fn is_tiller(name: &str) -> bool {
    let Some(edition) = name.strip_prefix(signs::PROGRAM) else {
        return false;
    };
    let is_name = |it: char| it.is_ascii_alphanumeric() || "-_.".contains(it);
    let mut words = edition.split(|it: char| !it.is_ascii_alphabetic());
    (!edition.starts_with(|it: char| it.is_ascii_alphabetic()) || begins_version(edition))
        && edition.chars().all(is_name)
        && words.all(|word| word.is_empty() || EDITIONS.contains(&word))
}

/// Whether a word is a path of the program, absolute or below the current folder: `/opt/helm/tiller`, `./tiller`.
pub(super) fn is_path_of_tiller(word: &str) -> bool {
    word.starts_with(['/', '.']) && is_tiller(file_name(word)) || is_program_path(word)
}

/// Whether a word is the path of the program, where programs are: `/tiller`, `/usr/bin/tiller`, `./tiller`.
pub(super) fn is_program_path(word: &str) -> bool {
    let Some((folder, name)) = word.rsplit_once('/') else {
        return false;
    };
    is_tiller(name) && (matches!(folder, "" | ".") || folder.ends_with("bin")) && !is_address(word)
}

/// Whether a word is no path but an address: `https://example.com/tiller`, `git@example.com:apps/tiller`.
pub(super) fn is_address(word: &str) -> bool {
    !word.starts_with(['/', '.']) && word.contains(':')
}
