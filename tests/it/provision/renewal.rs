//! `provision renew`, of certificates that are due.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tiller_guard::pki::team::{Certificate, Holder, Issued, Server, TeamCa};
use tiller_guard::provision::CHECKSUM_ANNOTATION;

use super::cluster::{World, done, make, provision};

const DAY: Duration = Duration::from_hours(24);
/// Less than a third is left of what began ten minutes ago.
const SHORT: Duration = Duration::from_mins(4);

fn decoded(secret: &Value, key: &str) -> Vec<u8> {
    STANDARD
        .decode(secret["data"][key].as_str().unwrap())
        .unwrap()
}

/// Puts a pair into a Secret, by the names of its certificate and key there.
async fn put(world: &World, (namespace, name): (&str, &str), keys: [&str; 2], issued: &Issued) {
    let [certificate, key] = keys;
    let data = json!({ "data": {
        certificate: STANDARD.encode(issued.certificate.pem()),
        key: STANDARD.encode(issued.key.pem().as_bytes()),
    } });
    let api = world.api("v1", "Secret", namespace);
    api.patch(name, &PatchParams::default(), &Patch::Merge(&data))
        .await
        .unwrap();
}

async fn checksum(world: &World) -> Value {
    let tiller = world
        .object("apps/v1", "Deployment", "p-due-t", "tiller-deploy")
        .await;
    tiller["spec"]["template"]["metadata"]["annotations"][CHECKSUM_ANNOTATION].clone()
}

/// The first end of the people's bundles stands on Tiller's Secret, where the guard may read it.
#[tokio::test]
async fn the_first_end_of_the_bundles_is_noted_where_the_guard_reads() {
    let world = World::create().await;
    done(make("p-noted", &["--user=ada", "--client-days=20"]));
    let noted = async || {
        let secret = world.secret("p-noted-t", "tiller-tls").await;
        let note = &secret["metadata"]["annotations"]["tiller-guard.io/people-not-after"];
        note.as_str().unwrap().to_owned()
    };
    let ends = || {
        let told = done(provision(&["certs", "p-noted", "--output=json"]));
        let told: Vec<Value> = serde_json::from_str(&told).unwrap();
        let of_people = told.iter().filter(|it| it["usage"] == "client");
        let mut ends: Vec<_> = of_people
            .map(|it| it["not_after"].as_str().unwrap().to_owned())
            .collect();
        ends.sort();
        ends
    };
    done(provision(&["grant", "p-noted", "--user=bob", "--no-wait"]));
    let both = ends();
    assert_eq!(both.len(), 2);
    assert!(both[0] < both[1], "{both:?}");
    assert_eq!(noted().await, both[0]);
    done(provision(&["revoke", "p-noted", "--user=ada", "--no-wait"]));
    assert_eq!(noted().await, ends()[0]);
    done(provision(&["revoke", "p-noted", "--user=bob", "--no-wait"]));
    assert_eq!(noted().await, "");
}

/// A person's certificate is none of Tiller's business: it knows the CA alone.
#[tokio::test]
async fn tiller_restarts_for_its_own_certificate_alone() {
    let world = World::create().await;
    done(make("p-due", &["--user=ada", "--user=bob"]));
    let secret = world.secret("tiller-guard", "team-p-due-ca").await;
    let ca = TeamCa::read(&decoded(&secret, "tls.crt"), &decoded(&secret, "tls.key")).unwrap();
    let now = SystemTime::now();
    let first = checksum(&world).await;

    let names = world.labelled("p-due").await;
    let bundle = names
        .iter()
        .find(|it| it.starts_with("team-p-due-user-ada-"))
        .unwrap();
    let ada = Holder {
        name: "ada".to_owned(),
        unit: "user".to_owned(),
    };
    let old = ca.issue_client(&ada, now, SHORT).unwrap();
    put(
        &world,
        ("tiller-guard", bundle),
        ["cert.pem", "key.pem"],
        &old,
    )
    .await;
    let listed = done(provision(&["certs", "p-due"]));
    let due = listed.lines().filter(|line| line.contains(", due"));
    let due: Vec<_> = due.collect();
    assert!(
        matches!(due[..], [ada] if ada.contains("user ada") && ada.contains(" 0, due ")),
        "{listed}"
    );
    let told = done(provision(&["renew", "p-due", "--no-wait"]));
    assert_eq!(
        told,
        format!(
            "p-due: Secret tiller-guard/{bundle} updated\n\
             p-due: new bundle for the user ada: tiller-guard configure --team p-due --user 'ada'\n\
             p-due: 1 of 4 objects changed\n"
        )
    );
    let renewed = Certificate::read(&decoded(
        &world.secret("tiller-guard", bundle).await,
        "cert.pem",
    ));
    assert!(renewed.unwrap().left(now) > DAY * 89);
    assert_eq!(checksum(&world).await, first);

    let place = Server {
        namespace: "p-due-t",
        cluster_domain: "cluster.local",
    };
    let old = ca.issue_server(place, now, SHORT).unwrap();
    put(
        &world,
        ("p-due-t", "tiller-tls"),
        ["tls.crt", "tls.key"],
        &old,
    )
    .await;
    let told = done(provision(&["renew", "p-due", "--no-wait"]));
    assert_eq!(
        told,
        "p-due: this restarts Tiller\n\
         p-due: Secret p-due-t/tiller-tls updated\n\
         p-due: Deployment p-due-t/tiller-deploy updated\n\
         p-due: 2 of 4 objects changed\n"
    );
    let server = world.secret("p-due-t", "tiller-tls").await;
    let renewed = Certificate::read(&decoded(&server, "tls.crt")).unwrap();
    assert!(ca.certificate().has_issued(&renewed));
    assert!(renewed.left(now) > DAY * 364);
    let second = checksum(&world).await;
    assert_ne!(second, first);
    let told = done(provision(&["renew", "p-due", "--no-wait"]));
    assert_eq!(told, "p-due: nothing is due\n");
    assert_eq!(checksum(&world).await, second);
}
