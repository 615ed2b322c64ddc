//! Secrets with certificates that are of no use: a truncated one, one of another team, one without its key.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tiller_guard::pki::team::{Holder, Issued, TeamCa};

use super::cluster::{World, assert_tells, done, make, provision, refused};
use super::configured::{check, configure};
use crate::offline::Folder;

pub(super) async fn bundle_name(world: &World, team: &str, user: &str) -> String {
    let start = format!("team-{team}-user-{user}-");
    let names = world.labelled(team).await;
    names
        .into_iter()
        .find(|name| name.starts_with(&start))
        .unwrap()
}

async fn put(world: &World, namespace: &str, name: &str, data: Value) {
    let secrets = world.api("v1", "Secret", namespace);
    let patch = Patch::Merge(json!({ "data": data }));
    let done = secrets.patch(name, &PatchParams::default(), &patch).await;
    done.unwrap();
}

#[tokio::test]
async fn certificates_of_no_use_are_named_until_they_are_renewed() {
    let world = World::create().await;
    let users = ["--user=ada", "--user=bob", "--user=carol"];
    done(make("u-own", &users));
    done(make("u-other", &["--user=ada"]));
    let [ada, bob, carol] = [
        bundle_name(&world, "u-own", "ada").await,
        bundle_name(&world, "u-own", "bob").await,
        bundle_name(&world, "u-own", "carol").await,
    ];
    let other = bundle_name(&world, "u-other", "ada").await;
    let other = world.secret("tiller-guard", &other).await;
    let pair =
        json!({ "cert.pem": other["data"]["cert.pem"], "key.pem": other["data"]["key.pem"] });
    put(&world, "tiller-guard", &ada, pair).await;
    let truncated = json!({ "cert.pem": STANDARD.encode("-----BEGIN CERTIFICATE-----\nMIIB") });
    put(&world, "tiller-guard", &bob, truncated).await;
    put(&world, "tiller-guard", &carol, json!({ "key.pem": null })).await;
    put(
        &world,
        "u-own-t",
        "tiller-tls",
        json!({ "tls.crt": STANDARD.encode("no PEM") }),
    )
    .await;

    let told = done(provision(&["status", "u-own"]));
    for (of, secret, why) in [
        (
            "user ada",
            format!("tiller-guard/{ada}"),
            "its certificate is not of the team's CA: run",
        ),
        (
            "user bob",
            format!("tiller-guard/{bob}"),
            "the certificate cannot be read",
        ),
        (
            "user carol",
            format!("tiller-guard/{carol}"),
            "it has no key.pem: run",
        ),
        (
            "Tiller",
            "u-own-t/tiller-tls".to_owned(),
            "the certificate cannot be read",
        ),
    ] {
        let line = format!("  unusable      certificate of {of} in Secret {secret}: {why}");
        assert_tells(&told, &line);
    }
    assert_tells(&told, "run `tiller-guard provision renew u-own`\n");
    let listed = done(provision(&["list"]));
    let line = listed.lines().find(|line| line.starts_with("u-own "));
    assert_tells(line.unwrap(), ", unusable certificate");
    let certs = done(provision(&["certs", "u-own"]));
    assert_eq!(certs.matches(" unusable ").count(), 4, "{certs}");

    let folder = Folder::new();
    for (user, why) in [
        ("ada", "no CA in ca.pem has issued cert.pem"),
        ("bob", "the certificate cannot be read"),
        ("carol", "it has no key.pem"),
    ] {
        let home = format!("{}/{user}", folder.path());
        let run = configure("u-own", &home, &[&format!("--user={user}")]);
        let told = refused(run, 4);
        assert_tells(&told, &format!(" cannot be used: {why}"));
        let next = "; ask an administrator to run: tiller-guard provision renew u-own\n";
        assert_tells(&told, next);
        assert!(!std::path::Path::new(&home).exists());
    }

    done(provision(&["renew", "u-own", "--no-wait"]));
    let told = done(provision(&["status", "u-own"]));
    assert!(!told.contains("unusable"), "{told}");
    for user in ["ada", "bob", "carol"] {
        let home = format!("{}/{user}", folder.path());
        done(configure("u-own", &home, &[&format!("--user={user}")]));
    }
}

/// A certificate of the user `ada` by the team's CA, with its key, that expired 9 seconds ago.
pub(super) async fn expired_bundle(world: &World, team: &str) -> Issued {
    let secret = world
        .secret("tiller-guard", &format!("team-{team}-ca"))
        .await;
    let pem = |key: &str| {
        STANDARD
            .decode(secret["data"][key].as_str().unwrap())
            .unwrap()
    };
    let ca = TeamCa::read(&pem("tls.crt"), &pem("tls.key")).unwrap();
    let ada = Holder {
        name: "ada".to_owned(),
        unit: "user".to_owned(),
    };
    let before = SystemTime::now() - Duration::from_secs(10);
    let issued = ca.issue_client(&ada, before, Duration::from_secs(1));
    issued.unwrap()
}

/// `configure` would write the same again.
#[tokio::test]
async fn a_bundle_that_has_expired_in_the_cluster_too_leads_to_an_administrator() {
    let world = World::create().await;
    done(make("u-stale", &["--user=ada"]));
    let folder = Folder::new();
    let home = format!("{}/helm", folder.path());
    done(configure("u-stale", &home, &["--user=ada"]));
    let old = expired_bundle(&world, "u-stale").await;
    let (certificate, key) = (old.certificate.pem(), old.key.pem());
    let data = json!({ "cert.pem": STANDARD.encode(&certificate), "key.pem": STANDARD.encode(key.as_bytes()) });
    let name = bundle_name(&world, "u-stale", "ada").await;
    put(&world, "tiller-guard", &name, data).await;
    done(configure("u-stale", &home, &["--user=ada"]));
    let (run, _) = check("u-stale", &home, true, &[]);
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    assert_tells(&run.stdout, "✗ bundle: your certificate expired on ");
    assert_tells(
        &run.stdout,
        "✗ newest bundle: the cluster has no newer bundle for you\n",
    );
    let renew = "  → ask an administrator to run: tiller-guard provision renew u-stale; then run: tiller-guard configure ";
    assert_eq!(run.stdout.matches(renew).count(), 2, "{}", run.stdout);
}
