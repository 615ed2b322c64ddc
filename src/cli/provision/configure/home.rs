//! A `HELM_HOME` with a bundle: certificates, settings, and what `helm repo` looks for.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use super::super::bundles::{Delivery, text};
use super::super::folder::{File, Written, write};
use super::helm::{HelmClient, PROGRAMS};
use crate::cluster::team::PersonalBundle;
use crate::cluster::{KubeContext, Reach};
use crate::manifest::to_yaml;
use crate::provision::{Environment, Person};

/// The kubeconfig that goes before the person's own: it holds a context alone.
const KUBECONFIG: &str = "kubeconfig";
/// The folders that Helm 2 makes with `helm init --client-only`.
///
/// Source: `ensureDirectories` in `cmd/helm/installer/init.go`, Helm 2.7.2 to 2.17.0.
const FOLDERS: [&str; 6] = [
    "repository",
    "repository/cache",
    "repository/local",
    "plugins",
    "starters",
    "cache/archive",
];
/// A list of no repositories: the one that Helm before 2.17 would add is gone.
const REPOSITORIES: &str = "apiVersion: v1\nrepositories: []\n";

/// What is written.
pub(super) struct Home<'a> {
    folder: &'a str,
    team: &'a str,
    fetched: &'a PersonalBundle,
    /// The kubeconfig with the team's context, where Tiller's cluster is one of a kubeconfig.
    kubeconfig: Option<Kubeconfig>,
    wrapper: Option<String>,
    programs: String,
}

struct Kubeconfig {
    text: String,
    files: Vec<String>,
}

// === impl Home ===

impl<'a> Home<'a> {
    pub(super) fn new(
        folder: &'a Path,
        team: &'a str,
        fetched: &'a PersonalBundle,
        reach: &Reach,
        client: &HelmClient,
    ) -> anyhow::Result<Self> {
        let folder = text(folder)?;
        let target = fetched.target_namespaces.first();
        let kubeconfig = target.and_then(|target| Kubeconfig::new(folder, team, target, reach));
        Ok(Self {
            folder,
            team,
            fetched,
            kubeconfig,
            wrapper: client.wrapper(folder),
            programs: format!("{folder}/{PROGRAMS}"),
        })
    }

    /// Writes what is other than before.
    pub(super) fn write(&self, person: &Person, force: bool) -> anyhow::Result<Written> {
        let more = self.kubeconfig.iter();
        let more: Vec<_> = more.map(|it| (KUBECONFIG, it.text.clone())).collect();
        let files = self.kubeconfig.as_ref().map(|it| it.files.as_slice());
        let delivery = Delivery {
            team: self.team,
            person,
            bundle: &self.fetched.bundle,
            environment: Environment {
                folder: self.folder,
                tiller_namespace: &self.fetched.tiller_namespace,
                kubeconfig: files.unwrap_or_default(),
                programs: self.wrapper.as_ref().map(|_| self.programs.as_str()),
            },
            more: &more,
            force,
        };
        let written = delivery.write()?;
        if let Some(wrapper) = &self.wrapper {
            let programs = Path::new(&self.programs);
            write(programs, &[File::program("helm", wrapper)], |_, _| true)?;
        }
        make_ready(Path::new(self.folder))?;
        Ok(written)
    }

    /// What a person has to know of it.
    pub(super) fn notes(&self, client: &HelmClient) -> Vec<String> {
        let mut notes = Vec::new();
        match client {
            HelmClient::Absent => notes.push(
                "there is no helm in PATH: install Helm 2, 2.11 or newer, or pass its path with --helm".to_owned(),
            ),
            HelmClient::Silent { path, patience } => notes.push(format!(
                "{} did not say its version within {} s: env puts a wrapper first in PATH, {}/helm, which passes --tls \
                 to it, as Helm before 2.11 needs",
                path.display(),
                patience.as_secs(),
                self.programs
            )),
            HelmClient::Other { path, said } => notes.push(format!(
                "{} is not Helm 2{}, and only Helm 2 uses Tiller: pass its path with --helm",
                path.display(),
                told(said)
            )),
            HelmClient::Helm2 { version, .. } if self.wrapper.is_some() => notes.push(format!(
                "Helm {version} ignores HELM_TLS_ENABLE: env puts a wrapper first in PATH, {}/helm, which passes --tls to \
                 it",
                self.programs
            )),
            HelmClient::Helm2 { .. } => {}
        }
        if let (Some(_), [first, ..]) = (&self.kubeconfig, &self.fetched.target_namespaces[..]) {
            notes.push(format!(
                "Helm and kubectl then use the namespace {first} unless --namespace names another"
            ));
        }
        notes
    }
}

/// What an unknown program said of its version, in brackets.
pub(super) fn told(said: &str) -> String {
    if said.is_empty() {
        String::new()
    } else {
        format!(" ({})", said.escape_debug())
    }
}

// === impl Kubeconfig ===

impl Kubeconfig {
    /// A context like the one by which the cluster was reached, in the team's first namespace.
    fn new(folder: &str, team: &str, target: &str, reach: &Reach) -> Option<Self> {
        let KubeContext {
            files,
            cluster,
            user,
        } = KubeContext::find(reach)?;
        let own = format!("{folder}/{KUBECONFIG}");
        let others = files
            .iter()
            .map(|file| file.to_str().map(ToOwned::to_owned));
        let others: Vec<String> = others.collect::<Option<_>>()?;
        let name = format!("tiller-{team}");
        let mut context = json!({ "cluster": cluster, "namespace": target });
        if let (Some(user), Some(context)) = (user, context.as_object_mut()) {
            context.insert("user".to_owned(), user.into());
        }
        let text = to_yaml(&json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{ "name": name, "context": context }],
        }));
        // Whoever has sourced env already reads the file itself.
        let others = others.into_iter().filter(|file| *file != own);
        Some(Self {
            text,
            files: std::iter::once(own.clone()).chain(others).collect(),
        })
    }
}

/// Makes what `helm repo` and `helm fetch` look for; what is there stays.
fn make_ready(home: &Path) -> anyhow::Result<()> {
    for folder in FOLDERS {
        let folder = home.join(folder);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
    }
    let folder = home.join("repository");
    let file = folder.join("repositories.yaml");
    match fs::symlink_metadata(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let file = File::new("repositories.yaml", REPOSITORIES);
            write(&folder, &[file], |_, _| false)?;
            Ok(())
        }
        _ => Ok(()),
    }
}
