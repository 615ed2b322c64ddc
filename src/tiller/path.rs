//! Paths as Go's `path/filepath` handles them on Linux.

use std::borrow::Cow;

/// `filepath.Clean`: the shortest path that means the same.
pub fn clean(path: &str) -> Cow<'_, str> {
    if is_clean(path) {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(cleaned(path))
    }
}

/// Whether a path is absolute and, seen without reading its components, clean: nearly all are.
fn is_clean(path: &str) -> bool {
    let [b'/', components @ ..] = path.as_bytes() else {
        return false;
    };
    components
        .split(|byte| *byte == b'/')
        .all(|component| !matches!(component, [] | [b'.', ..]))
}

fn cleaned(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut components: Vec<&str> = Vec::new();
    for component in path.split('/') {
        match component {
            "" | "." => {}
            ".." if components.last().is_some_and(|last| *last != "..") => {
                components.pop();
            }
            // Above the root is the root.
            ".." if rooted => {}
            _ => components.push(component),
        }
    }
    let joined = components.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// `filepath.Join` of two elements: an empty one does not count.
pub(super) fn join(directory: &str, file: &str) -> String {
    match (directory, file) {
        ("", "") => String::new(),
        ("", only) | (only, "") => clean(only).into_owned(),
        (directory, file) => clean(&format!("{directory}/{file}")).into_owned(),
    }
}

/// Whether a clean absolute path is a clean absolute directory, or in it.
pub fn is_within(path: &str, directory: &str) -> bool {
    directory == "/"
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert_eq, proptest};

    use super::{clean, cleaned};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_path_that_is_clean_stays_as_it_is(path in "/?([a.]{0,3}/?){0,4}") {
            prop_assert_eq!(clean(&path), cleaned(&path));
        }
    }
}
