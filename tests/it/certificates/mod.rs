//! A team's certificates, judged by openssl and by webpki.

mod by_hand;
mod ca;
mod decade;
mod handshake;
mod openssl;

use std::time::{Duration, SystemTime};

use tiller_guard::pki::team::{Holder, Issued, Lifetimes, Server, TeamCa};

const DAY: Duration = Duration::from_hours(24);
const MINUTE: Duration = Duration::from_mins(1);

/// A time in 2027.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

const BLUE: Server<'static> = Server {
    namespace: "blue-tiller",
    cluster_domain: "cluster.local",
};

/// A team's certificates.
struct Team {
    ca: TeamCa,
    server: Issued,
    client: Issued,
}

impl Team {
    fn create(name: &str) -> Self {
        let lifetimes = Lifetimes::default();
        let ca = TeamCa::create(name, now(), lifetimes.ca).unwrap();
        let server = ca.issue_server(BLUE, now(), lifetimes.server).unwrap();
        let client = ca.issue_client(&ada(), now(), lifetimes.client).unwrap();
        Self { ca, server, client }
    }
}

fn ada() -> Holder {
    Holder {
        name: "ada@example.com".to_owned(),
        unit: "user".to_owned(),
    }
}
