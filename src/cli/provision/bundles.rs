//! Bundles as folders.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::folder::{File, Written, write};
use crate::pki::team::Certificates;
use crate::provision::{Bundle, CheckedTeam, environment};

/// Writes the bundles of a team's people; the folders that are other than before.
pub(super) fn write_all(
    folder: &Path,
    team: &CheckedTeam,
    certificates: &Certificates,
    force: bool,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for person in team.people() {
        let Some(issued) = certificates.clients.get(&person.holder()) else {
            continue;
        };
        let folder = folder.join(&team.team).join(person.slug());
        let bundle = Bundle::new(certificates, issued);
        let home = write_bundle(&folder, &bundle, &team.tiller_namespace, force)
            .with_context(|| format!("the bundle of the {person}"))?;
        written.extend(home);
    }
    Ok(written)
}

/// Writes a bundle; its folder's whole path where that was not done before.
pub(super) fn write_bundle(
    folder: &Path,
    bundle: &Bundle,
    tiller_namespace: &str,
    force: bool,
) -> anyhow::Result<Option<PathBuf>> {
    let absolute = absolute(folder)?;
    let Some(home) = absolute.to_str() else {
        bail!("{} is not UTF-8: choose another folder", folder.display());
    };
    let environment = environment(home, tiller_namespace);
    let files = bundle
        .files()
        .map(|file| File::new(file.name, file.content));
    let environment = File::new(Bundle::ENVIRONMENT, &environment);
    let files: Vec<_> = files.chain([environment]).collect();
    let written = write(folder, &files, force)?;
    Ok((written == Written::New).then_some(absolute))
}

fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.is_absolute() {
        return Ok(folder.to_owned());
    }
    let here = env::current_dir().context("cannot find the current folder")?;
    Ok(here.join(folder))
}
