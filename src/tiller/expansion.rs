//! The kubelet's `$(NAME)` expansion in `command`, `args` and environment values.
//!
//! Source: `third_party/forked/golang/expansion/expand.go` of Kubernetes.

use std::borrow::Cow;

use memchr::memchr;

use super::setting::excerpt;
use super::text::split_once;
use super::{Setting, Unknown};

/// What the kubelet makes of a text that refers to no variable: `$$` becomes `$`, and so `$$(NAME)` the
/// literal `$(NAME)`. A text with a reference is unknown, whether or not the variable is declared in the
/// manifest: Services and the API server's own variables are not.
pub(super) fn expand(text: &str) -> Setting<Cow<'_, str>> {
    if memchr(b'$', text.as_bytes()).is_none() {
        return Setting::Known(Cow::Borrowed(text));
    }
    expand_marked(text)
}

/// What the kubelet makes of a text with a `$`.
fn expand_marked(text: &str) -> Setting<Cow<'_, str>> {
    let last_closer = text.rfind(')').unwrap_or_default();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = split_once(rest, b'$') {
        literal.push_str(before);
        let mut following = after.chars();
        match following.next() {
            None | Some('$') => literal.push('$'),
            Some('(') if text.len() - after.len() < last_closer => return reference(text),
            Some(next) if next.is_ascii() => literal.extend(['$', next]),
            // The kubelet takes the next byte, not the next character, and breaks it.
            Some(_) => return reference(text),
        }
        rest = following.as_str();
    }
    literal.push_str(rest);
    Setting::Known(if literal == text {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(literal)
    })
}

/// What the kubelet makes of a text where these are the variables that it knows. A reference to another one stays as it
/// is written.
pub(super) fn substitute<'t, 'v>(
    text: &'t str,
    mut value: impl FnMut(&str) -> Option<&'v str>,
) -> Cow<'t, str> {
    if memchr(b'$', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = split_once(rest, b'$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = after
            .strip_prefix('(')
            .and_then(|after| split_once(after, b')'))
            && let Some(value) = value(name)
        {
            expanded.push_str(value);
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    Cow::Owned(expanded)
}

fn reference<T>(text: &str) -> Setting<T> {
    Setting::Unknown(Unknown::Expansion {
        text: excerpt(text),
    })
}
