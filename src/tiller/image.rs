//! Image references, and what an image of a version starts by itself.
use super::{Setting, Version};

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

impl<'a> ImageReference<'a> {
    /// Takes a reference apart.
    pub fn parse(reference: &'a str) -> Self {
        todo!("{reference}")
    }

    /// The last component of the repository's path: `tiller`.
    pub fn base_name(&self) -> &'a str {
        todo!()
    }

    /// The repository with Docker Hub's short forms resolved, as container runtimes do:
    /// `helmpack/tiller` is `docker.io/helmpack/tiller`, `tiller` is `docker.io/library/tiller`.
    pub fn familiar_name_resolved(&self) -> String {
        todo!()
    }

    /// The Tiller version that the tag names. A digest decides what runs and the tag beside it is not
    /// checked by anyone, so a reference with a digest tells no version.
    pub fn version(&self) -> Setting<Version> {
        todo!()
    }
}
