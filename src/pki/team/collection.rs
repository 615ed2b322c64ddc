//! All certificates of a team, completed where some are missing, due or of another CA.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use ring::digest::{Context, SHA256};

use super::{
    Certificate, Fingerprint, Holder, IssueError, Issued, Lifetimes, Server, TeamCa, Usage,
};

/// How long a certificate of Tiller must be valid to stay while its CA is retired: time to hand out the bundles that trust the next one.
const HANDING_OUT: Duration = Duration::from_hours(30 * 24);

/// The certificates of a team.
#[derive(Debug)]
pub struct Certificates {
    /// The CA that issues.
    pub ca: TeamCa,
    /// The CAs that are trusted too while a new one takes over.
    pub retiring: Vec<Certificate>,
    /// Tiller's.
    pub server: Issued,
    /// Those of the people, by the certificates' holders.
    pub clients: BTreeMap<Holder, Issued>,
}

/// What there is of a team's certificates beside its CA.
#[derive(Debug, Default)]
pub struct Present {
    /// CAs that are trusted beside the one that issues.
    pub retiring: Vec<Certificate>,
    /// Tiller's.
    pub server: Option<Issued>,
    /// Those of people.
    pub clients: Vec<Issued>,
}

/// What a team's certificates must be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Where Tiller is found.
    pub server: Server<'a>,
    /// Who gets a certificate.
    pub holders: &'a [Holder],
    /// How long new ones are valid.
    pub lifetimes: Lifetimes,
}

/// Whether a certificate of a retired CA is valid for long enough to stay.
fn lasts(certificate: &Certificate, now: SystemTime) -> bool {
    certificate.validity().check(now).is_ok() && certificate.left(now) > HANDING_OUT
}

/// Another for each other set of certificates that Tiller reads: its own, and the CAs that it trusts, in their order.
pub fn checksum<'c>(
    server: &Certificate,
    trusted: impl IntoIterator<Item = &'c Certificate>,
) -> Fingerprint {
    let mut context = Context::new(&SHA256);
    context.update(&server.fingerprint().0);
    for ca in trusted {
        context.update(&ca.fingerprint().0);
    }
    Fingerprint::of_digest(&context.finish())
}

// === impl Certificates ===

impl Certificates {
    /// Keeps what is good of the present certificates and issues the rest. If a new CA takes over, Tiller keeps
    /// its certificate of the old one, which people who have no new bundle yet trust; the people's are issued anew.
    pub fn complete(
        ca: TeamCa,
        present: Present,
        wanted: Wanted<'_>,
        now: SystemTime,
    ) -> Result<Self, IssueError> {
        let Present {
            retiring,
            server,
            clients,
        } = present;
        let Wanted {
            server: place,
            holders,
            lifetimes,
        } = wanted;
        let is_good_server = |issued: &Issued| {
            let certificate = &issued.certificate;
            let retires = retiring.iter().any(|old| old.has_issued(certificate));
            certificate.usage() == Usage::Server
                && *certificate.names() == *place.names()
                && (retires || ca.has_issued(certificate))
                && (retires && lasts(certificate, now) || !certificate.is_due(now))
        };
        let server = match server.filter(is_good_server) {
            Some(server) => server,
            None => ca.issue_server(place, now, lifetimes.server)?,
        };
        let is_good_client = |issued: &Issued| {
            let certificate = &issued.certificate;
            certificate.usage() == Usage::Client
                && ca.has_issued(certificate)
                && !certificate.is_due(now)
        };
        let mut present: BTreeMap<_, _> = clients
            .into_iter()
            .filter(is_good_client)
            .map(|issued| (issued.certificate.holder().clone(), issued))
            .collect();
        let mut clients = BTreeMap::new();
        for holder in holders.iter().collect::<BTreeSet<_>>() {
            let issued = match present.remove(holder) {
                Some(issued) => issued,
                None => ca.issue_client(holder, now, lifetimes.client)?,
            };
            clients.insert(holder.clone(), issued);
        }
        Ok(Self {
            ca,
            retiring,
            server,
            clients,
        })
    }

    /// Tiller's certificate for the time in which the next CA takes over from `old`, whose key is not kept: the present one, or
    /// another of `old` where [`Self::complete`] would issue one of the next CA before there was time to hand out the bundles
    /// that trust it.
    pub fn last_server(
        old: &TeamCa,
        present: Option<Issued>,
        wanted: Wanted<'_>,
        now: SystemTime,
    ) -> Result<Option<Issued>, IssueError> {
        let then = now + HANDING_OUT;
        let stays = |issued: &Issued| {
            let certificate = &issued.certificate;
            old.has_issued(certificate)
                && *certificate.names() == *wanted.server.names()
                && (lasts(certificate, then) || !certificate.is_due(then))
        };
        if present.as_ref().is_some_and(stays) {
            return Ok(present);
        }
        let lifetime = wanted.lifetimes.server.max(HANDING_OUT * 2);
        match old.issue_server(wanted.server, now, lifetime) {
            Ok(issued) => Ok(Some(issued)),
            Err(IssueError::Ending { .. }) => Ok(present),
            Err(error) => Err(error),
        }
    }

    /// The CAs that Tiller and people trust, the one that issues first.
    pub fn trusted(&self) -> impl Iterator<Item = &Certificate> {
        std::iter::once(self.ca.certificate()).chain(&self.retiring)
    }

    /// The trusted CAs as PEM.
    pub fn trusted_pem(&self) -> String {
        self.trusted().map(Certificate::pem).collect()
    }

    /// Another for each other set of certificates that Tiller reads: it reads them only when it starts.
    pub fn checksum(&self) -> Fingerprint {
        checksum(&self.server.certificate, self.trusted())
    }
}
