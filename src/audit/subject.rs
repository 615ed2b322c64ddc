//! The subjects of bindings.

use std::fmt;

use serde::Deserialize;

use crate::policy::rbac::Account;

/// A subject of a binding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject {
    /// Somebody who has logged in under this name.
    User(Box<str>),
    /// Everybody of this group.
    Group(Box<str>),
    /// A service account: its namespace and its name.
    ServiceAccount(Box<str>, Box<str>),
}

/// A subject, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    kind: Box<str>,
    namespace: Box<str>,
    name: Box<str>,
}

// === impl Subject ===

impl Subject {
    /// `None` for an unknown kind. `namespace` is the binding's.
    pub(super) fn read(named: Named, of_namespace: Option<&str>) -> Option<Self> {
        let Named {
            kind,
            namespace,
            name,
        } = named;
        Some(match &*kind {
            "User" => Self::user(name),
            "Group" => Self::Group(name),
            // One without a namespace is of the binding's own.
            "ServiceAccount" if namespace.is_empty() => {
                Self::ServiceAccount(of_namespace?.into(), name)
            }
            "ServiceAccount" => Self::ServiceAccount(namespace, name),
            _ => return None,
        })
    }

    /// A service account is a user too.
    fn user(name: Box<str>) -> Self {
        let account = name.strip_prefix("system:serviceaccount:");
        match account.and_then(|it| it.split_once(':')) {
            Some((namespace, account)) => Self::ServiceAccount(namespace.into(), account.into()),
            None => Self::User(name),
        }
    }

    /// Whether this is a service account, or a group of service accounts.
    pub(super) fn holds(&self, account: Account<'_>) -> bool {
        let Account { namespace, name } = account;
        match self {
            Self::ServiceAccount(of, called) => **of == *namespace && **called == *name,
            Self::User(_) => false,
            Self::Group(group) => match group.strip_prefix("system:serviceaccounts") {
                Some("") => true,
                Some(rest) => rest.strip_prefix(':') == Some(namespace),
                None => **group == *"system:authenticated",
            },
        }
    }
}

/// `User NAME`, `Group NAME` or `ServiceAccount NAMESPACE/NAME`.
impl fmt::Display for Subject {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => write!(formatter, "User {name}"),
            Self::Group(name) => write!(formatter, "Group {name}"),
            Self::ServiceAccount(namespace, name) => {
                write!(formatter, "ServiceAccount {namespace}/{name}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_held_in_each_of_its_spellings() {
        let account = Account {
            namespace: "blue",
            name: "tiller",
        };
        for held in [
            Subject::ServiceAccount("blue".into(), "tiller".into()),
            Subject::user("system:serviceaccount:blue:tiller".into()),
            Subject::Group("system:serviceaccounts".into()),
            Subject::Group("system:serviceaccounts:blue".into()),
            Subject::Group("system:authenticated".into()),
        ] {
            assert!(held.holds(account), "{held}");
        }
        for other in [
            Subject::ServiceAccount("red".into(), "tiller".into()),
            Subject::User("tiller".into()),
            Subject::Group("system:serviceaccounts:red".into()),
            Subject::Group("system:serviceaccountsblue".into()),
            Subject::Group("system:masters".into()),
        ] {
            assert!(!other.holds(account), "{other}");
        }
    }
}
