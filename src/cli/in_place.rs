//! Files that are written in place.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::offline::files::{Source, is_compressed};

/// Checks that every source is a file that can be written as it was read.
pub(super) fn check_writable(sources: &[Source]) -> anyhow::Result<()> {
    for source in sources {
        match source {
            Source::Standard => bail!("--write needs files; the standard input cannot be written"),
            Source::File(path) if is_compressed(path) => {
                bail!("--write cannot change {}: it is compressed", path.display());
            }
            Source::File(_) | Source::Broken(_) => {}
        }
    }
    Ok(())
}

/// Gives a file another text: all of it, or none if that fails. Its permissions stay, and a link stays a link.
pub(super) fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("cannot write {}", path.display());
    let target = fs::canonicalize(path).with_context(context)?;
    let permissions = fs::metadata(&target).with_context(context)?.permissions();
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = target.with_file_name(name);
    let written = fs::File::create_new(&beside).and_then(|mut file| {
        file.set_permissions(permissions)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &target)
    });
    if written.is_err() {
        fs::remove_file(&beside).ok();
    }
    written.with_context(context)
}
