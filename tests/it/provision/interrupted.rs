//! Ctrl-C while a team is made or changed: what is half done, and the command that continues.

use super::cluster::{BOTH, World, assert_made, assert_tells, done, make, provision, words};
use super::proxy::{Asked, ended_by, interrupted, written};
use crate::offline::{Folder, Run};
use rustix::process::Signal;

fn assert_interrupted(run: &Run, half_done: &str, again: &str) {
    assert_eq!(run.code, Some(130), "{}{}", run.stdout, run.stderr);
    let told = format!(
        "interrupted; half done:\n  {half_done}\nrun the same command again, and it does the rest:\n  tiller-guard {again}"
    );
    assert_tells(&run.stderr, &told);
}

#[tokio::test]
async fn a_new_team_says_at_which_step_it_stopped() {
    let world = World::create().await;
    let team = words("i-new");
    let team = team.iter().map(String::as_str);
    let words: Vec<_> = ["provision"].into_iter().chain(team).chain(BOTH).collect();
    let run = interrupted(world.client.clone(), &words, |asked| written(asked) > 0).await;
    assert_interrupted(
        &run,
        "i-new: CA and namespaces (step 1 of 5)",
        "provision i-new --tiller-namespace",
    );
    let run = interrupted(world.client.clone(), &words, |asked| written(asked) > 5).await;
    let text = "i-new: team, account and roles (step 2 of 5)";
    assert_interrupted(&run, text, "provision i-new ");
    done(make("i-new", &BOTH));
    assert_made("i-new", &BOTH);
}

/// A job that is cancelled says the same as Ctrl-C does.
#[tokio::test]
async fn sigterm_says_what_is_half_done_too() {
    let world = World::create().await;
    let team = words("i-term");
    let team = team.iter().map(String::as_str);
    let words: Vec<_> = ["provision"].into_iter().chain(team).chain(BOTH).collect();
    let client = world.client.clone();
    let run = ended_by(Signal::TERM, client, &words, |asked| written(asked) > 5).await;
    assert_eq!(run.code, Some(143), "{}{}", run.stdout, run.stderr);
    assert_tells(
        &run.stderr,
        "interrupted; half done:\n  i-term: team, account and roles (step 2 of 5)\n",
    );
}

/// Until it is run again, those who were to be shut out are not.
#[tokio::test]
async fn a_new_ca_says_what_still_opens_tiller() {
    let world = World::create().await;
    for (team, command) in [("i-rotate", "rotate"), ("i-revoke", "revoke")] {
        done(make(team, &BOTH));
        let option = if command == "rotate" {
            "--now"
        } else {
            "--user=bob"
        };
        let words = ["provision", command, team, option, "--no-wait"];
        let run = interrupted(world.client.clone(), &words, |asked| written(asked) > 1).await;
        assert_eq!(run.code, Some(130), "{}{}", run.stdout, run.stderr);
        assert_tells(&run.stderr, "interrupted; half done:\n");
        assert_tells(
            &run.stderr,
            "; until Tiller restarts, it accepts the old bundles\n",
        );
        assert_tells(
            &run.stderr,
            &format!("  tiller-guard provision {command} {team} {option}"),
        );
    }
    done(provision(&[
        "revoke",
        "i-revoke",
        "--user=bob",
        "--no-wait",
    ]));
    let told = done(make("i-revoke", &["--user=ada"]));
    assert_tells(&told, "nothing to change");
}

#[tokio::test]
async fn a_renewal_and_a_farewell_say_where_they_stopped() {
    let world = World::create().await;
    done(make("i-renew", &BOTH));
    let secrets = world.api("v1", "Secret", "i-renew-t");
    let now = kube::api::DeleteParams::default();
    drop(secrets.delete("tiller-tls", &now).await.unwrap());
    let renew = ["provision", "renew", "i-renew", "--no-wait"];
    let run = interrupted(world.client.clone(), &renew, |asked| written(asked) > 0).await;
    assert_interrupted(
        &run,
        "i-renew: bindings and certificate (step 1 of 3)",
        "provision renew i-renew ",
    );
    done(provision(&["renew", "i-renew", "--no-wait"]));
    let leave = ["deprovision", "i-renew", "--yes"];
    let run = interrupted(world.client.clone(), &leave, |asked| written(asked) > 3).await;
    assert_interrupted(
        &run,
        "i-renew: objects are deleted; the team's ConfigMap goes last",
        "deprovision i-renew --yes ",
    );
}

/// All is written, and it was only waited.
#[tokio::test]
async fn a_wait_for_tiller_leaves_nothing_unwritten() {
    let world = World::create().await;
    done(make("i-wait", &BOTH));
    // Nobody makes Tiller ready here.
    let words = ["provision", "i-wait", "--timeout=60"];
    let looks = |asked: &[Asked]| {
        let mut gets = asked.iter().filter(|it| !it.writes());
        gets.any(|it| it.path.ends_with("/deployments/tiller-deploy"))
    };
    let run = interrupted(world.client.clone(), &words, looks).await;
    assert_interrupted(
        &run,
        "i-wait: all objects are written; Tiller is not ready yet",
        "provision i-wait --timeout=60 ",
    );
}

/// Nothing is written before the whole bundle is there.
#[tokio::test]
async fn a_bundle_that_does_not_come_leaves_nothing() {
    let world = World::create().await;
    done(make("i-home", &BOTH));
    let folder = Folder::new();
    let home = format!("--home={}/helm", folder.path());
    let words = ["configure", "--team=i-home", "--user=ada", &home];
    let asks = |asked: &[Asked]| asked.iter().any(|it| it.path.contains("/secrets/"));
    let run = interrupted(world.client.clone(), &words, asks).await;
    assert_eq!(run.code, Some(130), "{}{}", run.stdout, run.stderr);
    let told = "interrupted; nothing is half done\nrun the same command again, and it does the rest:\n  tiller-guard \
                configure --team=i-home --user=ada ";
    assert_tells(&run.stderr, told);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
