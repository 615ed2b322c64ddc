//! Those who use a team's Tiller, and the names of what is theirs.

use std::fmt;

use crate::pki::team::{Fingerprint, Holder};
use crate::policy::rbac::Holder as Held;

/// A user or a group, as Kubernetes' authentication names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Person {
    /// User or group.
    pub kind: PersonKind,
    /// The name, exactly: `ada@example.com`, `oidc:ada`, `system:serviceaccount:ci:deployer`.
    pub name: String,
}

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonKind {
    /// One user.
    User,
    /// A group, whose members share one certificate.
    Group,
}

/// Why a name cannot be given access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonError {
    /// There is no name.
    #[error("the name is empty")]
    Empty,
    /// No authentication gives so long a name.
    #[error("the name has more than {} bytes", Person::LONGEST)]
    Long,
    /// A line break, say, or a blank at an end: the team's list has one name a line.
    #[error("the name holds control characters, or begins or ends with a blank")]
    Unprintable,
    /// Everybody, or everything that runs in the cluster.
    #[error("this group holds service accounts, Tillers' among them; name a group of people")]
    Everybody,
    /// Those who have not logged in.
    #[error("this is everyone who has not logged in; name a person")]
    Anonymous,
    /// Tiller is not its own client.
    #[error("this is Tiller's own service account; name the user who uses Tiller")]
    Tiller,
}

/// The most characters of a name that are repeated in an object's name, before the hash.
const LONGEST_SLUG: usize = 32;
/// The hexadecimal digits of the hash: 64 bits.
const HASH: usize = 16;

// === impl Person ===

impl Person {
    /// The longest name, in bytes.
    pub const LONGEST: usize = 512;

    /// A user or group of this name.
    pub fn new(kind: PersonKind, name: &str) -> Result<Self, PersonError> {
        if name.is_empty() {
            return Err(PersonError::Empty);
        }
        if name.len() > Self::LONGEST {
            return Err(PersonError::Long);
        }
        if name.trim() != name || name.contains(char::is_control) {
            return Err(PersonError::Unprintable);
        }
        match kind {
            PersonKind::User if name == "system:anonymous" => return Err(PersonError::Anonymous),
            PersonKind::Group if name == "system:unauthenticated" => {
                return Err(PersonError::Anonymous);
            }
            PersonKind::Group if Held::of_group(name).is_some() => {
                return Err(PersonError::Everybody);
            }
            PersonKind::User | PersonKind::Group => {}
        }
        Ok(Self {
            kind,
            name: name.to_owned(),
        })
    }

    /// What this person's objects are called after: `user-ada-example-com-` and a hash, so that no two names that
    /// read alike share an object.
    pub fn slug(&self) -> String {
        let Self { kind, name } = self;
        let mut slug = String::new();
        for character in name.chars().map(|it| it.to_ascii_lowercase()) {
            if slug.len() == LONGEST_SLUG {
                break;
            }
            match character {
                'a'..='z' | '0'..='9' => slug.push(character),
                _ if slug.is_empty() || slug.ends_with('-') => {}
                _ => slug.push('-'),
            }
        }
        let slug = slug.trim_end_matches('-');
        let hash = Fingerprint::of(format!("{}\0{name}", kind.as_str()).as_bytes()).to_string();
        let hash: String = hash.chars().take(HASH).collect();
        match slug {
            "" => format!("{}-{hash}", kind.as_str()),
            slug => format!("{}-{slug}-{hash}", kind.as_str()),
        }
    }

    /// Whose the person's certificate is. A name that is too long for a subject is given by its slug.
    pub fn holder(&self) -> Holder {
        let Self { kind, name } = self;
        let fits = name.chars().count() <= Holder::LONGEST;
        Holder {
            name: if fits { name.clone() } else { self.slug() },
            unit: kind.as_str().to_owned(),
        }
    }
}

/// `user ada@example.com`.
impl fmt::Display for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.kind.as_str(), self.name)
    }
}

// === impl PersonKind ===

impl PersonKind {
    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// The kind of a binding's subject.
    pub fn subject(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The kind of this name.
    pub fn find(name: &str) -> Option<Self> {
        [Self::User, Self::Group]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn user(name: &str) -> Person {
        Person::new(PersonKind::User, name).unwrap()
    }

    #[test]
    fn names_that_read_alike_have_other_slugs() {
        let names = ["a:b", "a/b", "a@b", "a b", "A:b", "a-b", "\"a\"b", "a'b"];
        let slugs: BTreeSet<_> = names.iter().map(|name| user(name).slug()).collect();
        assert_eq!(slugs.len(), names.len());
        for slug in &slugs {
            assert!(slug.starts_with("user-a-b-"), "{slug}");
        }
        let group = Person::new(PersonKind::Group, "a:b").unwrap();
        assert!(group.slug().starts_with("group-a-b-"));
    }

    #[test]
    fn a_slug_is_a_name_for_objects_whatever_the_person_is_called() {
        for name in [
            "ada@example.com",
            "Müller",
            "☃",
            ":::",
            "-x-",
            &"y".repeat(512),
        ] {
            let slug = user(name).slug();
            assert!(slug.len() <= 63, "{slug}");
            assert!(
                slug.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            );
            assert!(!slug.contains("--"), "{slug}");
        }
        assert_eq!(
            user("ada@example.com").slug(),
            "user-ada-example-com-fbbea8726381c093"
        );
    }

    #[test]
    fn who_cannot_be_given_access_is_told_why() {
        use PersonError::{Anonymous, Empty, Everybody, Long, Unprintable};
        let refusal = |kind, name: &str| Person::new(kind, name).unwrap_err();
        assert_eq!(refusal(PersonKind::User, ""), Empty);
        assert_eq!(refusal(PersonKind::User, &"y".repeat(513)), Long);
        for name in ["a\nb", " a", "a ", "a\tb", "a\u{7f}"] {
            assert_eq!(refusal(PersonKind::User, name), Unprintable);
        }
        assert_eq!(refusal(PersonKind::User, "system:anonymous"), Anonymous);
        assert_eq!(
            refusal(PersonKind::Group, "system:unauthenticated"),
            Anonymous
        );
        for group in [
            "system:authenticated",
            "system:serviceaccounts",
            "system:serviceaccounts:ci",
        ] {
            assert_eq!(refusal(PersonKind::Group, group), Everybody);
        }
    }

    #[test]
    fn a_name_that_no_subject_holds_is_given_by_its_slug() {
        assert_eq!(user("ada").holder().name, "ada");
        let long = user(&"y".repeat(65));
        assert_eq!(long.holder().name, long.slug());
    }
}
