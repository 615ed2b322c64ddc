//! Image references, and what an image of a version starts by itself.

use std::fmt;

use super::setting::excerpt;
use super::text::{rsplit_once, split_once};
use super::version::gate;
use super::word::{Named, holds_tiller, named, tells_task};
use super::{Setting, Unknown, Version};

/// An image reference, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageReference<'a> {
    /// Registry and path, without tag and digest, as written: `localhost:5000/helm/tiller`.
    pub repository: &'a str,
    /// What follows the last `:` after the last `/`.
    pub tag: Option<&'a str>,
    /// What follows `@`.
    pub digest: Option<&'a str>,
}

/// What an image starts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrypoint {
    /// `CMD ["/tiller"]`: a container's `args` replace it and begin with the program.
    Command,
    /// `ENTRYPOINT ["/tiller"]`: a container's `args` follow it.
    Program,
}

/// The path of Tiller in its images, all versions.
pub(super) const PROGRAM: &str = "/tiller";

// === impl ImageReference ===

impl<'a> ImageReference<'a> {
    /// Takes a reference apart.
    pub fn parse(reference: &'a str) -> Self {
        let (name, digest) = match split_once(reference, b'@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (reference, None),
        };
        let (repository, tag) = match rsplit_once(name, b':') {
            // A colon before the last slash separates a registry's port.
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (name, None),
        };
        Self {
            repository,
            tag,
            digest,
        }
    }

    /// The last component of the repository's path: `tiller`.
    pub fn base_name(&self) -> &'a str {
        match rsplit_once(self.repository, b'/') {
            Some((_, name)) => name,
            None => self.repository,
        }
    }

    /// What the image's name says that it is, by the last part of its path, or by one before it if those behind it tell no task:
    /// `acme/tiller/master`. The first part, after the registry, is an owner or a group, and so a name of people.
    pub(super) fn named(&self) -> Named {
        if !holds_tiller(self.repository) {
            return Named::Other;
        }
        let last = named(self.base_name());
        if last != Named::Other {
            return last;
        }
        let path = match split_once(self.repository, b'/') {
            Some((registry, path)) if is_registry(registry) => path,
            _ => self.repository,
        };
        let mut parts = split_once(path, b'/');
        while let Some((part, behind)) = parts.and_then(|(_, path)| split_once(path, b'/')) {
            match named(part) {
                Named::Tiller if tells_task(behind) => return Named::AboutTiller,
                Named::Tiller => return Named::Tiller,
                Named::AboutTiller | Named::Other => parts = Some((part, behind)),
            }
        }
        Named::Other
    }

    /// The repository with Docker Hub's short forms resolved, as container runtimes do:
    /// `helmpack/tiller` is `docker.io/helmpack/tiller`, `tiller` is `docker.io/library/tiller`.
    ///
    /// Source: `ParseNormalizedNamed` of `github.com/distribution/reference`.
    pub fn familiar_name_resolved(&self) -> String {
        let (registry, path) = match self.repository.split_once('/') {
            Some(("index.docker.io" | "docker.io", path)) => ("docker.io", path),
            Some((registry, path)) if is_registry(registry) => (registry, path),
            _ => ("docker.io", self.repository),
        };
        if registry == "docker.io" && !path.contains('/') {
            format!("docker.io/library/{path}")
        } else {
            format!("{registry}/{path}")
        }
    }

    /// Whether both references name one image. A digest decides alone, whatever the tag beside it; a reference
    /// without either names a repository, and no image.
    pub fn names_same_image(&self, other: &ImageReference<'_>) -> bool {
        let same = match (self.digest, other.digest) {
            (None, None) => self.tag.is_some() && self.tag == other.tag,
            (digest, others) => digest == others,
        };
        same && self.familiar_name_resolved() == other.familiar_name_resolved()
    }

    /// The Tiller version that the tag names. A digest decides what runs and the tag beside it is not
    /// checked by anyone, so a reference with a digest tells no version.
    pub fn version(&self) -> Setting<Version> {
        let version = match self {
            Self {
                digest: Some(_), ..
            } => Err("its digest decides what runs".into()),
            Self { tag: None, .. } => Err("it has no tag".into()),
            Self { tag: Some(tag), .. } => {
                Version::from_tag(tag).map_err(|error| error.to_string().into())
            }
        };
        match version {
            Ok(version) => Setting::Known(version),
            Err(because) => Setting::Unknown(Unknown::Version {
                image: excerpt(&self.to_string()),
                because,
            }),
        }
    }

    /// What the image starts by itself. Only of an image that is named Tiller's and tells its version is
    /// it known, since mirrors keep the name, and of one whose version is known though its reference does
    /// not tell it: an administrator has said what it holds.
    pub(super) fn entrypoint(&self, version: &Setting<Version>) -> Setting<Entrypoint> {
        let reason = match version {
            Setting::Unknown(reason) => reason.clone(),
            Setting::Known(version)
                if self.named() == Named::Tiller || self.version().known().is_none() =>
            {
                return Setting::Known(if *version < gate::ENTRYPOINT {
                    Entrypoint::Command
                } else {
                    Entrypoint::Program
                });
            }
            Setting::Known(_) => Unknown::Version {
                image: excerpt(&self.to_string()),
                because: "it is not named tiller".into(),
            },
        };
        Setting::Unknown(Unknown::Entrypoint(Box::new(reason)))
    }
}

impl fmt::Display for ImageReference<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            repository,
            tag,
            digest,
        } = self;
        formatter.write_str(repository)?;
        if let Some(tag) = tag {
            write!(formatter, ":{tag}")?;
        }
        if let Some(digest) = digest {
            write!(formatter, "@{digest}")?;
        }
        Ok(())
    }
}

/// Whether the first component of a path is a registry and not a user of Docker Hub's.
fn is_registry(component: &str) -> bool {
    component == "localhost"
        || component.contains(['.', ':'])
        || component.chars().any(char::is_uppercase)
}
