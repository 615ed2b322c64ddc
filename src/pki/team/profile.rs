//! Who a certificate is for, what for, and how long.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use x509_parser::certificate::X509Certificate;

const DAY: Duration = Duration::from_hours(24);

/// Whose a certificate is, by its subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Holder {
    /// The common name.
    pub name: String,
    /// The organisational unit.
    pub unit: String,
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Signing others.
    Ca,
    /// Only Tiller.
    Server,
    /// Only a person.
    Client,
    /// More than one of these, or something else.
    Other,
}

/// How long certificates are valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// A team's CA.
    pub ca: Duration,
    /// Tiller's.
    pub server: Duration,
    /// A person's. Tiller knows no revocation: what is handed out counts until it ends.
    pub client: Duration,
}

/// Where Tiller is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Server<'a> {
    /// The namespace of Tiller and its Service.
    pub namespace: &'a str,
    /// The cluster's DNS domain: `cluster.local`.
    pub cluster_domain: &'a str,
}

// === impl Holder ===

impl Holder {
    /// The longest common name (`ub-common-name`, RFC 5280 appendix A.1), in characters.
    pub const LONGEST: usize = 64;

    pub(super) fn of(x509: &X509Certificate<'_>) -> Self {
        let subject = x509.subject();
        let text = |part: Option<&x509_parser::x509::AttributeTypeAndValue<'_>>| {
            let text = part.and_then(|part| part.as_str().ok());
            text.unwrap_or_default().to_owned()
        };
        Self {
            name: text(subject.iter_common_name().next()),
            unit: text(subject.iter_organizational_unit().next()),
        }
    }
}

/// `NAME` or `NAME (UNIT)`.
impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit } = self;
        formatter.write_str(name)?;
        if unit.is_empty() {
            return Ok(());
        }
        write!(formatter, " ({unit})")
    }
}

// === impl Usage ===

impl Usage {
    pub(super) fn of(x509: &X509Certificate<'_>) -> Self {
        let usage = x509.extended_key_usage().ok().flatten();
        match usage.map(|usage| usage.value) {
            _ if x509.is_ca() => Self::Ca,
            Some(usage) if usage.any || !usage.other.is_empty() => Self::Other,
            Some(usage) if usage.server_auth && !usage.client_auth => Self::Server,
            Some(usage) if usage.client_auth && !usage.server_auth => Self::Client,
            _ => Self::Other,
        }
    }

    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ca => "CA",
            Self::Server => "server",
            Self::Client => "client",
            Self::Other => "other",
        }
    }
}

// === impl Lifetimes ===

impl Default for Lifetimes {
    fn default() -> Self {
        Self {
            ca: 3650 * DAY,
            server: 365 * DAY,
            client: 90 * DAY,
        }
    }
}

// === impl Server ===

impl Server<'_> {
    /// The name for clients that cannot use any other, by `--tls-hostname`.
    pub const STABLE_NAME: &'static str = "tiller-server";

    /// Helm dials 127.0.0.1 and checks that address; clients in the cluster dial the Service.
    ///
    /// Source: `pkg/helm/portforwarder`, and the default server name of gRPC.
    pub(super) fn addresses() -> [IpAddr; 2] {
        [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ]
    }

    pub(super) fn dns_names(self) -> [String; 6] {
        let Self {
            namespace,
            cluster_domain,
        } = self;
        [
            "localhost".to_owned(),
            "tiller-deploy".to_owned(),
            format!("tiller-deploy.{namespace}"),
            format!("tiller-deploy.{namespace}.svc"),
            format!("tiller-deploy.{namespace}.svc.{cluster_domain}"),
            Self::STABLE_NAME.to_owned(),
        ]
    }

    /// All of them, sorted, as [`Certificate::names`](super::Certificate::names) gives them.
    pub fn names(self) -> Vec<String> {
        let addresses = Self::addresses().into_iter().map(|it| it.to_string());
        let mut names: Vec<_> = addresses.chain(self.dns_names()).collect();
        names.sort_unstable();
        names
    }
}
