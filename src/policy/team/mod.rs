//! Teams: how far each team's Tiller may reach.

mod register;

pub use register::{TeamClash, TeamConflict, TeamRegistration, register};

use super::rbac::Account;

/// The most namespaces, users or groups of a team.
const MOST: usize = 1024;
/// The longest name of a namespace (RFC 1123 label) and of an account (RFC 1123 subdomain).
const LONGEST_LABEL: usize = 63;
const LONGEST_NAME: usize = 253;
/// What a fingerprint has to be.
const FINGERPRINT: &str = "64 hexadecimal digits";

/// A team, as a `ConfigMap` in the guard's own namespace registers it.
///
/// | key of `data` | value |
/// |---|---|
/// | `tiller-namespace` | the namespace of the team's Tiller |
/// | `service-account` | the account of the team's Tiller, in that namespace |
/// | `target-namespaces` | where Tiller releases beside its own namespace, one a line; may be left out |
/// | `users` | who may connect to Tiller, one a line |
/// | `groups` | which groups may, one a line; where both are left out, whoever has a certificate |
/// | `ca-fingerprint` | the SHA-256 of the certificate of Tiller's CA in hex, with or without colons, one a line while it is replaced; may be left out |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// The name, which is the `ConfigMap`'s.
    pub name: Box<str>,
    /// The namespace of the team's Tiller.
    pub tiller_namespace: Box<str>,
    /// The account of the team's Tiller, in that namespace.
    pub service_account: Box<str>,
    /// Where Tiller releases, beside its own namespace; sorted, each once.
    pub target_namespaces: Box<[Box<str>]>,
    /// Who may connect to Tiller; whoever may by other means where there are no groups either.
    pub users: Box<[Box<str>]>,
    /// Which groups may.
    pub groups: Box<[Box<str>]>,
    /// The SHA-256 of the certificates of Tiller's CAs: of one, and of two while it is replaced. Any CA is right where
    /// there is none.
    pub ca_fingerprints: Box<[[u8; 32]]>,
}

/// A team is not registered as it has to be: all of it is ignored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TeamError {
    /// A key that has to be there is not.
    #[error("the team \"{team}\" has no {key}: set it in the ConfigMap's data")]
    Missing {
        /// The team.
        team: String,
        /// The key.
        key: &'static str,
    },
    /// A key that means nothing, perhaps one that is misspelt.
    #[error("the team \"{team}\" has the unknown key {key}: remove it, or fix its spelling")]
    Unknown {
        /// The team.
        team: String,
        /// The key.
        key: String,
    },
    /// A value that cannot be what its key says.
    #[error("the team \"{team}\" has {key} \"{value}\": it must be {expected}")]
    Invalid {
        /// The team.
        team: String,
        /// The key.
        key: &'static str,
        /// The value, or the first of them that is wrong.
        value: String,
        /// What it has to be.
        expected: &'static str,
    },
}

// === impl Team ===

impl Team {
    /// Reads the `data` of a `ConfigMap` of this name.
    pub fn read<'d>(
        name: &str,
        data: impl IntoIterator<Item = (&'d str, &'d str)>,
    ) -> Result<Self, TeamError> {
        let reader = EntryReader { team: name };
        let (mut tiller_namespace, mut service_account) = (None, None);
        let (mut target_namespaces, mut ca_fingerprints) = (Vec::new(), Vec::new());
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for (key, value) in data {
            match key {
                "tiller-namespace" => {
                    tiller_namespace = Some(reader.namespace("tiller-namespace", value)?);
                }
                "service-account" => service_account = Some(reader.account(value)?),
                "target-namespaces" => {
                    for line in reader.lines("target-namespaces", value)? {
                        target_namespaces.push(reader.namespace("target-namespaces", line)?);
                    }
                }
                "users" => users = boxed(&reader.lines("users", value)?),
                "groups" => groups = boxed(&reader.lines("groups", value)?),
                "ca-fingerprint" => {
                    for line in reader.lines("ca-fingerprint", value)? {
                        ca_fingerprints.push(reader.fingerprint(line)?);
                    }
                    if ca_fingerprints.is_empty() {
                        return Err(reader.invalid("ca-fingerprint", value, FINGERPRINT));
                    }
                }
                _ => {
                    return Err(TeamError::Unknown {
                        team: name.to_owned(),
                        key: shortened(key),
                    });
                }
            }
        }
        target_namespaces.sort_unstable();
        target_namespaces.dedup();
        Ok(Self {
            name: name.into(),
            tiller_namespace: reader.required("tiller-namespace", tiller_namespace)?,
            service_account: reader.required("service-account", service_account)?,
            target_namespaces: target_namespaces.into(),
            users: users.into(),
            groups: groups.into(),
            ca_fingerprints: ca_fingerprints.into(),
        })
    }

    /// The account of the team's Tiller.
    pub fn account(&self) -> Account<'_> {
        Account {
            namespace: &self.tiller_namespace,
            name: &self.service_account,
        }
    }

    /// Whether its Tiller may have rights in this namespace.
    pub fn reaches(&self, namespace: &str) -> bool {
        *self.tiller_namespace == *namespace
            || self
                .target_namespaces
                .binary_search_by(|target| (**target).cmp(namespace))
                .is_ok()
    }
}

struct EntryReader<'a> {
    team: &'a str,
}

// === impl EntryReader ===

impl EntryReader<'_> {
    fn required<T>(&self, key: &'static str, value: Option<T>) -> Result<T, TeamError> {
        value.ok_or_else(|| TeamError::Missing {
            team: self.team.to_owned(),
            key,
        })
    }

    fn invalid(&self, key: &'static str, value: &str, expected: &'static str) -> TeamError {
        TeamError::Invalid {
            team: self.team.to_owned(),
            key,
            value: shortened(value),
            expected,
        }
    }

    /// The lines that are not blank, without the blanks around them.
    fn lines<'v>(&self, key: &'static str, value: &'v str) -> Result<Vec<&'v str>, TeamError> {
        let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<_> = lines.take(MOST + 1).collect();
        if lines.len() > MOST {
            return Err(self.invalid(key, value, "a list of at most 1024 lines"));
        }
        Ok(lines)
    }

    fn namespace(&self, key: &'static str, value: &str) -> Result<Box<str>, TeamError> {
        let value = value.trim();
        if is_label(value) {
            Ok(value.into())
        } else {
            Err(self.invalid(key, value, "the name of a namespace"))
        }
    }

    fn account(&self, value: &str) -> Result<Box<str>, TeamError> {
        const KEY: &str = "service-account";
        let value = value.trim();
        if value == "default" {
            return Err(self.invalid(
                KEY,
                value,
                "an account of Tiller's own, not the namespace's",
            ));
        }
        if value.len() <= LONGEST_NAME && value.split('.').all(is_label_of_any_length) {
            Ok(value.into())
        } else {
            Err(self.invalid(KEY, value, "the name of a service account"))
        }
    }

    fn fingerprint(&self, value: &str) -> Result<[u8; 32], TeamError> {
        let mut digits = value.trim().chars().filter(|it| *it != ':');
        let mut digit = || digits.next().and_then(|it| it.to_digit(16));
        let mut fingerprint = [0; 32];
        let read = fingerprint.iter_mut().try_for_each(|byte| {
            *byte = u8::try_from(digit()? << 4 | digit()?).ok()?;
            Some(())
        });
        match (read, digits.next()) {
            (Some(()), None) => Ok(fingerprint),
            _ => Err(self.invalid("ca-fingerprint", value, FINGERPRINT)),
        }
    }
}

fn boxed(lines: &[&str]) -> Vec<Box<str>> {
    lines.iter().map(|line| (*line).into()).collect()
}

fn is_label(text: &str) -> bool {
    text.len() <= LONGEST_LABEL && is_label_of_any_length(text)
}

fn is_label_of_any_length(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(plain) && !text.starts_with('-') && !text.ends_with('-')
}

/// What an error shows of a text.
fn shortened(text: &str) -> String {
    let mut start: String = text.chars().take(80).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}
