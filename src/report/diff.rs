//! What changes in a text, as a unified diff.

use diffy::DiffOptions;

/// The lines that differ, with three around them, under this name for both sides. Empty where none do.
pub fn unified_diff(name: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    DiffOptions::new()
        .set_original_filename(name.to_owned())
        .set_modified_filename(name.to_owned())
        .create_patch(before, after)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::unified_diff;

    #[test]
    fn a_last_line_without_its_end_is_told() {
        assert_eq!(
            unified_diff("ConfigMap a/b", "x: 1\ny: 2", "x: 1\ny: 3\n"),
            "--- ConfigMap a/b\n+++ ConfigMap a/b\n@@ -1,2 +1,2 @@\n x: 1\n-y: 2\n\\ No newline at end of file\n+y: 3\n"
        );
        assert_eq!(
            unified_diff("a", "", "x: 1\n"),
            "--- a\n+++ a\n@@ -0,0 +1 @@\n+x: 1\n"
        );
        assert_eq!(unified_diff("a", "x\n", "x\n"), "");
    }
}
