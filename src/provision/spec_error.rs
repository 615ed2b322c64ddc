//! What is wrong with what is asked for a team.

use super::{PersonError, PersonKind, RuleError};
use crate::tiller::Version;

/// Why a team cannot be provisioned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// Something is not named as Kubernetes wants it.
    #[error("the team \"{team}\": {what} \"{value}\" is not {expected}")]
    Name {
        /// The team.
        team: String,
        /// What it is the name of.
        what: &'static str,
        /// The name.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },
    /// A name that an object has already that is no team's.
    #[error(
        "the team \"{team}\": {what} may not be \"{value}\", which is the name of {owner}: choose another name"
    )]
    Reserved {
        /// The team.
        team: String,
        /// What it is the name of.
        what: &'static str,
        /// The name.
        value: String,
        /// What has that name.
        owner: &'static str,
    },
    /// No target namespace is named.
    #[error("the team \"{0}\" has no target namespace: name one where its Tiller releases")]
    NoTarget(String),
    /// A namespace in which no Tiller may have rights.
    #[error("the team \"{team}\": the namespace {namespace} is protected: make one for the team")]
    Protected {
        /// The team.
        team: String,
        /// The namespace.
        namespace: String,
    },
    /// The guard's own namespace.
    #[error(
        "the team \"{team}\": the namespace {namespace} is tiller-guard's own, with every team's keys: make one for the team"
    )]
    Guard {
        /// The team.
        team: String,
        /// The namespace.
        namespace: String,
    },
    /// A namespace that has two uses.
    #[error(
        "the namespace {namespace} would be the {first} and the {second}: use a separate namespace for each"
    )]
    Shared {
        /// The namespace.
        namespace: String,
        /// One use.
        first: String,
        /// The other.
        second: String,
    },
    /// The same team twice.
    #[error("the team \"{0}\" appears twice")]
    Twice(String),
    /// Somebody who cannot be given access.
    #[error("the team \"{team}\": the {kind} \"{}\" cannot be given access", name.escape_debug(), kind = kind.as_str())]
    Person {
        /// The team.
        team: String,
        /// User or group.
        kind: PersonKind,
        /// The name.
        name: String,
        /// Why.
        source: PersonError,
    },
    /// A rule that no Tiller may have.
    #[error("the team \"{team}\": the extra rule for {rule} cannot be given")]
    Rule {
        /// The team.
        team: String,
        /// Its resources.
        rule: String,
        /// Why.
        source: RuleError,
    },
    /// A Tiller that may not run.
    #[error("the team \"{team}\": Tiller {version} is older than {floor}, the oldest that may run")]
    Version {
        /// The team.
        team: String,
        /// The version.
        version: Version,
        /// The oldest.
        floor: Version,
    },
    /// An image with a tag or digest.
    #[error(
        "the team \"{team}\": the image \"{image}\" is not a repository: remove tag and digest, and pass --tiller-version"
    )]
    Image {
        /// The team.
        team: String,
        /// The image.
        image: String,
    },
}
