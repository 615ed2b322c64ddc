//! `rotate` and `revoke`, interrupted and run again as Ctrl-C says: nobody is locked out, and nobody stays who was revoked.

use std::time::Duration;

use serde_json::Value;
use tiller_guard::pki::team::Certificate;

use super::cluster::{BOTH, World, assert_made, assert_tells, done, make, provision, refused};
use super::proxy::{killed_after, run_at};
use super::rotation::{become_ready, bundle, certificates};
use crate::api_server::cluster;

/// No command writes so often.
const MOST: usize = 40;

/// Whether the holder of a bundle reaches a Tiller with these certificates, and the other way around.
fn opens(bundle: &Value, server: &Value) -> bool {
    let issued_by = |issuers: Vec<Certificate>, certificate: &Certificate| {
        issuers.iter().any(|it| it.has_issued(certificate))
    };
    issued_by(
        certificates(server, "ca.crt"),
        &certificates(bundle, "cert.pem")[0],
    ) && issued_by(
        certificates(bundle, "ca.pem"),
        &certificates(server, "tls.crt")[0],
    )
}

/// Kills `rotate` after each of its writes. Whoever has the old bundle, or the new one, reaches Tiller all the while.
async fn rotated_at_each_step(name: &str, more: &[&str]) {
    let world = World::create().await;
    for writes in 0..MOST {
        let team = format!("{name}-{writes}");
        done(make(&team, &[&BOTH[..], more].concat()));
        let old = bundle(&world, &team).await;
        let words = ["provision", "rotate", &team, "--no-wait"];
        let ended = killed_after(writes, world.client.clone(), &words).await;
        let space = format!("{team}-t");
        let tiller = || world.secret(&space, "tiller-tls");
        assert!(opens(&old, &tiller().await), "{writes}");
        let ca = world
            .secret("tiller-guard", &format!("team-{team}-ca"))
            .await;
        let has_begun = ca["data"].get("retiring.crt").is_some();
        let is_old = bundle(&world, &team).await == old;
        if has_begun && is_old {
            let told = refused(provision(&["rotate", &team, "--finish", "--no-wait"]), 2);
            assert_tells(&told, "--finish would shut people out");
            assert_tells(&told, &format!("`tiller-guard provision rotate {team}`"));
        }
        let told = done(provision(&words[1..]));
        assert_eq!(told.contains("already rotated"), has_begun, "{told}");
        let new = bundle(&world, &team).await;
        for one in [&old, &new] {
            assert!(opens(one, &tiller().await), "{writes}");
        }
        done(provision(&["rotate", &team, "--finish", "--no-wait"]));
        assert!(opens(&new, &tiller().await), "{writes}");
        assert!(!opens(&old, &tiller().await), "{writes}");
        if ended.is_some() {
            assert!(writes > 5, "{writes}");
            return;
        }
    }
    panic!("more than {MOST} writes");
}

#[tokio::test]
async fn a_rotation_is_completed_by_the_same_command() {
    rotated_at_each_step("c-turn", &[]).await;
}

/// The old CA issues one more certificate for Tiller, which is there before that CA is not.
#[tokio::test]
async fn a_rotation_while_tillers_certificate_is_near_its_end() {
    rotated_at_each_step("c-end", &["--server-days=20"]).await;
}

#[tokio::test]
async fn the_end_of_a_rotation_is_completed_by_the_same_command() {
    let world = World::create().await;
    for writes in 0..MOST {
        let team = format!("c-last-{writes}");
        done(make(&team, &BOTH));
        let old = bundle(&world, &team).await;
        done(provision(&["rotate", &team, "--no-wait"]));
        let words = ["provision", "rotate", &team, "--finish", "--no-wait"];
        let ended = killed_after(writes, world.client.clone(), &words).await;
        done(provision(&words[1..]));
        let tiller = world.secret(&format!("{team}-t"), "tiller-tls").await;
        assert!(opens(&bundle(&world, &team).await, &tiller), "{writes}");
        assert!(!opens(&old, &tiller), "{writes}");
        assert_made(&team, &BOTH);
        if ended.is_some() {
            return;
        }
    }
    panic!("more than {MOST} writes");
}

/// Two who leave, one of whom is gone already.
#[tokio::test]
async fn a_revocation_of_two_is_completed_by_the_same_command() {
    let world = World::create().await;
    let words = |team: &str| {
        let words = [
            "provision",
            "revoke",
            team,
            "--user=bob",
            "--user=carol",
            "--no-wait",
        ];
        words.map(ToOwned::to_owned)
    };
    for writes in 0..MOST {
        let team = format!("c-two-{writes}");
        done(make(&team, &["--user=ada", "--user=bob", "--user=carol"]));
        let words = words(&team);
        let words = words.each_ref().map(String::as_str);
        let ended = killed_after(writes, world.client.clone(), &words).await;
        if ended.is_some() {
            return;
        }
        let again = provision(&words[1..]);
        let is_done = again.stderr.contains("has no access");
        assert!(again.code == Some(0) || is_done, "{}", again.stderr);
        assert_made(&team, &["--user=ada"]);
    }
    panic!("more than {MOST} writes");
}

/// All is written, and the old Tiller still runs.
#[tokio::test]
async fn a_revocation_that_ran_out_of_time_waits_again() {
    let world = World::create().await;
    done(make("c-late", &BOTH));
    let revoke = ["revoke", "c-late", "--user=bob", "--timeout=2"];
    let told = refused(provision(&revoke), 124);
    assert_tells(&told, "it still accepts the revoked bundle: run this again");
    let again = provision(&revoke);
    assert_tells(
        &again.stdout,
        "the user bob is not in the team, but Tiller may still accept bundles that were revoked",
    );
    assert_tells(&refused(again, 124), "it still accepts the revoked bundle");
    let kubeconfig = cluster().kubeconfig().display().to_string();
    let words = [
        "provision",
        "revoke",
        "c-late",
        "--user=bob",
        "--timeout=60",
    ];
    let ready = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            become_ready(&world, "c-late-t").await;
        }
    };
    let run = tokio::select! {
        run = run_at(&kubeconfig, &words) => run,
        () = ready => unreachable!(),
    };
    assert_tells(&done(run), "c-late: Tiller is ready\n");
    let told = refused(provision(&revoke), 2);
    assert_eq!(
        told,
        "error: c-late: the user bob has no access to its Tiller\n"
    );
}
