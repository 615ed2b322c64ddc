//! openssl's opinion.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tiller_guard::pki::team::{Certificate, PrivateKey, TeamCa, Usage};

use super::{DAY, MINUTE, Team, ada, now};
use crate::offline::Folder;

/// What openssl prints, on both streams, and whether it is content.
pub(super) fn openssl(folder: &Folder, arguments: &str) -> (bool, String) {
    let output = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("openssl is needed (apt-get install openssl): {error}"));
    let mut text = String::from_utf8(output.stdout).unwrap();
    text.push_str(&String::from_utf8(output.stderr).unwrap());
    (output.status.success(), text)
}

fn write(team: &Team) -> Folder {
    let folder = Folder::new();
    folder.file("ca.pem", team.ca.certificate().pem());
    folder.file("ca-key.pem", team.ca.key().pem().as_bytes());
    folder.file("server.pem", team.server.certificate.pem());
    folder.file("server-key.pem", team.server.key.pem().as_bytes());
    folder.file("client.pem", team.client.certificate.pem());
    folder
}

fn verify(folder: &Folder, options: &str, file: &str, time: SystemTime) -> Result<(), String> {
    let time = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let command = format!("verify -attime {time} -CAfile ca.pem {options} {file}");
    let (good, text) = openssl(folder, &command);
    if good { Ok(()) } else { Err(text) }
}

#[test]
fn each_certificate_is_good_for_its_purpose_and_no_other() {
    let folder = write(&Team::create("blue"));
    let verify = |options: &str, file: &str| {
        verify(&folder, &format!("-x509_strict {options}"), file, now())
    };
    assert_eq!(verify("-purpose sslserver", "server.pem"), Ok(()));
    assert_eq!(
        verify("-purpose sslserver -verify_ip 127.0.0.1", "server.pem"),
        Ok(())
    );
    let name = "-purpose sslserver -verify_hostname tiller-deploy.blue-tiller.svc";
    assert_eq!(verify(name, "server.pem"), Ok(()));
    assert_eq!(verify("-purpose sslclient", "client.pem"), Ok(()));
    for (purpose, file) in [("sslclient", "server.pem"), ("sslserver", "client.pem")] {
        let error = verify(&format!("-purpose {purpose}"), file).unwrap_err();
        assert!(error.contains("unsuitable certificate purpose"), "{error}");
    }
    let error = verify("-purpose sslserver -verify_ip 10.0.0.1", "server.pem").unwrap_err();
    assert!(error.contains("IP address mismatch"), "{error}");
}

#[test]
fn they_begin_and_end_when_they_say() {
    let folder = write(&Team::create("blue"));
    let at = |file, time| verify(&folder, "-x509_strict", file, time);
    for (file, days) in [("client.pem", 90), ("server.pem", 365)] {
        let end = now() + days * DAY;
        assert_eq!(at(file, now()), Ok(()));
        assert_eq!(at(file, end - MINUTE), Ok(()));
        let error = at(file, end + MINUTE).unwrap_err();
        assert!(error.contains("certificate has expired"), "{error}");
        let error = at(file, now() - 11 * MINUTE).unwrap_err();
        assert!(error.contains("not yet valid"), "{error}");
    }
}

#[test]
fn the_extensions_are_those_that_old_go_takes() {
    let folder = write(&Team::create("blue"));
    let text = |file: &str| openssl(&folder, &format!("x509 -noout -text -in {file}")).1;
    let ca = text("ca.pem");
    for line in [
        "ecdsa-with-SHA256",
        "NIST CURVE: P-256",
        "Basic Constraints: critical\n                CA:TRUE, pathlen:0",
        "Key Usage: critical\n                Certificate Sign, CRL Sign\n",
        "Subject Key Identifier",
    ] {
        assert!(ca.contains(line), "{line}\n{ca}");
    }
    assert!(!ca.contains("Extended Key Usage"), "{ca}");
    let server = text("server.pem");
    for line in [
        "ecdsa-with-SHA256",
        "CA:FALSE",
        "Key Usage: critical\n                Digital Signature\n",
        "Extended Key Usage: \n                TLS Web Server Authentication\n",
        "Authority Key Identifier",
        "DNS:localhost, DNS:tiller-deploy, DNS:tiller-deploy.blue-tiller",
        "IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(server.contains(line), "{line}\n{server}");
    }
    let client = text("client.pem");
    for line in [
        "Extended Key Usage: \n                TLS Web Client Authentication\n",
        "CN = ada@example.com",
    ] {
        assert!(client.contains(line), "{line}\n{client}");
    }
}

#[test]
fn fingerprints_and_keys_are_those_that_openssl_sees() {
    let team = Team::create("blue");
    let folder = write(&team);
    let (_, text) = openssl(&folder, "x509 -noout -fingerprint -sha256 -in ca.pem");
    let hex = text
        .split_once('=')
        .unwrap()
        .1
        .trim()
        .replace(':', "")
        .to_lowercase();
    assert_eq!(team.ca.certificate().fingerprint().to_string(), hex);
    let (_, of_key) = openssl(&folder, "pkey -pubout -in server-key.pem");
    let (_, of_certificate) = openssl(&folder, "x509 -noout -pubkey -in server.pem");
    assert_eq!(of_key, of_certificate);
}

/// The CAs of kubergrunt and of Helm's documentation are of these kinds.
#[test]
fn cas_that_openssl_made_are_taken_up() {
    let keys = [
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ca-key.pem",
        "ecparam -genkey -noout -name prime256v1 -out ca-key.pem",
        "ecparam -genkey -noout -name secp384r1 -out ca-key.pem",
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out ca-key.pem",
        "genrsa -traditional -out ca-key.pem 3072",
    ];
    for key in keys {
        let folder = Folder::new();
        assert!(openssl(&folder, key).0, "{key}");
        let request =
            "req -x509 -new -key ca-key.pem -days 30 -subj /C=DE/O=Example/CN=blue -out ca.pem";
        assert!(openssl(&folder, request).0, "{key}");
        let read = |name: &str| fs::read(Path::new(&folder.path()).join(name)).unwrap();
        let ca = TeamCa::read(&read("ca.pem"), &read("ca-key.pem")).unwrap();
        assert!(ca.may_have_others_below());
        let now = SystemTime::now();
        let client = ca.issue_client(&ada(), now, 90 * DAY).unwrap();
        assert!(ca.has_issued(&client.certificate));
        // No longer than the CA.
        let days = client.certificate.left(now).as_secs_f64() / DAY.as_secs_f64();
        assert!((29.9..=30.0).contains(&days), "{days}");
        folder.file("client.pem", client.certificate.pem());
        assert_eq!(
            verify(
                &folder,
                "-purpose sslclient",
                "client.pem",
                now + Duration::from_secs(1)
            ),
            Ok(()),
            "{key}"
        );
        let rewritten = PrivateKey::read(ca.key().pem().as_bytes()).unwrap();
        assert!(rewritten.pem().starts_with("-----BEGIN PRIVATE KEY-----"));
    }
}

#[test]
fn certificates_of_others_are_read_as_what_they_are() {
    let folder = Folder::new();
    let request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out both.pem -subj /CN=both \
        -addext extendedKeyUsage=serverAuth,clientAuth -addext basicConstraints=CA:FALSE";
    assert!(openssl(&folder, request).0);
    let pem = fs::read(Path::new(&folder.path()).join("both.pem")).unwrap();
    let certificate = Certificate::read(&pem).unwrap();
    assert_eq!(certificate.usage(), Usage::Other);
    assert_eq!(certificate.holder().to_string(), "both");
    assert_eq!(certificate.pem().as_bytes(), pem);
}
