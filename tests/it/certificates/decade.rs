//! Ten years of a team, week by week, as the manual says: `renew` each week, `rotate` when the alert says that the CA ends, `rotate
//! --finish` when everybody has a new bundle. People take their bundle a week late.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use tiller_guard::pki::team::{
    Certificate, Certificates, Holder, Issued, Lifetimes, Present, TeamCa, Wanted,
};

use super::{BLUE, DAY, ada, now};

/// How long before the end of a CA the alert fires.
const ALERT: u32 = 180;
/// How long after `rotate` everybody has a new bundle.
const HANDED_OUT: u32 = 7;

fn usual(holders: &[Holder]) -> Wanted<'_> {
    Wanted {
        server: BLUE,
        holders,
        lifetimes: Lifetimes::default(),
    }
}

/// What one side has: whom it trusts, and what it shows.
#[derive(Clone)]
struct Hand {
    trusted: Vec<CertificateDer<'static>>,
    shown: CertificateDer<'static>,
}

/// What Tiller and a person have.
#[derive(Clone)]
struct Hands {
    tiller: Hand,
    person: Hand,
}

impl Hands {
    fn of(certificates: &Certificates) -> Self {
        let trusted: Vec<_> = certificates.trusted().map(|it| it.der().clone()).collect();
        let hand = |shown: &Issued| Hand {
            trusted: trusted.clone(),
            shown: shown.certificate.der().clone(),
        };
        Self {
            tiller: hand(&certificates.server),
            person: hand(&certificates.clients[&ada()]),
        }
    }
}

impl Hand {
    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for ca in &self.trusted {
            roots.add(ca.clone()).unwrap();
        }
        Arc::new(roots)
    }
}

/// Why Tiller and a person do not accept each other.
fn refusal(tiller: &Hand, person: &Hand, now: SystemTime) -> Option<rustls::Error> {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = UnixTime::since_unix_epoch(since);
    let provider = || Arc::new(ring::default_provider());
    let server = WebPkiServerVerifier::builder_with_provider(person.roots(), provider());
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let server = server.build().unwrap();
    let client = WebPkiClientVerifier::builder_with_provider(tiller.roots(), provider());
    let client = client.build().unwrap();
    let shown = server.verify_server_cert(&tiller.shown, &[], &name, &[], now);
    let known = client.verify_client_cert(&person.shown, &[], now);
    shown.err().or_else(|| known.err())
}

/// What `provision` finds of what it left.
struct LeftCertificates {
    ca: TeamCa,
    retiring: Vec<Certificate>,
    server: Option<Issued>,
    clients: Vec<Issued>,
}

impl LeftCertificates {
    fn renew(self, now: SystemTime) -> Certificates {
        self.renew_for(usual(&[ada()]), now)
    }

    fn renew_for(self, wanted: Wanted<'_>, now: SystemTime) -> Certificates {
        let Self {
            ca,
            retiring,
            server,
            clients,
        } = self;
        let present = Present {
            retiring,
            server,
            clients,
        };
        Certificates::complete(ca, present, wanted, now).unwrap()
    }

    fn of(certificates: Certificates) -> Self {
        let Certificates {
            ca,
            retiring,
            server,
            clients,
        } = certificates;
        Self {
            ca,
            retiring,
            server: Some(server),
            clients: clients.into_values().collect(),
        }
    }

    fn rotate(self, wanted: Wanted<'_>, now: SystemTime) -> Self {
        let new = TeamCa::create("blue", now, wanted.lifetimes.ca).unwrap();
        let server = Certificates::last_server(&self.ca, self.server, wanted, now);
        Self {
            retiring: vec![self.ca.certificate().clone()],
            ca: new,
            server: server.unwrap(),
            clients: self.clients,
        }
    }
}

/// However long Tiller's certificates are valid, and however old the present one is, a rotation leaves a month to hand out
/// the bundles: `renew` runs each day, and a person takes none.
#[test]
fn a_rotation_leaves_a_month_to_hand_out_the_bundles() {
    let begin = now();
    for server_days in [20, 45, 60, 89, 90, 100, 365] {
        for age in [0, 2, 4, 5] {
            let lifetimes = Lifetimes {
                server: DAY * server_days,
                ..Lifetimes::default()
            };
            let made = begin - DAY * (server_days * age / 6);
            let ca = TeamCa::create("blue", made, lifetimes.ca).unwrap();
            let server = ca.issue_server(BLUE, made, lifetimes.server).unwrap();
            let kept = LeftCertificates {
                ca,
                retiring: Vec::new(),
                server: Some(server),
                clients: Vec::new(),
            };
            let holders = [ada()];
            let wanted = Wanted {
                server: BLUE,
                holders: &holders,
                lifetimes,
            };
            let mut certificates = kept.renew_for(wanted, begin);
            let in_hand = Hands::of(&certificates).person;
            let kept = LeftCertificates::of(certificates).rotate(wanted, begin);
            certificates = kept.renew_for(wanted, begin);
            for day in 0..=30_u32 {
                let today = begin + DAY * day;
                certificates = LeftCertificates::of(certificates).renew_for(wanted, today);
                let refused = refusal(&Hands::of(&certificates).tiller, &in_hand, today);
                let told = format!("{server_days} days, {age} sixths old, day {day}");
                assert_eq!(refused, None, "{told}");
            }
        }
    }
}

#[test]
fn nobody_is_ever_without_a_valid_certificate() {
    let begin = now();
    let ca = TeamCa::create("blue", begin, Lifetimes::default().ca).unwrap();
    let mut certificates = LeftCertificates {
        ca,
        retiring: Vec::new(),
        server: None,
        clients: Vec::new(),
    }
    .renew(begin);
    let mut in_hand = Hands::of(&certificates).person;
    let (mut rotated, mut finished) = (None, 0);
    let (mut servers, mut clients) = (0, 0);
    for day in 1..=365 * 11_u32 {
        let today = begin + DAY * day;
        let hands = Hands::of(&certificates);
        let refused = refusal(&hands.tiller, &in_hand, today);
        assert_eq!(refused, None, "day {day}");
        if day % 7 != 0 {
            continue;
        }
        // The bundle of a week ago is taken before anything is renewed.
        in_hand = hands.person.clone();
        let end = certificates.ca.certificate().validity();
        let mut kept = LeftCertificates::of(certificates);
        if end.left(today) <= DAY * ALERT && rotated.is_none() {
            kept = kept.rotate(usual(&[ada()]), today);
            rotated = Some(day);
        } else if rotated.is_some_and(|rotated| day > rotated + HANDED_OUT) {
            kept.retiring.clear();
            finished += 1;
            rotated = None;
        }
        certificates = kept.renew(today);
        let after = Hands::of(&certificates);
        servers += u32::from(after.tiller.shown != hands.tiller.shown);
        clients += u32::from(after.person.shown != hands.person.shown);
        let refused = refusal(&after.tiller, &in_hand, today);
        assert_eq!(refused, None, "day {day}, once it is renewed");
    }
    assert_eq!(finished, 1);
    assert!(servers >= 14, "{servers}");
    assert!(clients >= 11 * 365 / 67, "{clients}");
}
