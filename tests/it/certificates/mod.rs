//! A team's certificates, judged by openssl and by webpki.

mod authority;
mod by_hand;
mod decade;
mod handshake;
mod openssl;

use std::time::{Duration, SystemTime};

use tiller_guard::pki::team::{Authority, Holder, Issued, Lifetimes, Server};

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
    authority: Authority,
    server: Issued,
    client: Issued,
}

impl Team {
    fn create(name: &str) -> Self {
        let lifetimes = Lifetimes::default();
        let authority = Authority::create(name, now(), lifetimes.authority).unwrap();
        let server = authority
            .issue_server(BLUE, now(), lifetimes.server)
            .unwrap();
        let client = authority
            .issue_client(&ada(), now(), lifetimes.client)
            .unwrap();
        Self {
            authority,
            server,
            client,
        }
    }
}

fn ada() -> Holder {
    Holder {
        name: "ada@example.com".to_owned(),
        unit: "user".to_owned(),
    }
}
