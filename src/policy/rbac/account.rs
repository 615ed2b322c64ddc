//! Service accounts, in every spelling that a binding may hold them by.

use std::fmt;

/// A service account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// What a binding's subject stands for, as far as it can hold a service account.
///
/// Source: `appliesToUser` of the RBAC authorizer and `serviceaccount.MakeGroupNames`, Kubernetes 1.10 to
/// 1.36. The authorizer compares users and groups as text and asks nobody whether they exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder<'a> {
    /// One account: a subject ServiceAccount, or the User `system:serviceaccount:NAMESPACE:NAME`.
    Account(Account<'a>),
    /// All accounts of a namespace: the Group `system:serviceaccounts:NAMESPACE`.
    Namespace(&'a str),
    /// All accounts: the Group `system:serviceaccounts`.
    ServiceAccounts,
    /// All accounts and all people: the Group `system:authenticated`.
    Authenticated,
}

const USER_PREFIX: &str = "system:serviceaccount:";
const GROUP_PREFIX: &str = "system:serviceaccounts:";

// === impl Account ===

impl<'a> Account<'a> {
    /// Whether there can be such an account.
    pub fn is_possible(self) -> bool {
        is_plain(self.namespace) && is_plain(self.name)
    }

    /// The four spellings of this account.
    pub fn holders(self) -> [Holder<'a>; 4] {
        [
            Holder::Account(self),
            Holder::Namespace(self.namespace),
            Holder::ServiceAccounts,
            Holder::Authenticated,
        ]
    }
}

/// `NAMESPACE/NAME`.
impl fmt::Display for Account<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

// === impl Holder ===

impl<'a> Holder<'a> {
    /// What a user's name stands for.
    pub fn of_user(name: &'a str) -> Option<Self> {
        let (namespace, name) = name.strip_prefix(USER_PREFIX)?.split_once(':')?;
        let account = Account { namespace, name };
        account.is_possible().then_some(Self::Account(account))
    }

    /// What a group's name stands for.
    pub fn of_group(name: &'a str) -> Option<Self> {
        match name {
            "system:serviceaccounts" => Some(Self::ServiceAccounts),
            "system:authenticated" => Some(Self::Authenticated),
            _ => name
                .strip_prefix(GROUP_PREFIX)
                .filter(|namespace| is_plain(namespace))
                .map(Self::Namespace),
        }
    }

    /// The user's or group's name, in pieces.
    pub(in crate::policy) fn pieces(self) -> [&'a str; 4] {
        match self {
            Self::Account(Account { namespace, name }) => [USER_PREFIX, namespace, ":", name],
            Self::Namespace(namespace) => [GROUP_PREFIX, namespace, "", ""],
            Self::ServiceAccounts => ["system:serviceaccounts", "", "", ""],
            Self::Authenticated => ["system:authenticated", "", "", ""],
        }
    }

    /// Whether this account is among those that it stands for.
    pub fn holds(&self, account: Account<'_>) -> bool {
        match self {
            Self::Account(held) => *held == account,
            Self::Namespace(namespace) => *namespace == account.namespace,
            Self::ServiceAccounts | Self::Authenticated => true,
        }
    }
}

/// Whether this can be the name of a namespace or an account: neither holds a colon or a slash.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains([':', '/'])
}

/// The user's or group's name.
impl fmt::Display for Holder<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pieces = self.pieces();
        pieces
            .into_iter()
            .try_for_each(|it| formatter.write_str(it))
    }
}
