//! Strings and lists as Kubernetes reads them from JSON: borrowed where the JSON lets them, and empty
//! where it says `null`.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use crate::json::{Problem, Read, ReadError, Source};

/// A string, borrowed from its source unless an escape had to be resolved.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Text<'a>(Cow<'a, str>);

/// A list of at most `MAX` elements: a longer one is an error, so that a few bytes an element in a request
/// do not become a few hundred in memory. One that `GROWS` may be longer, if its text is long too: its elements take at most
/// eight times their text.
#[derive(Clone, PartialEq, Eq)]
pub struct Items<T, const MAX: usize = 4096, const GROWS: bool = false>(Vec<T>);

/// A list that may be longer than `MAX`.
pub type Many<T, const MAX: usize = 4096> = Items<T, MAX, true>;

/// How many times the bytes of its text the elements of a list may take that is longer than its `MAX`.
const MOST_GROWTH: usize = 8;

/// From how many bytes on an element is large: most lists of such have one, and room for four, as a `Vec` makes it, is more
/// than an allocator gives from what it has at hand.
const LARGE: usize = 256;

// === impl Text ===

impl<'a> Text<'a> {
    /// The text with the lifetime of its source where it is borrowed.
    pub fn into_cow(self) -> Cow<'a, str> {
        self.0
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(text)
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        *self.0 == *other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self.0 == **other
    }
}

impl<'j: 'a, 'a> Read<'j> for Text<'a> {
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        self.0 = source.text()?;
        Ok(())
    }
}

// === impl Items ===

impl<T, const MAX: usize, const GROWS: bool> Items<T, MAX, GROWS> {
    /// The list's elements.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// An error if there are more than `MAX`.
    pub fn held(&self) -> Result<(), ReadError> {
        if self.0.len() > MAX {
            return Err(Problem::Many(MAX).into());
        }
        Ok(())
    }

    /// Whether the list's text, which begins and has come so far, is long enough for one element more.
    fn may_grow(&self, start: Option<usize>, now: Option<usize>) -> bool {
        let text = start.zip(now).map(|(start, now)| now - start);
        let memory = (self.0.len() + 1) * size_of::<T>();
        text.is_none_or(|text| memory <= text.saturating_mul(MOST_GROWTH))
    }
}

impl<T, const MAX: usize, const GROWS: bool> Default for Items<T, MAX, GROWS> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize, const GROWS: bool> Deref for Items<T, MAX, GROWS> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: fmt::Debug, const MAX: usize, const GROWS: bool> fmt::Debug for Items<T, MAX, GROWS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<T, const MAX: usize, const GROWS: bool> From<Vec<T>> for Items<T, MAX, GROWS> {
    fn from(items: Vec<T>) -> Self {
        Self(items)
    }
}

impl<T, const MAX: usize, const GROWS: bool> FromIterator<T> for Items<T, MAX, GROWS> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T, const MAX: usize, const GROWS: bool> IntoIterator for Items<T, MAX, GROWS> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T, const MAX: usize, const GROWS: bool> IntoIterator for &'a Items<T, MAX, GROWS> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'j, T: Read<'j> + Default, const MAX: usize, const GROWS: bool> Read<'j>
    for Items<T, MAX, GROWS>
{
    fn read<S: Source<'j>>(&mut self, source: &mut S) -> Result<(), ReadError> {
        let start = source.position();
        source.elements(|element| {
            if self.0.len() >= MAX && !(GROWS && self.may_grow(start, element.position())) {
                return Err(Problem::Many(MAX).into());
            }
            if self.0.is_empty() && size_of::<T>() > LARGE {
                self.0.reserve_exact(1);
            }
            self.0.push_mut(T::default()).read(element)
        })
    }
}
