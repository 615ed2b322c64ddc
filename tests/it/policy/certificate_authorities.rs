//! Which CAs the Secret of a team's Tiller may trust.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tiller_guard::k8s::read;
use tiller_guard::pki::team::TeamCa;
use tiller_guard::policy::custody::CustodyKind;
use tiller_guard::policy::{Context, Settings, Timestamp, decide};

use super::known::known;

/// A CA, its certificate and its fingerprint.
struct Ca {
    pem: String,
    fingerprint: String,
    issuer: TeamCa,
}

impl Ca {
    fn create() -> Self {
        let now = SystemTime::UNIX_EPOCH + Duration::from_hours(500_000);
        let ca = TeamCa::create("red", now, Duration::from_hours(24)).unwrap();
        let certificate = ca.certificate();
        let digits = certificate.fingerprint().0.map(|it| format!("{it:02x}"));
        Self {
            pem: certificate.pem(),
            fingerprint: digits.join(":"),
            issuer: ca,
        }
    }
}

/// What is found in a Secret, where a team has these CAs.
fn found(team: &[&Ca], secret: &Value) -> Vec<String> {
    let fingerprints: Vec<_> = team.iter().map(|ca| ca.fingerprint.as_str()).collect();
    let knowledge = known(&[json!({
        "kind": "ConfigMap",
        "metadata": { "name": "red" },
        "data": {
            "tiller-namespace": "red",
            "service-account": "deployer",
            "ca-fingerprint": fingerprints.join("\n"),
        },
    })]);
    let context = Context::new(Timestamp(0), &knowledge);
    let object = read(CustodyKind::Secret, secret).unwrap();
    let settings = Settings::default();
    let findings = decide(&object, &settings, &context).findings;
    findings.iter().map(|it| it.message.to_string()).collect()
}

fn secret(ca: &str) -> Value {
    json!({
        "metadata": { "name": "tiller-tls", "namespace": "red" },
        "data": { "ca.crt": STANDARD.encode(ca) },
    })
}

const STRANGE: &str = "ca.crt holds a CA that does not belong to team red";
const UNREADABLE: &str = "ca.crt cannot be read: it is not a PEM file of certificates only";

#[test]
fn the_teams_own_is_right_and_another_is_not() {
    let (own, other) = (Ca::create(), Ca::create());
    assert_eq!(found(&[&own], &secret(&own.pem)), [""; 0]);
    assert_eq!(found(&[&own], &secret(&other.pem)), [STRANGE]);
}

#[test]
fn another_beside_the_teams_own_is_not_right() {
    let (own, other) = (Ca::create(), Ca::create());
    for both in [
        format!("{}{}", own.pem, other.pem),
        format!("{}{}", other.pem, own.pem),
    ] {
        assert_eq!(found(&[&own], &secret(&both)), [STRANGE]);
        assert_eq!(found(&[&own, &other], &secret(&both)), [""; 0]);
    }
}

#[test]
fn what_kubectl_sends_as_text_is_read_too() {
    let (own, other) = (Ca::create(), Ca::create());
    let mut secret = secret(&own.pem);
    secret["stringData"] = json!({ "ca.crt": other.pem });
    assert_eq!(found(&[&own], &secret), [STRANGE]);
    secret["stringData"] = json!({ "ca.crt": own.pem });
    secret["data"]["ca.crt"] = json!(STANDARD.encode(&other.pem));
    assert_eq!(found(&[&own], &secret), [""; 0]);
}

/// Go skips what it cannot read between two blocks, and a reader that did not would see less than it.
#[test]
fn a_block_that_is_seen_by_some_readers_alone_is_not_right() {
    let (own, other) = (Ca::create(), Ca::create());
    let key = own.issuer.key().pem().to_string();
    let body = other
        .pem
        .trim_start_matches("-----BEGIN CERTIFICATE-----\n");
    for hidden in [
        key,
        format!("-----BEGIN TRUSTED CERTIFICATE-----\n{body}"),
        format!("-----BEGIN CERTIFICATE----- \n{body}"),
        format!("-----BEGIN CERTIFICATE-----\nComment: a\n\n{body}"),
        "-----BEGIN CERTIFICATE-----\nA".to_owned(),
        format!("x{}", other.pem),
    ] {
        let secret = secret(&format!("{}{hidden}", own.pem));
        let found = found(&[&own], &secret);
        assert!(
            found == [UNREADABLE] || found == [STRANGE],
            "{found:?}: {hidden}"
        );
    }
}

#[test]
fn text_around_certificates_and_other_ends_of_lines_do_not_matter() {
    let own = Ca::create();
    let pem = &own.pem;
    for text in [
        format!("the CA of red\n{pem}\nuntil next year\n"),
        pem.replace('\n', "\r\n"),
        format!("{pem}\n\n"),
    ] {
        assert_eq!(found(&[&own], &secret(&text)), [""; 0], "{text}");
    }
}

#[test]
fn what_is_too_large_is_not_read() {
    let own = Ca::create();
    let many = own.pem.repeat((64 << 10) / own.pem.len() + 1);
    let expected = ["ca.crt cannot be read: it is larger than 64 KiB"];
    assert_eq!(found(&[&own], &secret(&many)), expected);
    assert_eq!(found(&[&own], &secret(&many.repeat(4))), expected);
}

#[test]
fn what_is_shown_of_a_secret_holds_nothing_of_it() {
    let own = Ca::create();
    let key = own.issuer.key().pem().to_string();
    let mut object = secret(&own.pem);
    object["stringData"] = json!({ "tls.key": key, "tls.crt": "a certificate" });
    let shown = format!("{:?}", read(CustodyKind::Secret, &object));
    for part in ["PRIVATE", "a certificate", "BEGIN", &key[40..60]] {
        assert!(!shown.contains(part), "{shown}");
    }
    object["stringData"] = json!("sesame");
    let error = read(CustodyKind::Secret, &object).unwrap_err();
    let expected = "the Secret cannot be read: a field does not match the API";
    assert_eq!(error.to_string(), expected);
}
