//! A map whose copies share what they have in common: a change copies one chunk and the list of chunks,
//! whatever else there is.
//!
//! Keys are texts, and are given in pieces, which are put together only to be kept: `["team", "/", "tiller"]`.

use std::cmp::Ordering;
use std::slice;
use std::sync::Arc;

/// A full chunk is split in two. A change of a map of 20,000 entries copies about as many chunks' addresses as a
/// chunk's entries.
const FULL: usize = 128;

/// An ordered map from text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SharedMap<V> {
    /// In order, none of them empty.
    chunks: Arc<Vec<Chunk<V>>>,
    len: usize,
}

type Chunk<V> = Arc<Vec<(Arc<str>, V)>>;

/// The entries from one on, in order.
#[derive(Debug)]
pub(super) struct Entries<'m, V> {
    /// What is left of the chunk at hand.
    chunk: slice::Iter<'m, (Arc<str>, V)>,
    /// Those after it.
    chunks: slice::Iter<'m, Chunk<V>>,
}

// === impl SharedMap ===

impl<V> Default for SharedMap<V> {
    fn default() -> Self {
        Self {
            chunks: Arc::default(),
            len: 0,
        }
    }
}

impl<V: Clone> SharedMap<V> {
    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, key: &[&str]) -> Option<&V> {
        let (found, value) = self.from(key).next()?;
        compare(found, key).is_eq().then_some(value)
    }

    /// The entries whose keys begin so, in order.
    pub(super) fn with_prefix<const N: usize>(
        &self,
        prefix: [&str; N],
    ) -> impl Iterator<Item = (&str, &V)> {
        self.from(&prefix)
            .take_while(move |(key, _)| begins_with(key, &prefix))
    }

    /// Every entry, in order.
    pub(super) fn iter(&self) -> Entries<'_, V> {
        self.from(&[])
    }

    /// The entries from this key on, in order.
    fn from(&self, key: &[&str]) -> Entries<'_, V> {
        let (chunk, index) = self.place(key).unwrap_or_else(|place| place);
        let mut chunks = self.chunks.get(chunk..).unwrap_or_default().iter();
        let first = chunks.next().and_then(|chunk| chunk.get(index..));
        Entries {
            chunk: first.unwrap_or_default().iter(),
            chunks,
        }
    }

    /// The chunk that a key is in and its place there, or, as an error, where it would be.
    fn place(&self, key: &[&str]) -> Result<(usize, usize), (usize, usize)> {
        let begins_before = |chunk: &Chunk<V>| {
            chunk
                .first()
                .is_some_and(|(it, _)| compare(it, key).is_le())
        };
        let chunk = self.chunks.partition_point(begins_before).saturating_sub(1);
        let entries = self.chunks.get(chunk).map_or(&[][..], |chunk| chunk);
        match entries.binary_search_by(|(it, _)| compare(it, key)) {
            Ok(index) => Ok((chunk, index)),
            Err(index) => Err((chunk, index)),
        }
    }

    /// Puts a value in, and gives the one that was there.
    pub(super) fn insert(&mut self, key: &[&str], value: V) -> Option<V> {
        let place = self.place(key);
        let chunks = Arc::make_mut(&mut self.chunks);
        if chunks.is_empty() {
            chunks.push(Arc::default());
        }
        let (Ok((chunk, index)) | Err((chunk, index))) = place;
        let entries = Arc::make_mut(chunks.get_mut(chunk)?);
        if place.is_ok() {
            let (_, old) = entries.get_mut(index)?;
            return Some(std::mem::replace(old, value));
        }
        entries.insert(index, (key.concat().into(), value));
        self.len += 1;
        if entries.len() == FULL {
            let mut upper = entries.split_off(FULL / 2);
            upper.shrink_to_fit();
            entries.shrink_to_fit();
            chunks.insert(chunk + 1, Arc::new(upper));
        }
        None
    }

    /// Takes a value out.
    pub(super) fn remove(&mut self, key: &[&str]) -> Option<V> {
        let (chunk, index) = self.place(key).ok()?;
        let chunks = Arc::make_mut(&mut self.chunks);
        let entries = Arc::make_mut(chunks.get_mut(chunk)?);
        let (_, value) = entries.remove(index);
        if entries.is_empty() {
            chunks.remove(chunk);
        }
        self.len -= 1;
        Some(value)
    }
}

// === impl Entries ===

impl<'m, V> Iterator for Entries<'m, V> {
    type Item = (&'m str, &'m V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((key, value)) = self.chunk.next() {
                return Some((key, value));
            }
            self.chunk = self.chunks.next()?.iter();
        }
    }
}

/// How a key compares with a text in pieces.
fn compare(key: &str, pieces: &[&str]) -> Ordering {
    let mut rest = key.as_bytes();
    for piece in pieces {
        let (start, end) = rest.split_at(piece.len().min(rest.len()));
        match start.cmp(piece.as_bytes()) {
            Ordering::Equal => rest = end,
            unequal => return unequal,
        }
    }
    if rest.is_empty() {
        Ordering::Equal
    } else {
        Ordering::Greater
    }
}

/// Whether a key begins with a text in pieces.
fn begins_with(key: &str, pieces: &[&str]) -> bool {
    let mut pieces = pieces.iter();
    let rest = pieces.try_fold(key, |rest, piece| rest.strip_prefix(piece));
    rest.is_some()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::{ProptestConfig, any, proptest};

    use super::*;

    fn entries(map: &SharedMap<u8>) -> Vec<(String, u8)> {
        map.iter()
            .map(|(key, value)| (key.to_owned(), *value))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Against the standard library's map, with a copy taken before each change.
        #[test]
        fn is_an_ordered_map_and_copies_stay_as_they_were(
            changes in vec(("[ab]{0,9}", of(any::<u8>())), 0..600),
        ) {
            let mut map = SharedMap::default();
            let mut model = BTreeMap::new();
            for (key, value) in changes {
                let (copy, before) = (map.clone(), entries(&map));
                match value {
                    Some(value) => assert_eq!(map.insert(&[&key], value), model.insert(key, value)),
                    None => assert_eq!(map.remove(&[&key]), model.remove(&key)),
                }
                assert_eq!(entries(&copy), before);
            }
            assert_eq!(map.len(), model.len());
            for prefix in ["", "a", "ab", "bb", "c"] {
                let expected: Vec<_> = model.keys().filter(|key| key.starts_with(prefix)).collect();
                for cut in 0..=prefix.len() {
                    let (start, end) = prefix.split_at(cut);
                    let found: Vec<_> = map.with_prefix([start, end]).map(|(key, _)| key).collect();
                    assert_eq!(found, expected);
                }
            }
            for (key, value) in &model {
                let (start, end) = key.split_at(key.len() / 2);
                assert_eq!(map.get(&[start, "", end]), Some(value));
            }
            assert_eq!(entries(&map), model.into_iter().collect::<Vec<_>>());
        }
    }
}
