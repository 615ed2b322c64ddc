//! From the files that a command line names to streams.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::manifest::Stream;
use crate::report::Unreadable;

/// The most that a compressed file may hold, in bytes.
const MAX_DECOMPRESSED: u64 = 1 << 30;

/// A file to read, or why there is none.
#[derive(Debug)]
pub enum Source {
    /// The standard input.
    Standard,
    /// A file.
    File(PathBuf),
    /// A directory without manifests.
    Empty(Unreadable),
    /// A file or directory that cannot be read.
    Broken(Unreadable),
}

/// The files that the arguments name, each once: a directory stands for the manifests in it.
pub fn sources(arguments: Vec<PathBuf>) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in arguments {
        if path.as_os_str() == "-" {
            sources.push(Source::Standard);
        } else if path.is_dir() {
            let before = sources.len();
            add_directory(&path, &mut sources);
            if sources.len() == before {
                let message = "holds no file whose name ends in .yaml, .yml or .json";
                sources.push(Source::Empty(unreadable(&path, message.to_owned())));
            }
        } else {
            sources.push(Source::File(path));
        }
    }
    let mut known = BTreeSet::new();
    sources.retain(|source| match source {
        Source::File(path) => known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())),
        Source::Standard => known.insert(PathBuf::from("-")),
        Source::Empty(_) | Source::Broken(_) => true,
    });
    sources
}

impl Source {
    /// Its path; nothing for the standard input and what cannot be read.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            Self::Standard | Self::Empty(_) | Self::Broken(_) => None,
        }
    }

    /// Reads it.
    pub fn read(self) -> Result<Stream, Unreadable> {
        match self {
            Self::Standard => Stream::read("-", io::stdin().lock())
                .map_err(|error| unreadable(Path::new("-"), error.to_string())),
            Self::File(path) => File::open(&path)
                .and_then(|file| read(&path, file))
                .map_err(|error| unreadable(&path, error.to_string())),
            Self::Empty(unreadable) | Self::Broken(unreadable) => Err(unreadable),
        }
    }
}

/// Reads a file, one that ends in `.gz` as what is compressed in it.
fn read(path: &Path, file: File) -> io::Result<Stream> {
    let name = name(path);
    if !is_compressed(path) {
        return Stream::read(name, file);
    }
    let mut content = MultiGzDecoder::new(file).take(MAX_DECOMPRESSED);
    let stream = Stream::read(name, &mut content)?;
    if content.limit() == 0 {
        let message = format!("its content has {MAX_DECOMPRESSED} bytes or more");
        return Err(io::Error::other(message));
    }
    Ok(stream)
}

/// A file's name in reports. Of one in the current directory it is relative to that, since forges show a finding only in a file of
/// the very name that they know.
fn name(path: &Path) -> String {
    let relative = path.strip_prefix(".").unwrap_or(path);
    relative.display().to_string()
}

/// Whether a file's content is compressed, by its name.
pub fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Adds a directory's manifests in the order of their names, and those of the directories in it.
fn add_directory(directory: &Path, sources: &mut Vec<Source>) {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            return sources.push(Source::Broken(unreadable(directory, error.to_string())));
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A link to a directory may lead back here; kubectl follows none either.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            add_directory(&path, sources);
        } else if is_manifest(&path) && !is_special(&path) {
            sources.push(Source::File(path));
        }
    }
}

/// Whether this is a directory by a link, or what is read without end, such as a named pipe. A link that leads nowhere is an error
/// for whoever reads it.
fn is_special(path: &Path) -> bool {
    path.metadata().is_ok_and(|it| !it.is_file())
}

fn is_manifest(path: &Path) -> bool {
    let inner = path.file_stem().map(Path::new);
    let path = inner.filter(|_| is_compressed(path)).unwrap_or(path);
    let extension = path.extension().and_then(OsStr::to_str);
    extension.is_some_and(|extension| matches!(extension, "yaml" | "yml" | "json"))
}

fn unreadable(path: &Path, message: String) -> Unreadable {
    Unreadable {
        file: name(path),
        document: None,
        line: None,
        column: None,
        message,
    }
}
