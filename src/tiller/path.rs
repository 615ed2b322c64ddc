//! Paths as Go's `path/filepath` handles them on Linux.

/// `filepath.Clean`: the shortest path that means the same.
pub fn clean(path: &str) -> String {
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
        ("", only) | (only, "") => clean(only),
        (directory, file) => clean(&format!("{directory}/{file}")),
    }
}

/// Whether a clean absolute path is a clean absolute directory, or in it.
pub fn is_within(path: &str, directory: &str) -> bool {
    directory == "/"
        || path
            .strip_prefix(directory)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
