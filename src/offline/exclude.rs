//! Files that are left out, by patterns of paths.

use std::path::{Path, PathBuf};

/// Whether a pattern means this path. `*` is anything but a slash, `**` anything, `?` one character; a pattern without a slash
/// means a file or folder of that name, wherever it is, with all that is in it. One that begins with a slash starts from where the
/// path does.
pub fn matches(pattern: &str, path: &str) -> bool {
    let path = path.trim_start_matches("./");
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let from_start = pattern.strip_prefix('/').filter(|_| !path.starts_with('/'));
    let (pattern, is_name) = match from_start {
        Some(pattern) => (pattern, false),
        None => (pattern, !pattern.contains('/')),
    };
    if is_name {
        return path
            .split('/')
            .any(|part| is_like(pattern.as_bytes(), part.as_bytes()));
    }
    let ends = path
        .match_indices('/')
        .map(|(end, _)| end)
        .chain([path.len()]);
    let mut folders = ends.filter_map(|end| path.get(..end));
    folders.any(|folder| is_like(pattern.as_bytes(), folder.as_bytes()))
}

/// Whether a pattern means this path, or, if it begins with a slash, the path from one of these directories.
pub fn matches_from(directories: &[PathBuf], pattern: &str, path: &Path) -> bool {
    let means = |path: &Path| matches(pattern, &path.display().to_string());
    let mut inner = directories
        .iter()
        .filter_map(|it| path.strip_prefix(it).ok());
    means(path) || pattern.starts_with('/') && inner.any(means)
}

/// Refuses what other tools take for a pattern and this one does not, since nothing would be left out.
pub fn check(pattern: &str) -> Result<(), String> {
    if pattern
        .trim_start_matches("./")
        .trim_end_matches('/')
        .is_empty()
    {
        return Err("give a name or a path".to_owned());
    }
    if pattern.starts_with('!') || pattern.contains(['[', ']', '{', '}', '\\']) {
        return Err(
            "only *, ** and ? have a meaning here; give one pattern for each choice, and ? for a character like these"
                .to_owned(),
        );
    }
    Ok(())
}

/// Backtracks to the last `*` only, because it can match whatever an earlier one could.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    let mut places = vec![false; text.len() + 1];
    if let Some(first) = places.first_mut() {
        *first = true;
    }
    let mut rest = pattern;
    while let Some((first, after)) = rest.split_first() {
        let (next, after) = match (first, after) {
            (b'*', [b'*', after @ ..]) => (spread(&places, text, |_| true), after),
            (b'*', _) => (spread(&places, text, |it| it != b'/'), after),
            (b'?', _) => (step(&places, text, |it| it != b'/'), after),
            (own, _) => (step(&places, text, |it| it == *own), after),
        };
        places = next;
        rest = after;
    }
    places.last().is_some_and(|end| *end)
}

/// The places that are reached from these by one byte.
fn step(places: &[bool], text: &[u8], is_taken: impl Fn(u8) -> bool) -> Vec<bool> {
    let taken = places
        .iter()
        .zip(text)
        .map(|(place, byte)| *place && is_taken(*byte));
    [false].into_iter().chain(taken).collect()
}

/// The places that are reached from these by any number of bytes.
fn spread(places: &[bool], text: &[u8], is_taken: impl Fn(u8) -> bool) -> Vec<bool> {
    let mut reached = false;
    let before = [None].into_iter().chain(text.iter().copied().map(Some));
    let spread = places.iter().zip(before).map(|(place, before)| {
        reached = *place || reached && before.is_some_and(&is_taken);
        reached
    });
    spread.collect()
}

#[cfg(test)]
mod tests {
    use super::{check, matches, matches_from};

    #[test]
    fn patterns_mean_what_gitignore_means_by_them() {
        for (pattern, path, meant) in [
            ("vendor", "vendor/a.yaml", true),
            ("vendor", "x/vendor/a.yaml", true),
            ("vendor", "x/vendored/a.yaml", false),
            ("*.tpl.yaml", "x/a.tpl.yaml", true),
            ("charts/*/templates", "charts/a/templates/x.yaml", true),
            ("charts/*/templates", "charts/a/b/templates/x.yaml", false),
            ("charts/**/templates", "charts/a/b/templates/x.yaml", true),
            ("./a/?.yaml", "a/b.yaml", true),
            ("a/?.yaml", "./a/bc.yaml", false),
            ("a/**", "a/b/c.yaml", true),
            ("a/", "a/b.yaml", true),
            ("", "a", false),
            ("/vendor", "vendor/a.yaml", true),
            ("/vendor/", "./vendor/a.yaml", true),
            ("/vendor", "x/vendor/a.yaml", false),
            ("/x/*.yaml", "x/a.yaml", true),
            ("/x", "/x/a.yaml", true),
            ("/vendor", "/x/vendor/a.yaml", false),
        ] {
            assert_eq!(matches(pattern, path), meant, "{pattern} {path}");
        }
    }

    #[test]
    fn a_slash_in_front_starts_from_a_directory_that_is_read() {
        let from = |pattern: &str, path: &str| {
            matches_from(
                &["/repository".into(), "deploy".into()],
                pattern,
                path.as_ref(),
            )
        };
        assert!(from("/vendor", "/repository/vendor/a.yaml"));
        assert!(from("/vendor", "deploy/vendor/a.yaml"));
        assert!(from("/deploy/vendor", "deploy/vendor/a.yaml"));
        assert!(!from("/vendor", "deploy/x/vendor/a.yaml"));
        assert!(!from("x/a.yaml", "deploy/x/a.yaml"));
    }

    #[test]
    fn what_would_mean_nothing_is_refused() {
        for pattern in ["", "./", "a{b,c}", "[ab].yaml", "!a", "a\\*"] {
            assert!(check(pattern).is_err(), "{pattern}");
        }
        for pattern in ["a", "a/**", "./a/?b*.yaml"] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(200) + "b/x";
        assert!(!matches(&pattern, &"a".repeat(10_000)));
    }
}
