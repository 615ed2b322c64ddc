//! CAs that cannot be used, each with its reason.

use std::fs;
use std::path::Path;

use tiller_guard::pki::team::{Certificate, PrivateKey, Server, TeamCa};

use super::openssl::openssl;
use super::{BLUE, DAY, Team, ada, now};
use crate::offline::Folder;

/// A self-signed certificate with these extensions, and its key.
fn made(options: &str) -> (Vec<u8>, Vec<u8>) {
    let folder = Folder::new();
    let command = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -keyout key.pem -out ca.pem {options}"
    );
    let (good, text) = openssl(&folder, &command);
    assert!(good, "{text}");
    let read = |name: &str| fs::read(Path::new(&folder.path()).join(name)).unwrap();
    (read("ca.pem"), read("key.pem"))
}

fn refusal(certificate: &[u8], key: &[u8]) -> String {
    let error = TeamCa::read(certificate, key).unwrap_err();
    let cause = std::error::Error::source(&error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

macro_rules! refused {
    ($($name:ident: $options:literal, $reason:literal;)*) => {$(
        #[test]
        fn $name() {
            let (certificate, key) = made($options);
            let reason = refusal(&certificate, &key);
            assert!(reason.contains($reason), "{reason}");
        }
    )*};
}

refused! {
    a_leaf_is_no_ca: "-subj /CN=blue -addext basicConstraints=CA:FALSE", "is not a CA's";
    one_that_may_not_sign: "-subj /CN=blue -addext keyUsage=digitalSignature", "lacks keyCertSign";
    one_for_servers_alone: "-subj /CN=blue -addext extendedKeyUsage=serverAuth", "both servers and clients";
    one_with_name_constraints: "-subj /CN=blue -addext nameConstraints=permitted;DNS:example.com", "name constraints";
    a_subject_with_parts_of_two: "-subj /CN=blue+O=Example -multivalue-rdn", "several attributes";
    a_subject_with_the_same_twice: "-subj /OU=one/OU=two/CN=blue", "the same attribute twice";
}

#[test]
fn a_key_of_another_ca_is_refused() {
    let (certificate, _) = made("-subj /CN=blue");
    let (_, key) = made("-subj /CN=blue");
    assert_eq!(
        refusal(&certificate, &key),
        "the private key does not belong to the CA's certificate"
    );
}

#[test]
fn what_is_neither_certificate_nor_key_is_refused() {
    let (certificate, key) = made("-subj /CN=blue");
    let (half, _) = certificate.split_at(certificate.len() / 2);
    assert!(refusal(half, &key).contains("not valid PEM"));
    assert!(refusal(b"", &key).contains("no CERTIFICATE block"));
    assert!(refusal(&certificate, b"").contains("no readable PRIVATE KEY block"));
    let large = vec![b'-'; 65 << 10];
    assert!(refusal(&large, &key).contains("larger than 64 KiB"));
    assert!(refusal(&certificate, &large).contains("larger than 64 KiB"));
}

#[test]
fn a_key_that_old_helm_cannot_read_is_refused() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let error = PrivateKey::read(key.serialize_pem().as_bytes()).unwrap_err();
    assert!(error.to_string().contains("ECDSA P-256"), "{error}");
}

#[test]
fn a_ca_issues_nothing_on_its_last_day() {
    let ca = TeamCa::create("blue", now(), 30 * DAY).unwrap();
    let late = now() + 29 * DAY + DAY / 2;
    let error = ca.issue_server(BLUE, late, DAY).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the CA blue has 0 days left; make a new one with `tiller-guard provision rotate`"
    );
    let early = now() - DAY;
    assert!(ca.issue_client(&ada(), early, DAY).is_err());
}

#[test]
fn serial_numbers_are_random_positive_and_of_16_octets() {
    let team = Team::create("blue");
    let mut serials = Vec::new();
    for _number in 0..20 {
        let client = team.ca.issue_client(&ada(), now(), DAY).unwrap();
        let der = client.certificate.der().clone();
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        let raw = certificate.raw_serial();
        assert_eq!(raw.len(), 16);
        assert!((0x40..0x80).contains(&raw[0]));
        serials.push(raw.to_vec());
    }
    serials.sort();
    serials.dedup();
    assert_eq!(serials.len(), 20);
}

#[test]
fn a_certificate_is_due_when_a_third_of_its_life_is_left() {
    let team = Team::create("blue");
    let certificate = &team.client.certificate;
    assert!(!certificate.is_due(now()));
    assert!(!certificate.is_due(now() + 59 * DAY));
    assert!(certificate.is_due(now() + 61 * DAY));
    assert!(certificate.is_due(now() + 100 * DAY));
    assert_eq!(certificate.left(now() + 100 * DAY).as_secs(), 0);
}

#[test]
fn whose_a_certificate_is_and_who_issued_it_can_be_told() {
    let (blue, green) = (Team::create("blue"), Team::create("green"));
    let client = Certificate::read(blue.client.certificate.pem().as_bytes()).unwrap();
    assert_eq!(client, blue.client.certificate);
    assert_eq!(client.holder(), &ada());
    assert!(blue.ca.has_issued(&client));
    assert!(!green.ca.has_issued(&client));
    assert_eq!(blue.server.certificate.names(), BLUE.names());
    assert!(!blue.ca.may_have_others_below());
    let other = Server {
        namespace: "green-tiller",
        ..BLUE
    };
    assert_ne!(blue.server.certificate.names(), other.names());
}

#[test]
fn keys_are_shown_nowhere() {
    let team = Team::create("blue");
    let shown = format!("{:?} {:?}", team.ca, team.client);
    assert!(shown.contains("PrivateKey(…)"), "{shown}");
    let pem = team.ca.key().pem();
    let line = pem.lines().nth(1).unwrap();
    assert!(!shown.contains(line) && !shown.contains("BEGIN"), "{shown}");
}
