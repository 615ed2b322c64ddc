//! Which kinds of objects a manifest holds, without reading all of it.

use std::borrow::Cow;

use serde_json::Value;

use crate::manifest::Stream;

/// An object of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scanned<'a> {
    /// Group and version.
    pub(super) api_version: Cow<'a, str>,
    /// The kind.
    pub(super) kind: Cow<'a, str>,
}

/// The objects of a manifest. What cannot be read has none.
pub(super) fn scan(manifest: &[u8]) -> Vec<Scanned<'_>> {
    let mut found = Vec::new();
    for document in documents(manifest) {
        match plain(document) {
            Plain::Object(object) => found.push(object),
            Plain::Nothing => {}
            Plain::Other => found.extend(read(document)),
        }
    }
    found
}

/// What the lines of a document tell.
enum Plain<'a> {
    /// An object that is written as most are.
    Object(Scanned<'a>),
    /// Comments.
    Nothing,
    /// It must be read.
    Other,
}

/// The documents between lines that begin with `---`.
fn documents(manifest: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(manifest);
    std::iter::from_fn(move || {
        let whole = rest?;
        let mut from = 0;
        loop {
            let Some(found) = memchr::memmem::find(whole.get(from..)?, b"\n---") else {
                rest = None;
                return Some(whole);
            };
            let end = from + found + 1;
            // `----` is text.
            if whole.get(end + 3) == Some(&b'-') {
                from = end;
                continue;
            }
            rest = whole.get(end + 3..);
            return whole.get(..end);
        }
    })
}

/// Group, version and kind, where each stands on a line of its own without anything odd, and the object is no list.
fn plain(document: &[u8]) -> Plain<'_> {
    let (mut api_version, mut kind, mut holds) = (None, None, false);
    for line in document.split(|byte| *byte == b'\n') {
        match line.first() {
            None | Some(b'#' | b'\r') => continue,
            Some(b' ') if holds => continue,
            Some(b'-') if holds && !line.starts_with(b"---") => continue,
            Some(b'a'..=b'z') => {}
            Some(_) if line.trim_ascii().is_empty() || line.starts_with(b"---") => continue,
            Some(_) => return Plain::Other,
        }
        holds = true;
        let place = if let Some(value) = line.strip_prefix(b"apiVersion:") {
            (&mut api_version, value)
        } else if let Some(value) = line.strip_prefix(b"kind:") {
            (&mut kind, value)
        } else {
            continue;
        };
        let value = str::from_utf8(place.1).ok().and_then(scalar);
        match value {
            Some(value) if place.0.is_none() => *place.0 = Some(value),
            _ => return Plain::Other,
        }
    }
    match (api_version, kind) {
        (Some(api_version), Some(kind)) if !kind.ends_with("List") => Plain::Object(Scanned {
            api_version: Cow::Borrowed(api_version),
            kind: Cow::Borrowed(kind),
        }),
        (None, None) if !holds => Plain::Nothing,
        _ => Plain::Other,
    }
}

/// A word, in quotes or without, with or without a comment behind it.
fn scalar(text: &str) -> Option<&str> {
    let text = text.split(" #").next()?.trim();
    let bare = |text: &str| {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-');
        !text.is_empty() && text.bytes().all(good)
    };
    let inner = ['"', '\'']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    Some(inner.unwrap_or(text)).filter(|text| bare(text))
}

/// The objects of a document that is read whole.
fn read(document: &[u8]) -> Vec<Scanned<'static>> {
    let stream = Stream::new("manifest", document.to_vec());
    let objects = stream.documents().flat_map(|document| document.objects());
    let found = objects.flatten().map(|object| Scanned {
        api_version: Cow::Owned(told(&object.value, "apiVersion", &object.api_version)),
        kind: Cow::Owned(object.kind),
    });
    found.collect()
}

fn told(object: &Value, key: &str, otherwise: &str) -> String {
    let value = object.get(key).and_then(Value::as_str);
    value.unwrap_or(otherwise).to_owned()
}
