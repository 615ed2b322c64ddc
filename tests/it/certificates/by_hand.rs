//! What `certs/` tells to do, done.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tiller_guard::pki::team::{Certificate, Issued, TeamCa, Usage};

use super::{BLUE, DAY, ada};
use crate::offline::Folder;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_commands_of_the_readme_make_the_same_certificates() {
    let readme = fs::read_to_string(repository().join("certs/README.md")).unwrap();
    let (_, rest) = readme
        .split_once("<!-- by hand: begin -->\n```sh\n")
        .unwrap();
    let (script, _) = rest.split_once("```\n<!-- by hand: end -->").unwrap();
    let folder = Folder::new();
    let output = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| fs::read(Path::new(&folder.path()).join(name)).unwrap();

    let ca = TeamCa::read(&read("ca.pem"), &read("ca-key.pem")).unwrap();
    assert!(!ca.may_have_others_below());
    let server = Issued::read(&read("server.pem"), &read("server-key.pem")).unwrap();
    let client = Issued::read(&read("cert.pem"), &read("key.pem")).unwrap();
    assert!(ca.has_issued(&server.certificate) && ca.has_issued(&client.certificate));
    assert_eq!(ca.certificate().usage(), Usage::Ca);
    assert_eq!(server.certificate.usage(), Usage::Server);
    assert_eq!(server.certificate.names(), BLUE.names());
    assert_eq!(client.certificate.usage(), Usage::Client);
    assert_eq!(client.certificate.holder(), &ada());

    // The same extensions as those of our own.
    let now = SystemTime::now();
    let own = TeamCa::create("blue", now, 3650 * DAY).unwrap();
    let of_hand = [ca.certificate(), &server.certificate, &client.certificate];
    let own_server = own.issue_server(BLUE, now, 365 * DAY).unwrap();
    let own_client = own.issue_client(&ada(), now, 90 * DAY).unwrap();
    let ours = [
        own.certificate(),
        &own_server.certificate,
        &own_client.certificate,
    ];
    for (by_hand, ours) in of_hand.into_iter().zip(ours) {
        assert_eq!(shape(by_hand), shape(ours));
        let (one, other) = (by_hand.left(now), ours.left(now));
        let apart = one.abs_diff(other);
        assert!(apart < Duration::from_mins(1), "{apart:?}");
    }
}

/// Everything of a certificate that is no key, number or time: subject, extensions with whether they are critical,
/// and algorithms.
fn shape(certificate: &Certificate) -> Vec<String> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate.der()).unwrap();
    let mut shape: Vec<String> = certificate
        .extensions()
        .iter()
        .map(|it| {
            let value = match it.oid.to_id_string().as_str() {
                // Identifiers of keys.
                "2.5.29.14" | "2.5.29.35" => String::new(),
                "2.5.29.17" => {
                    let names = certificate.subject_alternative_name().unwrap().unwrap();
                    let mut names: Vec<_> = names
                        .value
                        .general_names
                        .iter()
                        .map(ToString::to_string)
                        .collect();
                    names.sort();
                    names.join(",")
                }
                _ => format!("{:?}", it.parsed_extension()),
            };
            format!("{} {} {value}", it.oid, it.critical)
        })
        .collect();
    shape.sort();
    let mut subject: Vec<_> = certificate
        .subject()
        .iter_attributes()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();
    subject.sort();
    shape.push(subject.join(","));
    shape.push(certificate.signature_algorithm.algorithm.to_id_string());
    shape.push(format!(
        "{:?}",
        certificate
            .public_key()
            .algorithm
            .parameters
            .as_ref()
            .map(|it| it.data.to_vec())
    ));
    shape
}

#[test]
fn the_manifests_for_cert_manager_ask_for_the_same() {
    let text = fs::read_to_string(repository().join("certs/cert-manager.yaml")).unwrap();
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    let spec = |name: &str| {
        let found = objects
            .iter()
            .find(|it| it["kind"] == "Certificate" && it["metadata"]["name"] == name);
        &found.unwrap()["spec"]
    };
    assert_eq!(
        spec("tiller-ca")["usages"],
        json!(["cert sign", "crl sign"])
    );
    let server = spec("tiller-tls");
    assert_eq!(
        server["usages"],
        json!(["digital signature", "server auth"])
    );
    let mut names: Vec<String> = ["dnsNames", "ipAddresses"]
        .into_iter()
        .flat_map(|key| server[key].as_array().unwrap())
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, BLUE.names());
    assert_eq!(
        spec("user-ada")["usages"],
        json!(["digital signature", "client auth"])
    );
    for (name, hours) in [
        ("tiller-ca", "87600h"),
        ("tiller-tls", "8760h"),
        ("user-ada", "2160h"),
    ] {
        assert_eq!(spec(name)["duration"], hours, "{name}");
        assert_eq!(spec(name)["privateKey"]["algorithm"], "ECDSA", "{name}");
    }
}
