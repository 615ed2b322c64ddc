//! Which CA a team has, and the certificates that come from it.

use std::collections::BTreeSet;
use std::time::SystemTime;

use anyhow::{Context as _, bail};

use super::arguments::CertificateArguments;
use super::ca_folder::{CaFolder, KeptCa};
use crate::cluster::team::{FoundBundle, FoundCertificates};
use crate::gather::Gather as _;
use crate::pki::team::{
    Certificate, Certificates, Fingerprint, Holder, Issued, Present, Server, TeamCa, Wanted,
};
use crate::policy::team::Team;
use crate::provision::{CheckedTeam, Names, Person};

/// What becomes of the CA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// The present one stays; the first one is made.
    Keep,
    /// The present one stays; it may be new, from a run that was interrupted.
    Complete,
    /// A new one issues; the present one stays trusted. If one is on its way out already, the same as [`Self::Complete`].
    Rotate,
    /// The present one stays, and those that it took over from are no longer trusted.
    Finish,
    /// A new one. Tiller no longer accepts certificates that another CA issued.
    Replace,
    /// The same. But if an interrupted run already brought in a new CA, that CA stays, and the CAs before it are removed.
    ReplaceOnce,
}

// === impl Course ===

impl Course {
    /// Whether Tiller no longer accepts the certificates that the present CA issued.
    pub(super) fn is_replacement(self) -> bool {
        matches!(self, Self::Replace | Self::ReplaceOnce)
    }
}

/// The certificates of a team, and whether its CA is new.
#[derive(Debug)]
pub(super) struct Issuance {
    pub(super) certificates: Certificates,
    is_new: bool,
    /// The CA on its way out, if it has issued another certificate for Tiller, which nobody can repeat without its key.
    pub(super) last_issuer: Option<Certificate>,
    /// Whether a rotation was asked for, and had begun before.
    pub(super) is_continued: bool,
}

/// Decides on the CA and completes the certificates. Nothing is written.
pub(super) fn issue(
    team: &CheckedTeam,
    registered: Option<&Team>,
    found: FoundCertificates,
    course: Course,
    arguments: &CertificateArguments,
) -> anyhow::Result<Issuance> {
    let now = SystemTime::now();
    let is_half_way = arguments.ca_dir.is_none() && is_half_way(&found, registered);
    let FoundCertificates {
        ca,
        retiring,
        server,
        trusted: _,
        bundles,
        unusable: _,
    } = found;
    let in_cluster = ca.map(|ca| KeptCa { ca, retiring });
    let present = match &arguments.ca_dir {
        None => in_cluster,
        Some(_) if in_cluster.is_some() => bail!(
            "its CA is in Secret {}/{}: leave out --ca-dir",
            team.guard_namespace,
            Names { team: &team.team }.ca()
        ),
        Some(folder) => CaFolder::new(folder, &team.team).read()?,
    };
    if !course.is_replacement() {
        is_registered(&team.team, present.as_ref(), registered, arguments)?;
    }
    let create = || TeamCa::create(&team.team, now, arguments.lifetimes().ca);
    let is_begun = present
        .as_ref()
        .is_some_and(|kept| !kept.retiring.is_empty());
    let (course, is_continued) = match course {
        Course::Rotate if is_begun => (Course::Complete, true),
        Course::ReplaceOnce if !is_half_way => (Course::Replace, false),
        Course::ReplaceOnce => (course, true),
        _ => (course, false),
    };
    let is_new = present.is_none() || matches!(course, Course::Rotate | Course::Replace);
    let holders: Vec<Holder> = team.people().iter().map(Person::holder).collect();
    let wanted = Wanted {
        server: server_of(team),
        holders: &holders,
        lifetimes: arguments.lifetimes(),
    };
    let (mut server, mut last_issuer) = (server, None);
    let (ca, retiring) = match (present, course) {
        (None, Course::Finish) => bail!("it has no CA yet: provision it first"),
        (None, _) | (_, Course::Replace) => (create()?, Vec::new()),
        (Some(kept), Course::Keep | Course::Complete) => (kept.ca, kept.retiring),
        (Some(kept), Course::ReplaceOnce) => (kept.ca, Vec::new()),
        (Some(kept), Course::Finish) => {
            if is_begun {
                are_handed_out(team, &kept.ca, &bundles)?;
            }
            (kept.ca, Vec::new())
        }
        (Some(kept), Course::Rotate) => {
            let old = kept.ca.certificate().clone();
            let before = fingerprint(server.as_ref());
            server = Certificates::last_server(&kept.ca, server, wanted, now)?;
            let is_other = fingerprint(server.as_ref()) != before;
            last_issuer = is_other.then(|| old.clone());
            (create()?, vec![old])
        }
    };
    let present = Present {
        retiring,
        server,
        clients: bundles.into_iter().map(|bundle| bundle.issued).collect(),
    };
    let certificates = Certificates::complete(ca, present, wanted, now)?;
    Ok(Issuance {
        certificates,
        is_new,
        last_issuer,
        is_continued,
    })
}

/// Whether an interrupted run brought in the CA that is in the cluster: Tiller's Secret, the team's record or a bundle still has
/// another CA. False if a bundle is only missing, as after an interrupted `grant`.
fn is_half_way(found: &FoundCertificates, registered: Option<&Team>) -> bool {
    let Some(ca) = &found.ca else {
        return false;
    };
    let trusted = std::iter::once(ca.certificate()).chain(&found.retiring);
    let trusted: BTreeSet<_> = trusted.map(|it| it.fingerprint().0).gather();
    let known = registered.map(|it| it.ca_fingerprints.iter().copied().collect());
    let mut bundles = found.bundles.iter();
    found.is_of_another_ca()
        || known.is_some_and(|known: BTreeSet<_>| known != trusted)
        || bundles.any(|it| !ca.has_issued(&it.issued.certificate))
}

fn fingerprint(issued: Option<&Issued>) -> Option<Fingerprint> {
    issued.map(|it| it.certificate.fingerprint())
}

/// Whether everybody has a bundle of the new CA. Without it, the end of the old one shuts them out, as after a `rotate` that was
/// interrupted.
fn are_handed_out(team: &CheckedTeam, new: &TeamCa, bundles: &[FoundBundle]) -> anyhow::Result<()> {
    let has_new = |person: &&Person| {
        let mut own = bundles.iter().filter(|it| it.person == **person);
        own.any(|it| new.has_issued(&it.issued.certificate))
    };
    let Some(person) = team.people().iter().find(|it| !has_new(it)) else {
        return Ok(());
    };
    let name = &team.team;
    bail!(
        "the rotation is not complete, and --finish would shut people out: the {person} has no bundle of the new CA. Run \
         `tiller-guard provision rotate {name}`, have everybody run `tiller-guard configure`, then use --finish"
    )
}

/// A CA that is another than the registered one would shut out everybody without a word.
fn is_registered(
    team: &str,
    present: Option<&KeptCa>,
    registered: Option<&Team>,
    arguments: &CertificateArguments,
) -> anyhow::Result<()> {
    let known: &[_] = registered.map_or(&[], |team| &team.ca_fingerprints);
    let fingerprint = present.map(|kept| kept.ca.certificate().fingerprint());
    match fingerprint {
        _ if known.is_empty() => Ok(()),
        Some(fingerprint) if known.contains(&fingerprint.0) => Ok(()),
        // A run that was to bring a new CA in was killed.
        Some(_) if arguments.ca_dir.is_none() => Ok(()),
        Some(_) => bail!(
            "the CA in --ca-dir is not the team's CA: use `tiller-guard provision rotate {team}`"
        ),
        None => bail!(
            "its CA is not in the cluster: pass its folder with --ca-dir, or make a new CA with \
             `tiller-guard provision rotate {team} --now`"
        ),
    }
}

/// Where a team's Tiller is found.
fn server_of(team: &CheckedTeam) -> Server<'_> {
    Server {
        namespace: &team.tiller_namespace,
        cluster_domain: &team.cluster_domain,
    }
}

// === impl Issuance ===

impl Issuance {
    /// Writes a CA that belongs in a folder there. Whoever makes a new one in place of another has asked for that.
    pub(super) fn keep(
        &self,
        team: &str,
        arguments: &CertificateArguments,
        course: Course,
    ) -> anyhow::Result<()> {
        let Some(folder) = &arguments.ca_dir else {
            return Ok(());
        };
        let is_asked = course != Course::Keep;
        if self.is_new || is_asked {
            let folder = CaFolder::new(folder, team);
            folder
                .write(&self.certificates.ca, &self.certificates.retiring, is_asked)
                .context("cannot keep the CA")?;
        }
        Ok(())
    }
}
