//! Files that are read again at intervals.
//!
//! A mounted Secret or `ConfigMap` is swapped by a symlink (`..data`), of which a watch on the file itself hears
//! nothing. So files are read again every few seconds and compared by content.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// More than any chain of certificates and any policy; a larger file is not parsed.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A file was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is too large.
    #[error("{} is larger than 1 MiB", path.display())]
    TooLarge {
        /// Which.
        path: PathBuf,
    },
}

impl ReadError {
    /// A word for metrics, of a closed set.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Read { .. } => "unreadable",
            Self::TooLarge { .. } => "malformed",
        }
    }
}

/// Reads a whole file, if it is small.
pub fn read_file(path: &Path) -> Result<Vec<u8>, ReadError> {
    let failed = |source| ReadError::Read {
        path: path.to_owned(),
        source,
    };
    let mut contents = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST_FILE + 1)
        .read_to_end(&mut contents)
        .map_err(failed)?;
    if contents.len() as u64 > LARGEST_FILE {
        return Err(ReadError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(contents)
}

/// Reads the files at intervals, and passes on what differs from what was read before, the first time from `seen`.
pub(super) async fn on_change<C, R>(
    every: Duration,
    seen: Option<C>,
    read: R,
    mut take: impl FnMut(Result<&C, &ReadError>),
) where
    C: PartialEq + Send + 'static,
    R: Fn() -> Result<C, ReadError> + Clone + Send + 'static,
{
    let mut seen = seen.map(Ok);
    loop {
        let read = read.clone();
        // A file system that hangs must not delay reviews.
        let Ok(read) = tokio::task::spawn_blocking(read).await else {
            return;
        };
        let same = match (&seen, &read) {
            (Some(Ok(before)), Ok(now)) => before == now,
            (Some(Err(before)), Err(now)) => *before == now.to_string(),
            _ => false,
        };
        if !same {
            take(read.as_ref());
            seen = Some(read.map_err(|error| error.to_string()));
        }
        tokio::time::sleep(every).await;
    }
}
