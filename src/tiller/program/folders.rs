//! Which paths of a container are folders by its manifest: a folder is no program.

use crate::pod::{Volume, VolumeMount, VolumeSource};

/// Volumes of other sources that are folders. A path of the node may be a file.
const FOLDERS: [&str; 5] = [
    "configMap",
    "downwardAPI",
    "ephemeral",
    "nfs",
    "persistentVolumeClaim",
];

/// Where a pod's volumes appear in a container.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Folders<'p> {
    /// The container's mounts.
    pub(super) mounts: &'p [VolumeMount<'p>],
    /// The pod's volumes.
    pub(super) volumes: &'p [Volume<'p>],
}

// === impl Folders ===

impl Folders<'_> {
    /// Whether a whole volume appears at this path.
    pub(super) fn hold(&self, path: &str) -> bool {
        self.mounts.iter().any(|mount| {
            mount.mount_path.trim_end_matches('/') == path
                && mount.sub_path.is_empty()
                && mount.sub_path_expr.is_empty()
                && self
                    .volumes
                    .iter()
                    .any(|it| it.name == mount.name && is_folder(&it.source))
        })
    }
}

fn is_folder(source: &VolumeSource<'_>) -> bool {
    match source {
        VolumeSource::Other(field) => FOLDERS.contains(&field.as_str()),
        VolumeSource::Unset
        | VolumeSource::EmptyDir(_)
        | VolumeSource::Secret(_)
        | VolumeSource::Projected(_)
        | VolumeSource::Image(_) => true,
    }
}
