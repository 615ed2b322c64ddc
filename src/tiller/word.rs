//! Words in names and command lines: a word is made of letters, and everything else separates.
//!
//! `artillery`, `distiller` and `tillerless` hold the letters of `tiller` and are other words; `helm-tiller2` holds the word.

use memchr::memmem;

use super::signs;

/// Whether a text holds this word.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    find_word(text, word).is_some()
}

/// What follows the first occurrence of this word.
fn find_word<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    memmem::find_iter(text.as_bytes(), word).find_map(|at| {
        let before = text.get(..at)?;
        let after = text.get(at + word.len()..)?;
        let is_whole = !before.ends_with(|it: char| it.is_ascii_alphabetic())
            && !after.starts_with(|it: char| it.is_ascii_alphabetic());
        is_whole.then_some(after)
    })
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
    let Some(after) = signs::IMAGE_WORDS
        .into_iter()
        .find_map(|word| find_word(name, word))
    else {
        return Named::Other;
    };
    let next = after
        .split(|it: char| !it.is_ascii_alphabetic())
        .find(|word| !word.is_empty());
    match next {
        Some(next) if signs::PROGRAMS_ABOUT_TILLER.contains(&next) => Named::AboutTiller,
        _ => Named::Tiller,
    }
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
            ("tillerä", Named::Tiller),
        ] {
            assert_eq!(named(name), expected, "{name}");
        }
    }
}
