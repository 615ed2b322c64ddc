//! What a context of the kubeconfig names, for a kubeconfig that goes before it.

use std::env;
use std::path::PathBuf;

use kube::config::Kubeconfig;

use super::Reach;

/// A context, and the files that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubeContext {
    /// The kubeconfig files, by their whole paths.
    pub files: Vec<PathBuf>,
    /// The name of its cluster.
    pub cluster: String,
    /// The name of its user, if it has one.
    pub user: Option<String>,
}

// === impl KubeContext ===

impl KubeContext {
    /// The context by which a cluster is reached; nothing where no kubeconfig says it.
    pub fn find(reach: &Reach) -> Option<Self> {
        let Reach {
            kubeconfig,
            context,
            user: _,
            groups: _,
        } = reach;
        let (files, read) = match kubeconfig {
            Some(path) => (vec![path.clone()], Kubeconfig::read_from(path)),
            None => (default_files()?, Kubeconfig::read()),
        };
        let read = read.ok()?;
        let name = context.clone().or(read.current_context)?;
        let found = read.contexts.into_iter().find(|it| it.name == name)?;
        let context = found.context?;
        let here = env::current_dir().ok()?;
        Some(Self {
            files: files.into_iter().map(|file| here.join(file)).collect(),
            cluster: context.cluster,
            user: context.user,
        })
    }
}

/// Those of `KUBECONFIG`, or the one in the home folder, as kubectl and Helm read them.
fn default_files() -> Option<Vec<PathBuf>> {
    let listed = env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    match listed {
        Some(listed) => {
            let files = env::split_paths(&listed).filter(|path| !path.as_os_str().is_empty());
            Some(files.collect())
        }
        None => Some(vec![env::home_dir()?.join(".kube/config")]),
    }
}
