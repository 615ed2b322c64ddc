//! What the objects of a team are called and labelled.

use super::Person;

/// The label of whatever tiller-guard has made.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Its value.
pub const MANAGED_BY: &str = "tiller-guard";
/// The label of what belongs to a team; its value is the team.
pub const TEAM_LABEL: &str = "tiller-guard.io/team";
/// The label by which the guard finds what concerns it: `team`, `authority`, `bundle`.
pub const KIND_LABEL: &str = "tiller-guard.io/kind";
/// The label that tells whether a bundle is a user's or a group's.
pub const PERSON_KIND_LABEL: &str = "tiller-guard.io/person-kind";
/// The annotation with the user's or group's exact name, which may hold what no label does.
pub const PERSON_ANNOTATION: &str = "tiller-guard.io/person";
/// The annotation of a bundle with the namespace of the Tiller that it opens.
pub const TILLER_NAMESPACE_ANNOTATION: &str = "tiller-guard.io/tiller-namespace";
/// The annotation of a bundle with the namespaces that this Tiller releases to, with commas between them.
pub const TARGET_NAMESPACES_ANNOTATION: &str = "tiller-guard.io/target-namespaces";
/// The annotation of Tiller's Secret with the time at which the first bundle of the team's people expires, in RFC 3339; empty
/// where nobody has one. The guard reads it there, since it may not read bundles.
pub const PEOPLE_NOT_AFTER_ANNOTATION: &str = "tiller-guard.io/people-not-after";
/// The annotation of a registration with all that was asked for the team, as a document of a file of teams.
pub const SPEC_ANNOTATION: &str = "tiller-guard.io/spec";

/// The names of a team's objects.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The team.
    pub team: &'a str,
}

// === impl Names ===

impl Names<'_> {
    /// The Deployment and the Service of Tiller, as Helm calls them.
    pub const TILLER: &'static str = "tiller-deploy";
    /// The Role and RoleBinding by which people reach Tiller.
    pub const PEOPLE: &'static str = "tiller-users";
    /// The ConfigMap with the guard's policy, beside the ConfigMaps of teams, which are called as the teams are.
    pub const POLICY: &'static str = "tiller-guard-policy";
    /// The `NetworkPolicy` of the Tiller namespace.
    pub const NETWORK: &'static str = "tiller-default-deny";

    /// The Role and RoleBinding of Tiller's account in a target namespace.
    pub fn target_role(&self) -> String {
        format!("tiller-{}", self.team)
    }

    /// The Secret with the team's CA, in the guard's namespace.
    pub fn ca(&self) -> String {
        format!("team-{}-ca", self.team)
    }

    /// The Secret with a person's bundle, in the guard's namespace: Tiller reads all Secrets of its own. The Role and
    /// the RoleBinding that let that person alone read it are called the same.
    pub fn bundle(&self, person: &Person) -> String {
        format!("team-{}-{}", self.team, person.slug())
    }
}

/// Whether this can be the name of a team; else what it must be.
pub fn team_name(text: &str) -> Result<String, String> {
    if is_label(text) {
        Ok(text.to_owned())
    } else {
        Err(format!("a team's name is {LABEL}"))
    }
}

/// What a label must be.
pub(super) const LABEL: &str = "a DNS label: at most 63 lower-case letters, digits and dashes";

/// An RFC 1123 label.
pub(super) fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// An RFC 1123 subdomain.
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}
