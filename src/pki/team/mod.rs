//! The certificates of a team: a CA for its Tiller alone, since Tiller checks the chain and nothing else, so that
//! whoever holds any certificate of the CA commands Tiller.
//!
//! | | CA | Tiller | a person |
//! |---|---|---|---|
//! | key | ECDSA P-256 | ECDSA P-256 | ECDSA P-256 |
//! | basic constraints | CA, path length 0 | none | none |
//! | key usage | certificates, revocation lists | signatures | signatures |
//! | extended key usage | none: Go would take it for a limit of the leaves | server only | client only |
//! | names | | `127.0.0.1`, `::1`, the Service's | |
//! | lifetime | [`Lifetimes::ca`] | [`Lifetimes::server`] | [`Lifetimes::client`] |
//!
//! The oldest Helm and Tiller, built with Go 1.7, read all of it. The clock is always an argument.

mod ca;
mod certificate;
mod collection;
mod key;
mod pkcs8;
mod profile;

pub use ca::{IssueError, Issued, PairError, TeamCa, TeamCaError};
pub use certificate::{Certificate, CertificateError, Fingerprint};
pub use collection::{Certificates, Present, Wanted, checksum};
pub use key::{KeyError, PrivateKey};
pub use profile::{Holder, Lifetimes, Server, Usage};

/// The largest PEM text that is read, in bytes: a Secret may hold 1 MiB, a chain takes some KiB.
pub const MAX_PEM: usize = 64 << 10;
