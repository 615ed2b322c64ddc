//! What holds something of a Tiller's in its hands: its account's tokens, its key and certificates, its releases.
//!
//! Such an object is judged by what it is, who asks for it, and what is known of Tillers. Of a Secret
//! nothing is read that opens anything, but to compare it; of a release, only that it is one.
//!
//! Source: the API reference of `TokenRequest`, `Secret` and `ConfigMap` v1, Kubernetes 1.10 to 1.36.

use std::fmt;

use super::rbac::Account;
use crate::pod::Text;

/// The kinds that hold something of a Tiller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CustodyKind {
    /// `TokenRequest`: what is asked for at `serviceaccounts/token`.
    TokenRequest,
    /// Secret.
    Secret,
    /// ConfigMap.
    ConfigMap,
}

/// An object that holds something of a Tiller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CustodyObject<'a> {
    /// A request for a token.
    TokenRequest(TokenRequest<'a>),
    /// A Secret.
    Secret(Secret<'a>),
    /// A ConfigMap.
    ConfigMap(ConfigMap<'a>),
}

/// A request for a token of a service account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenRequest<'a> {
    /// The account's namespace, where the request tells it.
    pub namespace: Option<Text<'a>>,
    /// The account's name.
    pub account: Text<'a>,
    /// Whether the token ends with a Pod.
    pub for_pod: bool,
}

/// A Secret, of which the name, the type, who it is for, and the CAs in it are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Secret<'a> {
    /// The namespace, if the object or the request names it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// The type.
    pub kind: Text<'a>,
    /// The annotation with the account whose token it holds.
    pub account: Text<'a>,
    /// Whether its labels say that it holds a release: `OWNER=TILLER`.
    pub holds_release: bool,
    /// The CAs of `ca.crt`.
    pub ca_file: CaFile,
    /// What it holds of key and certificates.
    pub material: KeyMaterial<'a>,
}

/// A ConfigMap, of which the name and a label are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigMap<'a> {
    /// The namespace, if the object or the request names it.
    pub namespace: Option<Text<'a>>,
    /// The object's name; empty where the API server is to make one.
    pub name: Text<'a>,
    /// Whether its labels say that it holds a release: `OWNER=TILLER`.
    pub holds_release: bool,
}

/// The CAs in a file of certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum CaFile {
    /// There is no such file.
    #[default]
    Absent,
    /// What is in it cannot be told, and why.
    Unreadable(&'static str),
    /// The SHA-256 of each certificate.
    Certificates(Vec<[u8; 32]>),
}

/// Key and certificates of a Secret, to tell whether they stay as they are. They show nothing of themselves.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct KeyMaterial<'a> {
    /// `ca.crt`, `tls.crt` and `tls.key`, as the object has them.
    pub files: [Option<Text<'a>>; 3],
}

/// The type of a Secret that a controller fills with a token of the annotated account, for good.
const TOKEN_SECRET: &str = "kubernetes.io/service-account-token";

// === impl KeyMaterial ===

impl fmt::Debug for KeyMaterial<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyMaterial")
            .finish_non_exhaustive()
    }
}

// === impl CustodyKind ===

impl CustodyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::TokenRequest, Self::Secret, Self::ConfigMap];

    /// The kind's name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TokenRequest => "TokenRequest",
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

// === impl CustodyObject ===

impl<'a> CustodyObject<'a> {
    /// The name of the object, or of the account whose token is asked for.
    pub fn name(&self) -> &Text<'a> {
        match self {
            Self::TokenRequest(request) => &request.account,
            Self::Secret(secret) => &secret.name,
            Self::ConfigMap(map) => &map.name,
        }
    }

    /// The kind of the object.
    pub fn kind(&self) -> CustodyKind {
        match self {
            Self::TokenRequest(_) => CustodyKind::TokenRequest,
            Self::Secret(_) => CustodyKind::Secret,
            Self::ConfigMap(_) => CustodyKind::ConfigMap,
        }
    }

    /// The namespace, if the object or the request names it.
    pub fn namespace(&self) -> Option<&str> {
        let namespace = match self {
            Self::TokenRequest(request) => &request.namespace,
            Self::Secret(secret) => &secret.namespace,
            Self::ConfigMap(map) => &map.namespace,
        };
        namespace.as_deref()
    }

    /// Places it in a namespace.
    pub fn place_in(&mut self, namespace: Text<'a>) {
        let place = match self {
            Self::TokenRequest(request) => &mut request.namespace,
            Self::Secret(secret) => &mut secret.namespace,
            Self::ConfigMap(map) => &mut map.namespace,
        };
        *place = Some(namespace);
    }
}

// === impl TokenRequest ===

impl TokenRequest<'_> {
    /// The account whose token is asked for.
    pub(super) fn account(&self) -> Option<Account<'_>> {
        let namespace = self.namespace.as_deref()?;
        let name = &self.account;
        Some(Account { namespace, name })
    }
}

// === impl Secret ===

impl Secret<'_> {
    /// The account whose token a controller puts into it.
    pub(super) fn token_of(&self) -> Option<Account<'_>> {
        let namespace = self.namespace.as_deref()?;
        let name = self.account.as_str();
        (self.kind == TOKEN_SECRET && !name.is_empty()).then_some(Account { namespace, name })
    }
}
