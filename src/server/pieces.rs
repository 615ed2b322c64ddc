//! The bytes of a body as they came.

use hyper::body::Bytes;

use crate::k8s::review::BEGINNING;

/// What is kept together, in bytes. All are of one size, so that a body fits where another was. They are copies: hyper reads
/// into more room than a small piece fills.
pub(super) const CHUNK: usize = 16 * 1024;
/// What is set aside for a body of several pieces in the first place, in bytes.
const LEAST: usize = 1024;

/// A body, or as much of it as is there.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// The bytes, if the body came in one piece.
    whole: Bytes,
    /// All full but for the last.
    chunks: Vec<Vec<u8>>,
}

// === impl Pieces ===

impl Pieces {
    /// Takes a body that came in one piece as it is.
    pub(super) fn take(&mut self, whole: Bytes) {
        self.whole = whole;
    }

    /// How many bytes are there of a body that came in several.
    pub(super) fn len(&self) -> usize {
        let last = self.chunks.last().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * CHUNK + last
    }

    /// Copies one more piece of a body that may get as long as `most`.
    pub(super) fn add(&mut self, mut piece: &[u8], most: usize) {
        while !piece.is_empty() {
            let had = self.len();
            if had.is_multiple_of(CHUNK) {
                self.chunks.push(Vec::new());
            }
            let Some(chunk) = self.chunks.last_mut() else {
                return;
            };
            let (now, later) = piece.split_at(piece.len().min(CHUNK - chunk.len()));
            if chunk.capacity() - chunk.len() < now.len() {
                let twice = ((chunk.len() + now.len()) * 2).max(LEAST);
                let room = most.saturating_sub(had - chunk.len());
                let capacity = twice.min(room).min(CHUNK).max(chunk.len() + now.len());
                chunk.reserve_exact(capacity - chunk.len());
            }
            chunk.extend_from_slice(now);
            piece = later;
        }
    }

    /// Keeps no more than is needed to answer a review that is not judged.
    pub(super) fn cut(&mut self) {
        self.chunks.truncate(1);
        if let Some(first) = self.chunks.first_mut() {
            first.truncate(BEGINNING);
            first.shrink_to_fit();
        }
    }

    /// What is needed to answer a review that is not judged.
    pub(super) fn beginning(&self) -> &[u8] {
        let first = self.chunks.first().map_or(&*self.whole, Vec::as_slice);
        first.get(..BEGINNING).unwrap_or(first)
    }

    /// All of it in one place.
    pub(super) fn join(self) -> Bytes {
        let length = self.len();
        let mut chunks = self.chunks.into_iter();
        let Some(first) = chunks.next() else {
            return self.whole;
        };
        if length <= CHUNK {
            return first.into();
        }
        let mut whole = Vec::with_capacity(length);
        whole.extend(first);
        // Each chunk is given back before the next is copied.
        chunks.for_each(|chunk| whole.extend(chunk));
        whole.into()
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, LEAST, Pieces};

    #[test]
    fn what_comes_in_pieces_is_put_together_again() {
        let bytes: Vec<u8> = (0..=250).cycle().take(3 * CHUNK + 7).collect();
        for size in [1, 100, CHUNK - 1, CHUNK, CHUNK + 1, bytes.len()] {
            let mut pieces = Pieces::default();
            for piece in bytes.chunks(size) {
                pieces.add(piece, bytes.len());
            }
            assert_eq!(pieces.len(), bytes.len());
            assert_eq!(pieces.beginning(), &bytes[..1024]);
            assert_eq!(pieces.join(), bytes);
        }
        let mut whole = Pieces::default();
        whole.take("some".into());
        assert_eq!(whole.beginning(), b"some");
        assert_eq!(whole.join(), "some");
    }

    #[test]
    fn a_body_takes_little_more_than_what_is_there() {
        let mut pieces = Pieces::default();
        pieces.add(&[0; 100], usize::MAX);
        assert_eq!(pieces.chunks[0].capacity(), LEAST);
        pieces.add(&[0; 4000], usize::MAX);
        assert_eq!(pieces.chunks[0].capacity(), 8200);
        pieces.add(&[0; CHUNK - 4100], usize::MAX);
        assert_eq!(pieces.chunks[0].capacity(), CHUNK);
        pieces.add(&[0; 100], CHUNK + 300);
        assert_eq!(pieces.chunks[1].capacity(), 300);
        pieces.cut();
        assert_eq!((pieces.len(), pieces.chunks[0].capacity()), (1024, 1024));
    }
}
