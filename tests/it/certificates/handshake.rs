//! A server set up as Tiller's is and a client set up as Helm's is.
//!
//! Source: `tlsutil.ServerConfig` of Helm 2.17.0 (`RequireAndVerifyClientCert`, TLS 1.2 and up) and `newDialer`
//! with `--tls-verify`.

use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
use tiller_guard::pki::team::{Issued, TeamCa};

use super::{DAY, MINUTE, Team, now};

#[derive(Debug)]
struct At(SystemTime);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        Some(UnixTime::since_unix_epoch(since))
    }
}

/// What of a handshake may be wrong.
struct Meeting<'a> {
    trusted_by_server: &'a TeamCa,
    server: &'a Issued,
    trusted_by_client: &'a TeamCa,
    client: Option<&'a Issued>,
    name: &'a str,
    time: SystemTime,
}

fn roots(ca: &TeamCa) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.certificate().der().clone()).unwrap();
    Arc::new(roots)
}

fn key(issued: &Issued) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(issued.key.pem().as_bytes()).unwrap()
}

impl<'a> Meeting<'a> {
    fn of(team: &'a Team) -> Self {
        Self {
            trusted_by_server: &team.ca,
            server: &team.server,
            trusted_by_client: &team.ca,
            client: Some(&team.client),
            name: "127.0.0.1",
            time: now(),
        }
    }

    fn configurations(&self) -> (Arc<ServerConfig>, Arc<ClientConfig>) {
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(
            roots(self.trusted_by_server),
            Arc::clone(&provider),
        );
        let server =
            ServerConfig::builder_with_details(Arc::clone(&provider), Arc::new(At(self.time)))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_client_cert_verifier(verifier.build().unwrap())
                .with_single_cert(
                    vec![self.server.certificate.der().clone()],
                    key(self.server),
                )
                .unwrap();
        let verifier = WebPkiServerVerifier::builder_with_provider(
            roots(self.trusted_by_client),
            Arc::clone(&provider),
        );
        let client = ClientConfig::builder_with_details(provider, Arc::new(At(self.time)))
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_webpki_verifier(verifier.build().unwrap());
        let client = match self.client {
            Some(issued) => client
                .with_client_auth_cert(vec![issued.certificate.der().clone()], key(issued))
                .unwrap(),
            None => client.with_no_client_auth(),
        };
        (Arc::new(server), Arc::new(client))
    }

    /// The handshake, and why it failed: what the first who objected said.
    fn hold(&self) -> Result<(), String> {
        let (server, client) = self.configurations();
        let name = ServerName::try_from(self.name.to_owned()).unwrap();
        let mut server = ServerConnection::new(server).unwrap();
        let mut client = ClientConnection::new(client, name).unwrap();
        for _flight in 0..6 {
            let mut flight = Vec::new();
            while client.wants_write() {
                client.write_tls(&mut flight).unwrap();
            }
            let mut flight = flight.as_slice();
            while !flight.is_empty() {
                server.read_tls(&mut flight).unwrap();
                server
                    .process_new_packets()
                    .map_err(|error| format!("server: {error}"))?;
            }
            let mut flight = Vec::new();
            while server.wants_write() {
                server.write_tls(&mut flight).unwrap();
            }
            let mut flight = flight.as_slice();
            while !flight.is_empty() {
                client.read_tls(&mut flight).unwrap();
                client
                    .process_new_packets()
                    .map_err(|error| format!("client: {error}"))?;
            }
        }
        assert!(!server.is_handshaking() && !client.is_handshaking());
        Ok(())
    }
}

#[test]
fn helm_reaches_tiller_by_its_address_and_by_every_name_of_its_service() {
    let team = Team::create("blue");
    for name in [
        "127.0.0.1",
        "::1",
        "localhost",
        "tiller-deploy",
        "tiller-deploy.blue-tiller",
        "tiller-deploy.blue-tiller.svc",
        "tiller-deploy.blue-tiller.svc.cluster.local",
        "tiller-server",
    ] {
        let meeting = Meeting {
            name,
            ..Meeting::of(&team)
        };
        assert_eq!(meeting.hold(), Ok(()), "{name}");
    }
    let meeting = Meeting {
        name: "tiller-deploy.green-tiller",
        ..Meeting::of(&team)
    };
    let error = meeting.hold().unwrap_err();
    assert!(error.contains("not valid for name"), "{error}");
}

#[test]
fn a_client_without_a_certificate_is_turned_away() {
    let team = Team::create("blue");
    let meeting = Meeting {
        client: None,
        ..Meeting::of(&team)
    };
    assert_eq!(
        meeting.hold(),
        Err("server: peer sent no certificates".to_owned())
    );
}

#[test]
fn the_certificate_of_tiller_opens_no_tiller() {
    let team = Team::create("blue");
    let meeting = Meeting {
        client: Some(&team.server),
        ..Meeting::of(&team)
    };
    let error = meeting.hold().unwrap_err();
    assert!(
        error.starts_with("server: ") && error.contains("key usage"),
        "{error}"
    );
}

#[test]
fn the_certificate_of_a_person_passes_for_no_tiller() {
    let team = Team::create("blue");
    let meeting = Meeting {
        server: &team.client,
        ..Meeting::of(&team)
    };
    let error = meeting.hold().unwrap_err();
    assert!(error.starts_with("client: "), "{error}");
}

#[test]
fn another_team_s_certificate_opens_nothing() {
    let (blue, green) = (Team::create("blue"), Team::create("green"));
    let meeting = Meeting {
        client: Some(&green.client),
        ..Meeting::of(&blue)
    };
    let error = meeting.hold().unwrap_err();
    assert!(
        error.starts_with("server: ") && error.contains("UnknownIssuer"),
        "{error}"
    );
    let meeting = Meeting {
        server: &green.server,
        trusted_by_server: &green.ca,
        ..Meeting::of(&blue)
    };
    let error = meeting.hold().unwrap_err();
    assert!(
        error.starts_with("client: ") && error.contains("UnknownIssuer"),
        "{error}"
    );
}

/// Two teams of one name are still two.
#[test]
fn a_new_ca_of_the_same_name_shuts_out_those_of_the_old_one() {
    let (old, new) = (Team::create("blue"), Team::create("blue"));
    let meeting = Meeting {
        trusted_by_server: &new.ca,
        ..Meeting::of(&old)
    };
    let error = meeting.hold().unwrap_err();
    assert!(error.starts_with("server: "), "{error}");
}

#[test]
fn certificates_count_from_ten_minutes_before_until_the_end_of_their_days() {
    let team = Team::create("blue");
    let at = |time| {
        Meeting {
            time,
            ..Meeting::of(&team)
        }
        .hold()
    };
    assert_eq!(at(now() - 9 * MINUTE), Ok(()));
    let error = at(now() - 11 * MINUTE).unwrap_err();
    assert!(error.contains("not valid yet"), "{error}");
    assert_eq!(at(now() + 90 * DAY - MINUTE), Ok(()));
    let error = at(now() + 90 * DAY + MINUTE).unwrap_err();
    assert!(
        error.starts_with("server: ") && error.contains("expired"),
        "{error}"
    );
    let error = at(now() + 365 * DAY + MINUTE).unwrap_err();
    assert!(
        error.starts_with("client: ") && error.contains("expired"),
        "{error}"
    );
}
