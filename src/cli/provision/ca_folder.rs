//! CAs in a folder: `FOLDER/TEAM/ca.pem` and `ca-key.pem`, and `retiring.pem` while another takes over.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use zeroize::Zeroizing;

use super::folder::{File as Content, write};
use crate::pki::team::{Certificate, MAX_PEM, TeamCa};

const CERTIFICATE: &str = "ca.pem";
const KEY: &str = "ca-key.pem";
const RETIRING: &str = "retiring.pem";

/// Where a team's CA is kept.
#[derive(Debug, Clone)]
pub(super) struct CaFolder(PathBuf);

/// A CA, and those that it takes over from.
#[derive(Debug)]
pub(super) struct KeptCa {
    pub(super) ca: TeamCa,
    pub(super) retiring: Vec<Certificate>,
}

// === impl CaFolder ===

impl CaFolder {
    pub(super) fn new(folder: &Path, team: &str) -> Self {
        Self(folder.join(team))
    }

    /// The CA that is there, if there is one.
    pub(super) fn read(&self) -> anyhow::Result<Option<KeptCa>> {
        let folder = self.0.display();
        let (certificate, key) = (self.file(CERTIFICATE)?, self.file(KEY)?);
        let (certificate, key) = match (certificate, key) {
            (None, None) => return Ok(None),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(_), None) => bail!("{folder} has {CERTIFICATE} and no {KEY}: put it there"),
            (None, Some(_)) => bail!("{folder} has {KEY} and no {CERTIFICATE}: put it there"),
        };
        let ca = TeamCa::read(&certificate, &key)
            .with_context(|| format!("cannot use the CA in {folder}"))?;
        let retiring = match self.file(RETIRING)? {
            Some(pem) => Certificate::read_all(&pem)
                .with_context(|| format!("cannot read {folder}/{RETIRING}"))?,
            None => Vec::new(),
        };
        Ok(Some(KeptCa { ca, retiring }))
    }

    /// Puts a CA there, in place of the one that it takes over from.
    pub(super) fn write(
        &self,
        ca: &TeamCa,
        retiring: &[Certificate],
        force: bool,
    ) -> anyhow::Result<()> {
        let key = ca.key().pem();
        let certificate = ca.certificate().pem();
        let retiring: String = retiring.iter().map(Certificate::pem).collect();
        let mut files = vec![
            Content::new(CERTIFICATE, &certificate),
            Content::new(KEY, &key),
        ];
        if force || !retiring.is_empty() {
            files.push(Content::new(RETIRING, &retiring));
        }
        write(&self.0, &files, |_, _| force)?;
        Ok(())
    }

    fn file(&self, name: &str) -> anyhow::Result<Option<Zeroizing<Vec<u8>>>> {
        let path = self.0.join(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let limit = u64::try_from(MAX_PEM).unwrap_or(u64::MAX).saturating_add(1);
        let mut content = Zeroizing::new(Vec::new());
        file.take(limit)
            .read_to_end(&mut content)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Some(content).filter(|content| !content.is_empty()))
    }
}
