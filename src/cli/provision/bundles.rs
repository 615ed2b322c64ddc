//! Bundles as folders.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::folder::{File, FolderError, Written, keep_private, write};
use super::record::Record;
use crate::pki::team::Certificates;
use crate::provision::{Bundle, CheckedTeam, Environment, Person};

/// A bundle, and where it goes.
pub(super) struct Delivery<'a> {
    pub(super) team: &'a str,
    pub(super) person: &'a Person,
    pub(super) bundle: &'a Bundle,
    pub(super) environment: Environment<'a>,
    /// Further files, by name.
    pub(super) more: &'a [(&'static str, String)],
    /// Whether whatever is there is replaced.
    pub(super) force: bool,
}

/// Writes the bundles of a team's people; the folders that are other than before.
pub(super) fn write_all(
    folder: &Path,
    team: &CheckedTeam,
    certificates: &Certificates,
    force: bool,
) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    deliver(folder, team, certificates, force, |delivery| {
        if delivery.write()? == Written::New {
            written.push(PathBuf::from(delivery.environment.folder));
        }
        Ok(())
    })?;
    Ok(written)
}

/// Fails where [`write_all`] would not replace what is there. Nothing is written.
pub(super) fn may_write_all(
    folder: &Path,
    team: &CheckedTeam,
    certificates: &Certificates,
    force: bool,
) -> anyhow::Result<()> {
    deliver(folder, team, certificates, force, |delivery| {
        let may_write = delivery.may_write();
        may_write.context("--bundle-dir: nothing was changed")
    })
}

/// Does something with the bundle of each of a team's people.
fn deliver(
    folder: &Path,
    team: &CheckedTeam,
    certificates: &Certificates,
    force: bool,
    mut act: impl FnMut(&Delivery<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for person in team.people() {
        let Some(issued) = certificates.clients.get(&person.holder()) else {
            continue;
        };
        let folder = absolute(&folder.join(&team.team).join(person.slug()))?;
        let delivery = Delivery {
            team: &team.team,
            person,
            bundle: &Bundle::new(certificates, issued),
            environment: Environment {
                folder: text(&folder)?,
                tiller_namespace: &team.tiller_namespace,
                kubeconfig: &[],
                programs: None,
            },
            more: &[],
            force,
        };
        act(&delivery).with_context(|| format!("the bundle of the {person}"))?;
    }
    Ok(())
}

/// Whether bundles can be written below a folder: it is made, if it is not there, and a file is tried.
pub(super) fn is_writable(folder: &Path) -> anyhow::Result<()> {
    let probe = folder.join(".tiller-guard.new");
    let tried = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&probe, ""))
        .and_then(|()| fs::remove_file(&probe));
    tried.with_context(|| {
        format!(
            "--bundle-dir: cannot write to {}; nothing was changed",
            folder.display()
        )
    })
}

/// A folder's whole path.
pub(super) fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.is_absolute() {
        return Ok(folder.to_owned());
    }
    let here = env::current_dir().context("cannot find the current folder")?;
    Ok(here.join(folder))
}

/// A path as text, which a shell is given.
pub(super) fn text(folder: &Path) -> anyhow::Result<&str> {
    match folder.to_str() {
        Some(text) => Ok(text),
        None => bail!("{} is not UTF-8: choose another folder", folder.display()),
    }
}

// === impl Delivery ===

impl Delivery<'_> {
    /// Writes the files. Those that were written here before are replaced; what others have written or changed is not.
    pub(super) fn write(&self) -> anyhow::Result<Written> {
        let folder = Path::new(self.environment.folder);
        let before = self.own_record()?;
        let environment = self.environment.text();
        let files = self.files(&environment);
        let record = self.record(folder, before.as_ref(), &files).text()?;
        let mut all = vec![File::new(Record::NAME, &record)];
        all.extend(files.iter().map(|(name, content)| File::new(name, content)));
        if before.is_some() && unchanged(folder, &files) {
            let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
            keep_private(folder, &names)?;
            return Ok(Written::Same);
        }
        let may_replace =
            |name: &str, content: &[u8]| self.may_replace(before.as_ref(), name, content);
        Ok(write(folder, &all, may_replace)?)
    }

    /// Fails where [`Self::write`] would not replace what is there. Nothing is written.
    pub(super) fn may_write(&self) -> anyhow::Result<()> {
        let folder = Path::new(self.environment.folder);
        let before = self.own_record()?;
        let environment = self.environment.text();
        for (name, content) in self.files(&environment) {
            let path = folder.join(name);
            let Ok(there) = fs::read(&path) else { continue };
            let is_same = there == content.as_bytes();
            if !is_same && !self.may_replace(before.as_ref(), name, &there) {
                bail!(FolderError::Exists(path));
            }
        }
        Ok(())
    }

    /// What was written there before, if anything. Fails if that is of another team or person.
    fn own_record(&self) -> anyhow::Result<Option<Record>> {
        let folder = Path::new(self.environment.folder);
        let before = Record::read(folder);
        if let Some(other) = before.as_ref().filter(|_| !self.force)
            && !other.is_of(self.team, self.person)
        {
            let whose = match other.person() {
                Some(person) => person.to_string(),
                None => "somebody".to_owned(),
            };
            bail!(
                "{} holds the bundle of the {whose} of the team {}: choose another folder with --home, or replace it with \
                 --force",
                folder.display(),
                other.team
            );
        }
        Ok(before)
    }

    /// Whether a file may be replaced, by its name and content.
    fn may_replace(&self, before: Option<&Record>, name: &str, content: &[u8]) -> bool {
        let is_ours = before.is_some_and(|it| it.knows(name, content));
        // kubectl writes there itself: `config use-context`.
        let is_shared = before.is_some() && self.more.iter().any(|(more, _)| *more == name);
        self.force || name == Record::NAME || is_ours || is_shared
    }

    fn files<'f>(&'f self, environment: &'f str) -> Vec<(&'static str, &'f str)> {
        let bundle = self.bundle.files().map(|file| (file.name, file.content));
        let more = self.more.iter().map(|(name, text)| (*name, text.as_str()));
        bundle
            .chain([(Bundle::ENVIRONMENT, environment)])
            .chain(more)
            .collect()
    }

    /// The record of what the folder is about to hold.
    fn record(&self, folder: &Path, before: Option<&Record>, files: &[(&str, &str)]) -> Record {
        let mut record = Record::new(self.team, self.person);
        for (name, content) in files {
            let old = fs::read(folder.join(name)).ok();
            let is_ours = |old: &Vec<u8>| before.is_some_and(|it| it.knows(name, old));
            let old = old.filter(|old| self.force || is_ours(old));
            record.note(name, old.as_deref(), content.as_bytes());
        }
        record
    }
}

fn unchanged(folder: &Path, files: &[(&str, &str)]) -> bool {
    let mut files = files.iter();
    files.all(|(name, content)| {
        fs::read(folder.join(name)).is_ok_and(|there| there == content.as_bytes())
    })
}
