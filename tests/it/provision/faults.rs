//! What networks and API servers do to `provision`, at each of its steps.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::cluster::{World, words};
use super::proxy::{Fate, Proxy, run_at};
use crate::offline::Run;

/// Two people, so that they can be told apart.
const PEOPLE: [&str; 2] = ["--user=ada", "--user=bob"];

async fn make(team: &str, kubeconfig: &str) -> Run {
    let words = words(team);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    run_at(kubeconfig, &[&["provision"], &words[..], &PEOPLE].concat()).await
}

macro_rules! each_request_meets_once {
    ($($name:ident: $team:literal, $fate:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let world = World::create().await;
            let proxy = Proxy::once_each(world.client.clone(), $fate).await;
            let made = make($team, &proxy.kubeconfig()).await;
            assert_eq!(made.code, Some(0), "{}{}", made.stdout, made.stderr);
            assert!(made.stdout.contains("of 21 objects changed\n"), "{}", made.stdout);
            let straight = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
            let again = make($team, &straight.kubeconfig()).await;
            assert_eq!(again.stdout, format!("{}: nothing to change; 21 objects\n", $team), "{}", again.stderr);
        }
    )*};
}

each_request_meets_once! {
    a_conflict: "f-conflict", Fate::Fails(409);
    an_overloaded_server: "f-overloaded", Fate::Fails(429);
    a_failing_server: "f-failing", Fate::Fails(500);
    a_lost_connection: "f-lost", Fate::Lost;
    a_lost_answer: "f-answer", Fate::AnswerLost;
    a_slow_server: "f-slow", Fate::Slow;
}

#[tokio::test]
async fn what_fails_for_good_is_named_and_not_reported_as_done() {
    let world = World::create().await;
    for (code, expected) in [
        (
            500,
            "error: f-good: cannot create Deployment f-good-t/tiller-deploy: no usable answer from the API server in 6 attempts",
        ),
        (
            429,
            "error: f-good: cannot create Deployment f-good-t/tiller-deploy: no usable answer from the API server in 6 attempts",
        ),
        (
            403,
            "error: f-good: no right to create Deployment f-good-t/tiller-deploy: made up by the test; ask an administrator",
        ),
    ] {
        let proxy = Proxy::start(world.client.clone(), move |asked| {
            let last = asked.last().unwrap();
            let is_it = last.writes() && last.path.ends_with("/deployments");
            if is_it {
                Fate::Fails(code)
            } else {
                Fate::Passes
            }
        })
        .await;
        let failed = make("f-good", &proxy.kubeconfig()).await;
        assert_eq!(failed.code, Some(4), "{}", failed.stdout);
        assert!(failed.stderr.contains(expected), "{}", failed.stderr);
        assert!(!failed.stdout.contains("objects"), "{}", failed.stdout);
        assert!(!failed.stdout.contains("new bundle"), "{}", failed.stdout);
    }
    let straight = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let made = make("f-good", &straight.kubeconfig()).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(
        made.stdout.contains("f-good: 3 of 21 objects changed\n"),
        "{}",
        made.stdout
    );
}

#[tokio::test]
async fn killed_anywhere_it_takes_up_where_it_ended() {
    let world = World::create().await;
    let mut ca: Option<Value> = None;
    for writes in [1, 4, 8, 13, 19] {
        let proxy = Proxy::start(world.client.clone(), move |asked| {
            let done = asked.iter().filter(|it| it.writes()).count();
            if done > writes {
                Fate::Hangs
            } else {
                Fate::Passes
            }
        })
        .await;
        let mut child = Command::new(env!("CARGO_BIN_EXE_tiller-guard"))
            .arg("provision")
            .args(words("f-killed"))
            .args(PEOPLE)
            .arg(format!("--kubeconfig={}", proxy.kubeconfig()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        for _attempt in 0..100 {
            tokio::time::sleep(Duration::from_millis(50)).await;
            if proxy.asked().iter().filter(|it| it.writes()).count() > writes {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was made stays: the CA of the first run is that of the last.
        let secrets = world.labelled("f-killed").await;
        if !secrets.iter().any(|it| it.contains("team-f-killed-ca")) {
            assert_eq!(ca, None);
            continue;
        }
        let found = world.secret("tiller-guard", "team-f-killed-ca").await;
        let now = found["data"]["tls.crt"].clone();
        assert_eq!(*ca.get_or_insert_with(|| now.clone()), now);
    }
    let straight = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let made = make("f-killed", &straight.kubeconfig()).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let again = make("f-killed", &straight.kubeconfig()).await;
    assert_eq!(
        again.stdout, "f-killed: nothing to change; 21 objects\n",
        "{}",
        again.stderr
    );
}

/// For 21 objects and what all teams share. In another team's namespace it asks whether the guard takes the caller for an
/// administrator.
#[tokio::test]
async fn a_team_takes_at_most_43_requests() {
    let world = World::create().await;
    let straight = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let other = make("f-other", &straight.kubeconfig()).await;
    assert_eq!(other.code, Some(0), "{}", other.stderr);
    let first = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let made = make("f-count", &first.kubeconfig()).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let again = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let made = make("f-count", &again.kubeconfig()).await;
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    assert!(
        again.asked().iter().all(|it| !it.writes()),
        "{:?}",
        again.asked()
    );
    for asked in [first.asked(), again.asked()] {
        assert!(asked.len() <= 43, "{}: {asked:?}", asked.len());
    }
}

#[tokio::test]
async fn a_cluster_that_cannot_be_reached_has_exit_code_4() {
    let world = World::create().await;
    let proxy = Proxy::start(world.client.clone(), |_| Fate::Lost).await;
    let failed = make("f-away", &proxy.kubeconfig()).await;
    assert_eq!(failed.code, Some(4), "{}", failed.stderr);
    assert!(
        failed.stderr.contains("does not answer"),
        "{}",
        failed.stderr
    );
    let missing = make("f-away", "/nonexistent/kubeconfig").await;
    assert_eq!(missing.code, Some(2), "{}", missing.stderr);
    assert!(
        missing.stderr.contains("cannot use the kubeconfig"),
        "{}",
        missing.stderr
    );
}
