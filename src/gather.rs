//! Iterators into ordered collections.

/// `collect` for a `BTreeMap` or `BTreeSet`, by one insertion after the other.
///
/// `collect` sorts first, by code that each type of element brings anew: 6 KB of the program each.
pub(crate) trait Gather: Iterator + Sized {
    /// All elements. Of two with one key the last stays, as with `collect`.
    fn gather<C>(self) -> C
    where
        C: Default + Extend<Self::Item>,
    {
        let mut all = C::default();
        all.extend(self);
        all
    }
}

impl<I: Iterator> Gather for I {}
