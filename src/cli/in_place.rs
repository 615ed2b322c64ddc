//! Files that are written in place.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::manifest::Stream;
use crate::offline::files::{Source, is_compressed};

/// Checks that every source is a file.
pub(super) fn check_writable(sources: &[Source]) -> anyhow::Result<()> {
    let is_standard = |it: &Source| matches!(it, Source::Standard);
    if sources.iter().any(is_standard) {
        bail!("--write needs files; the standard input cannot be written");
    }
    Ok(())
}

/// Writes another text to the file of a stream, as that is encoded.
pub(super) fn rewrite(path: &Path, stream: &Stream, text: &str) -> anyhow::Result<()> {
    let path_text = path.display();
    if is_compressed(path) {
        bail!("--write cannot change {path_text}: it is compressed");
    }
    let Some(bytes) = stream.encode(text) else {
        bail!("--write cannot change {path_text}: some of its bytes are no text");
    };
    replace(path, &bytes)
}

/// Gives a file another content: all of it, or none if that fails. Its permissions stay, and a link stays a link.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    let target = fs::canonicalize(path).with_context(context)?;
    let permissions = fs::metadata(&target).with_context(context)?.permissions();
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = target.with_file_name(name);
    let written = fs::File::create_new(&beside).and_then(|mut file| {
        file.set_permissions(permissions)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, &target)
    });
    if written.is_err() {
        fs::remove_file(&beside).ok();
    }
    written.with_context(context)
}
