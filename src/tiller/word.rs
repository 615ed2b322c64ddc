//! Words in names and command lines: a word is made of letters, and everything else separates.
//!
//! `artillery`, `distiller` and `tillerless` hold the letters of `tiller` and are other words; `helm-tiller2` holds the word.

use memchr::memmem;

use super::signs;

/// Whether a text holds this word, with the number of a version after it perhaps, `tillerv2`, or an escape before it, `\ntiller`.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    memmem::find_iter(text.as_bytes(), word).any(|at| {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + word.len()..).unwrap_or_default();
        (!before.ends_with(|it: char| it.is_ascii_alphabetic()) || ends_with_escape(before))
            && (!after.starts_with(|it: char| it.is_ascii_alphabetic()) || begins_version(after))
    })
}

/// Whether a text ends with an escape of one letter, as `printf` reads it: `\n`.
fn ends_with_escape(text: &str) -> bool {
    matches!(text.as_bytes(), [.., b'\\', letter] if letter.is_ascii_lowercase())
}

/// Whether a text begins with a version as people write it after a name: `v2`.
pub(super) fn begins_version(text: &str) -> bool {
    matches!(text.as_bytes(), [b'v', digit, ..] if digit.is_ascii_digit())
}

/// What a name of an image or a program says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// Tiller.
    Tiller,
    /// A program about Tiller, such as kubeapps' `tiller-proxy`.
    AboutTiller,
    /// Another one.
    Other,
}

/// What the last component of an image's repository, or a program's file name, says that it is. To a container runtime a
/// repository is lower case; the other spellings are a person's slip.
pub(super) fn named(name: &str) -> Named {
    if name == signs::NAME {
        return Named::Tiller;
    }
    if !holds_tiller(name) {
        return Named::Other;
    }
    let mut before = "";
    let mut came = false;
    for word in name.split(|it: char| !it.is_ascii_alphabetic()) {
        if signs::IMAGE_WORDS.contains(&word.strip_suffix('v').unwrap_or(word)) {
            came = true;
            if signs::WORDS_BEFORE_TILLER.contains(&before) {
                return Named::AboutTiller;
            }
        } else if came && is_role(word) {
            return Named::AboutTiller;
        }
        if !word.is_empty() {
            before = word;
        }
    }
    Named::Tiller
}

/// Whether a name holds the word `tiller`.
pub(super) fn holds_tiller(name: &str) -> bool {
    let mut words = signs::IMAGE_WORDS.into_iter();
    words.any(|word| has_word(name, word))
}

/// Whether a word of a name tells what a program does.
pub(super) fn tells_task(name: &str) -> bool {
    name.split(|it: char| !it.is_ascii_alphabetic())
        .any(is_role)
}

/// Whether a word in the name of a program tells what that program does.
fn is_role(word: &str) -> bool {
    let ends = |ending: &str| word.ends_with(ending) && word.len() > ending.len() + 1;
    signs::ROLES.contains(&word)
        || signs::ROLE_ENDINGS.into_iter().any(ends) && !signs::NO_ROLES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_another_word_are_no_word() {
        for (name, expected) in [
            ("tiller", Named::Tiller),
            ("helm-tiller", Named::Tiller),
            ("tiller2", Named::Tiller),
            ("my_tiller.arm64", Named::Tiller),
            ("TILLER", Named::Tiller),
            ("artillery", Named::Other),
            ("distiller", Named::Other),
            ("distillery", Named::Other),
            ("tillerless", Named::Other),
            ("artillery-tiller", Named::Tiller),
            ("helm", Named::Other),
            ("tiller-proxy", Named::AboutTiller),
            ("kubeapps-tiller-proxy", Named::AboutTiller),
            ("kubeapps_tiller_proxy-amd64", Named::AboutTiller),
            ("tiller-guard", Named::AboutTiller),
            ("proxy-tiller", Named::Tiller),
            ("tiller-metrics-exporter", Named::AboutTiller),
            ("tiller2-prometheus_exporter", Named::AboutTiller),
            ("no-tiller", Named::AboutTiller),
            ("helm-without-tiller", Named::AboutTiller),
            ("exporter-for-tiller", Named::AboutTiller),
            ("tiller-less", Named::AboutTiller),
            ("no-nonsense-tiller", Named::Tiller),
            ("tillerv2", Named::Tiller),
            ("helm-tillerv2.17", Named::Tiller),
            ("tillerv", Named::Other),
            ("tillervault", Named::Other),
            ("tiller-server", Named::Tiller),
            ("tiller-arm64-mirror", Named::Tiller),
            ("tiller-or", Named::Tiller),
            ("tiller-init", Named::AboutTiller),
            ("tiller-cert-generator", Named::AboutTiller),
            ("tiller-reapers", Named::AboutTiller),
            ("tillerctl", Named::Other),
            ("tiller-ctl", Named::AboutTiller),
            ("tillerv2-exporter", Named::AboutTiller),
            ("tiller-kubectl", Named::AboutTiller),
            ("tiller-automation", Named::AboutTiller),
            ("wait-for-tiller", Named::AboutTiller),
            ("kill_tiller", Named::AboutTiller),
            ("run-tiller", Named::Tiller),
            ("tiller-farm", Named::AboutTiller),
            ("garden_tiller", Named::AboutTiller),
            ("tiller-demo", Named::Tiller),
            ("tiller-tls", Named::Tiller),
            ("local-tiller", Named::Tiller),
            ("tiller-proxyless", Named::Tiller),
            ("exporter-tiller-v2", Named::Tiller),
            ("tillerä", Named::Tiller),
        ] {
            assert_eq!(named(name), expected, "{name}");
        }
    }
}
