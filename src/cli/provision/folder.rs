//! Folders with keys: for their owner alone, never overwritten unasked, and whole after a crash.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const PROGRAM_MODE: u32 = 0o700;

/// A file to write.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    name: &'a str,
    content: &'a str,
    mode: u32,
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
        Self {
            name,
            content,
            mode: FILE_MODE,
        }
    }

    /// One that its owner may run.
    pub(super) fn program(name: &'a str, content: &'a str) -> Self {
        Self {
            mode: PROGRAM_MODE,
            ..Self::new(name, content)
        }
    }
}

/// Writes files into a folder, which may hold others, in this order. Each is written aside and renamed, so that a crash
/// leaves the old one or the new one. Nothing is written if one of them would replace a file that `may_replace` refuses,
/// by its name and content.
pub(super) fn write(
    folder: &Path,
    files: &[File<'_>],
    may_replace: impl Fn(&str, &[u8]) -> bool,
) -> Result<Written, FolderError> {
    create(folder)?;
    // One writer at a time; a file system without locks goes without.
    let lock = fs::File::open(folder).map_err(failed(folder))?;
    lock.lock().ok();
    let mut wanted = Vec::new();
    for file in files {
        let path = folder.join(file.name);
        match fs::read(&path) {
            Ok(content) if content == file.content.as_bytes() => {
                close(&path, file.mode)?;
            }
            Ok(content) if may_replace(file.name, &content) => wanted.push((path, file)),
            Ok(_) => return Err(FolderError::Exists(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => wanted.push((path, file)),
            Err(source) => return Err(FolderError::Write { path, source }),
        }
    }
    if wanted.is_empty() {
        return Ok(Written::Same);
    }
    let mut aside = Vec::new();
    for (path, file) in wanted {
        let temporary = Temporary(folder.join(format!(".{}.new", file.name)));
        write_aside(&temporary.0, file).map_err(failed(&path))?;
        aside.push((temporary, path));
    }
    for (temporary, path) in aside {
        fs::rename(&temporary.0, &path).map_err(failed(&path))?;
    }
    lock.sync_all().map_err(failed(folder))?;
    Ok(Written::New)
}

/// Lets only the owner read and write the files of a folder.
pub(super) fn keep_private(folder: &Path, names: &[&str]) -> Result<(), FolderError> {
    for name in names {
        close(&folder.join(name), FILE_MODE)?;
    }
    Ok(())
}

fn close(path: &Path, mode: u32) -> Result<(), FolderError> {
    const OTHERS: u32 = 0o077;
    let is_private = |it: &fs::Metadata| it.permissions().mode() & OTHERS == 0;
    if fs::metadata(path).as_ref().is_ok_and(is_private) {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed(path))
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

fn write_aside(path: &Path, content: &File<'_>) -> io::Result<()> {
    // What a crash left.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(content.mode)
        .open(path)?;
    file.write_all(content.content.as_bytes())?;
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
