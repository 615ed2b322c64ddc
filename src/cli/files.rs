//! The files that a command names.

use std::path::PathBuf;

use clap::Args;

use crate::offline::files::{Source, sources};

/// Files, by themselves or by kubectl's option.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(super) struct FileArguments {
    /// Manifests, or directories of them; - reads standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// The same as FILE, as in kubectl (repeatable)
    #[arg(long = "filename", short = 'f', value_name = "FILE")]
    filenames: Vec<PathBuf>,
}

impl FileArguments {
    /// The directories among them, which patterns with a slash in front start from.
    pub(super) fn directories(&self) -> Vec<PathBuf> {
        let all = self.files.iter().chain(&self.filenames);
        all.filter(|it| it.is_dir()).cloned().collect()
    }

    /// The files to read, in the order given.
    pub(super) fn sources(self) -> Vec<Source> {
        let Self {
            mut files,
            filenames,
        } = self;
        files.extend(filenames);
        sources(files)
    }
}
