//! Folders with keys: for their owner alone, never overwritten unasked, and whole after a crash.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process;

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// A file to write.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    name: &'a str,
    content: &'a str,
}

/// What was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Something else, or nothing.
    New,
    /// The same.
    Same,
}

/// A folder cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    /// Another file is there.
    #[error("{0} already exists with other content; --force replaces it")]
    Exists(PathBuf),
    /// The file system refuses.
    #[error("cannot write {path}")]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

// === impl File ===

impl<'a> File<'a> {
    pub(super) fn new(name: &'a str, content: &'a str) -> Self {
        Self { name, content }
    }
}

/// Writes files into a folder, which may hold others. Each is written aside and renamed, so that a crash leaves the
/// old one or the new one; nothing is written where one of them would replace another unasked.
pub(super) fn write(
    folder: &Path,
    files: &[File<'_>],
    force: bool,
) -> Result<Written, FolderError> {
    let mut wanted = Vec::new();
    for file in files {
        let path = folder.join(file.name);
        match fs::read(&path) {
            Ok(content) if content == file.content.as_bytes() => {}
            Ok(_) if force => wanted.push((path, file)),
            Ok(_) => return Err(FolderError::Exists(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => wanted.push((path, file)),
            Err(source) => return Err(FolderError::Write { path, source }),
        }
    }
    create(folder)?;
    if wanted.is_empty() {
        return Ok(Written::Same);
    }
    let mut aside = Vec::new();
    for (path, file) in wanted {
        let name = format!(".{}.{}", file.name, process::id());
        let temporary = Temporary(folder.join(name));
        write_aside(&temporary.0, file.content).map_err(failed(&path))?;
        aside.push((temporary, path));
    }
    for (temporary, path) in aside {
        fs::rename(&temporary.0, &path).map_err(failed(&path))?;
    }
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(failed(folder))?;
    Ok(Written::New)
}

fn create(folder: &Path) -> Result<(), FolderError> {
    let parent = folder.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(parent) = parent {
        fs::create_dir_all(parent).map_err(failed(parent))?;
    }
    match DirBuilder::new().mode(FOLDER_MODE).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(folder, Permissions::from_mode(FOLDER_MODE))
        }
        done => done,
    }
    .map_err(failed(folder))
}

fn write_aside(path: &Path, content: &str) -> io::Result<()> {
    // What a crash left of a process with the same number.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Write { path, source }
}

/// A file that goes unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}
