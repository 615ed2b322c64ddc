//! Those who come and go, with their certificates.

use std::fs;

use super::cluster::{World, assert_tells, command, done, make, provision, refused};
use crate::offline::{Folder, Run};

fn revoke(team: &str, words: &[&str]) -> Run {
    provision(&[&["revoke", team, "--no-wait"], words].concat())
}

/// Fetches the bundle of a user into a folder.
fn configure(user: &str, home: &str, words: &[&str]) -> Run {
    let (user, home) = (format!("--user={user}"), format!("--home={home}/helm"));
    command(&["configure", "--team=p-people", &user, &home], words)
}

#[tokio::test]
async fn people_come_and_go_with_their_certificates() {
    let world = World::create().await;
    done(make("p-people", &["--user=ada", "--user=oidc:bob"]));
    let told = refused(make("p-people", &["--user=ada"]), 2);
    assert_tells(
        &told,
        "tiller-guard provision revoke p-people --user 'oidc:bob'",
    );

    let granted = done(provision(&[
        "grant",
        "p-people",
        "--user=carol",
        "--no-wait",
    ]));
    assert_tells(&granted, "new bundle for the user carol");
    assert!(
        !granted.contains("new bundle for the user ada"),
        "{granted}"
    );
    let folder = Folder::new();
    let home = folder.path();
    let told = done(configure("carol", &home, &[]));
    assert_tells(
        &told,
        &format!("wrote {home}/helm; now: . '{home}/helm/env'\n"),
    );
    let certificate = || fs::read(format!("{home}/helm/cert.pem")).unwrap();
    let first = certificate();
    let environment = fs::read_to_string(format!("{home}/helm/env")).unwrap();
    assert_tells(&environment, "export TILLER_NAMESPACE='p-people-t'\n");
    let told = refused(configure("mallory", &home, &[]), 4);
    assert_tells(
        &told,
        "the user mallory has no bundle of the team \"p-people\" (Secret tiller-guard/team-p-people-user-mallory-",
    );

    let before = world.secret("p-people-t", "tiller-tls").await;
    let revoked = done(revoke("p-people", &["--user=oidc:bob"]));
    for person in ["ada", "carol"] {
        assert_tells(&revoked, &format!("new bundle for the user {person}"));
    }
    assert!(
        !revoked.contains("new bundle for the user oidc:bob"),
        "{revoked}"
    );
    assert_eq!(revoked.matches("oidc-bob").count(), 3, "{revoked}");
    assert_tells(&revoked, "Deployment p-people-t/tiller-deploy updated");
    let after = world.secret("p-people-t", "tiller-tls").await;
    assert_ne!(after["data"]["ca.crt"], before["data"]["ca.crt"]);
    // As the revocation prints it.
    done(configure("carol", &home, &[]));
    assert_ne!(certificate(), first);
}

#[tokio::test]
async fn who_has_no_access_cannot_lose_it_and_nobody_else_does() {
    let world = World::create().await;
    done(make("p-typo", &["--user=ada", "--user=bob"]));
    let before = world.secret("tiller-guard", "team-p-typo-ca").await;
    let told = refused(revoke("p-typo", &["--user=bbo"]), 2);
    assert_eq!(
        told,
        "error: p-typo: the user bbo has no access to its Tiller\n"
    );
    assert_eq!(world.secret("tiller-guard", "team-p-typo-ca").await, before);
}

/// Whoever is the last to go takes the right to reach Tiller along.
#[tokio::test]
async fn nothing_is_left_of_the_last_person() {
    let world = World::create().await;
    done(make("p-last", &["--user=ada"]));
    let told = done(revoke("p-last", &["--user=ada"]));
    assert_tells(&told, "RoleBinding p-last-t/tiller-users deleted\n");
    let mut left = world.labelled("p-last").await;
    left.sort_unstable();
    assert_eq!(
        left,
        [
            "p-last",
            "team-p-last-ca",
            "tiller",
            "tiller",
            "tiller",
            "tiller-default-deny",
            "tiller-deploy",
            "tiller-deploy",
            "tiller-p-last",
            "tiller-p-last",
            "tiller-tls",
        ]
    );
    assert_eq!(
        done(make("p-last", &[])),
        "p-last: nothing to change; 13 objects\n"
    );
}
