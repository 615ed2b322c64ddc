//! Texts that people wrote.

/// A text, which JSON holds as UTF-8 only.
pub(super) fn text(bytes: &[u8], what: &str, remarks: &mut Vec<String>) -> String {
    if let Ok(text) = str::from_utf8(bytes) {
        return text.to_owned();
    }
    remarks.push(format!(
        "its {what} is not UTF-8; Helm 3 gets U+FFFD for what is not"
    ));
    String::from_utf8_lossy(bytes).into_owned()
}
