//! Those who come and go, with their certificates.

use std::fs;

use super::cluster::{World, command, provision};
use crate::offline::Folder;

const DONE: Option<i32> = Some(0);

#[tokio::test]
async fn people_come_and_go_with_their_certificates() {
    let world = World::create().await;
    let made = provision(&[
        "p-people",
        "--tiller-namespace=p-people-t",
        "--target-namespace=p-people",
        "--user=ada",
        "--user=oidc:bob",
        "--no-wait",
    ]);
    assert_eq!(made.code, DONE, "{}{}", made.stdout, made.stderr);
    let left_out = provision(&[
        "p-people",
        "--tiller-namespace=p-people-t",
        "--target-namespace=p-people",
        "--user=ada",
        "--no-wait",
    ]);
    assert_eq!(left_out.code, Some(2));
    assert!(
        left_out
            .stderr
            .contains("tiller-guard provision revoke p-people --user 'oidc:bob'"),
        "{}",
        left_out.stderr
    );

    let granted = provision(&["grant", "p-people", "--user=carol", "--no-wait"]);
    assert_eq!(granted.code, DONE, "{}", granted.stderr);
    assert!(
        granted.stdout.contains("new bundle for the user carol"),
        "{}",
        granted.stdout
    );
    assert!(
        !granted.stdout.contains("new bundle for the user ada"),
        "{}",
        granted.stdout
    );

    let folder = Folder::new();
    let home = format!("--home={}/helm", folder.path());
    let configured = command(&["configure"], &["--team=p-people", "--user=carol", &home]);
    assert_eq!(configured.code, DONE, "{}", configured.stderr);
    let certificate = fs::read(format!("{}/helm/cert.pem", folder.path())).unwrap();
    let environment = fs::read_to_string(format!("{}/helm/env", folder.path())).unwrap();
    assert!(
        environment.contains("export TILLER_NAMESPACE='p-people-t'\n"),
        "{environment}"
    );
    let unknown = command(
        &["configure"],
        &["--team=p-people", "--user=mallory", &home],
    );
    assert_eq!(unknown.code, Some(4));
    assert!(
        unknown
            .stderr
            .contains("there is no Secret tiller-guard/team-p-people-user-mallory-"),
        "{}",
        unknown.stderr
    );
    revoke(&world, &folder, &home, &certificate).await;
}

async fn revoke(world: &World, folder: &Folder, home: &str, certificate: &[u8]) {
    let before = world.secret("p-people-t", "tiller-tls").await;
    let revoked = provision(&["revoke", "p-people", "--user=oidc:bob", "--no-wait"]);
    assert_eq!(revoked.code, DONE, "{}", revoked.stderr);
    for person in ["ada", "carol"] {
        assert!(
            revoked
                .stdout
                .contains(&format!("new bundle for the user {person}")),
            "{}",
            revoked.stdout
        );
    }
    assert!(
        !revoked.stdout.contains("new bundle for the user oidc:bob"),
        "{}",
        revoked.stdout
    );
    assert_eq!(
        revoked.stdout.matches("oidc-bob").count(),
        3,
        "{}",
        revoked.stdout
    );
    assert!(
        revoked
            .stdout
            .contains("Deployment p-people-t/tiller-deploy updated"),
        "{}",
        revoked.stdout
    );
    assert_ne!(
        world.secret("p-people-t", "tiller-tls").await["data"]["ca.crt"],
        before["data"]["ca.crt"]
    );
    let kept = command(&["configure"], &["--team=p-people", "--user=carol", home]);
    assert_eq!(kept.code, Some(2), "{}", kept.stdout);
    let forced = command(
        &["configure"],
        &["--team=p-people", "--user=carol", home, "--force"],
    );
    assert_eq!(forced.code, DONE, "{}", forced.stderr);
    assert_ne!(
        fs::read(format!("{}/helm/cert.pem", folder.path())).unwrap(),
        certificate
    );
}
