//! Each command, killed after each of its writes and run again: it converges, and nobody is locked out.

use super::cluster::{
    BOTH, World, assert_made, assert_tells, done, make, make_for, provision, words,
};
use super::proxy::killed_after;

/// No command writes so often.
const MOST: usize = 40;

/// Kills the command after no write, then after one, and so on, until it ends by itself; each time another team. What
/// `again` runs then has to end well, and the team to be in its desired state.
async fn killed_at_each_step(name: &str, words: &[&str], again: impl Fn(&str), people: &[&str]) {
    let world = World::create().await;
    for writes in 0..MOST {
        let team = format!("{name}-{writes}");
        let words = make_for(&world, &team, words).await;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let ended = killed_after(writes, world.client.clone(), &words).await;
        again(&team);
        assert_made(&team, people);
        if ended.is_some_and(|status| status.success()) {
            assert!(writes > 1, "{writes}");
            return;
        }
    }
    panic!("more than {MOST} writes");
}

#[tokio::test]
async fn a_new_team() {
    let world = World::create().await;
    for writes in 0..MOST {
        let team = format!("k-new-{writes}");
        let words = words(&team);
        let words = [
            &["provision"],
            &words.each_ref().map(String::as_str)[..],
            &BOTH,
        ]
        .concat();
        let ended = killed_after(writes, world.client.clone(), &words).await;
        done(make(&team, &BOTH));
        assert_made(&team, &BOTH);
        if ended.is_some_and(|status| status.success()) {
            assert!(writes > 20, "{writes}");
            return;
        }
    }
    panic!("more than {MOST} writes");
}

/// What a revocation left that was killed, the next grant completes, and says so.
#[tokio::test]
async fn a_grant_after_a_revocation_says_what_restarts_and_whose_bundles_are_new() {
    let world = World::create().await;
    done(make("k-back", &BOTH));
    let bundle = |name: &str| format!("new bundle for the user {name}: tiller-guard configure");
    done(provision(&["revoke", "k-back", "--user=bob", "--no-wait"]));
    let told = done(provision(&["grant", "k-back", "--user=bob", "--no-wait"]));
    assert!(!told.contains("restarts Tiller"), "{told}");
    assert!(!told.contains(&bundle("ada")), "{told}");
    assert_tells(&told, &bundle("bob"));

    let revoke = ["provision", "revoke", "k-back", "--user=bob", "--no-wait"];
    killed_after(1, world.client.clone(), &revoke).await;
    let told = done(provision(&["grant", "k-back", "--user=carol", "--no-wait"]));
    assert_tells(&told, "k-back: this restarts Tiller\n");
    for name in ["ada", "carol"] {
        assert_tells(&told, &bundle(name));
    }
}

#[tokio::test]
async fn a_renewal() {
    let words = ["provision", "renew", "TEAM", "--no-wait"];
    let again = |team: &str| {
        done(provision(&["renew", team, "--no-wait"]));
    };
    killed_at_each_step("k-renew", &words, again, &BOTH).await;
}

#[tokio::test]
async fn a_new_ca() {
    let words = ["provision", "rotate", "TEAM", "--now", "--no-wait"];
    // Once its CA is there, a renewal does the rest.
    let again = |team: &str| {
        done(provision(&["renew", team, "--no-wait"]));
    };
    killed_at_each_step("k-now", &words, again, &BOTH).await;
}

#[tokio::test]
async fn a_new_ca_with_overlap() {
    let words = ["provision", "rotate", "TEAM", "--no-wait"];
    let again = |team: &str| {
        done(provision(&["renew", team, "--no-wait"]));
        provision(&["rotate", team, "--no-wait"]);
        done(provision(&["rotate", team, "--finish", "--no-wait"]));
    };
    killed_at_each_step("k-turn", &words, again, &BOTH).await;
}

#[tokio::test]
async fn a_grant() {
    let words = ["provision", "grant", "TEAM", "--user=carol", "--no-wait"];
    let again = |team: &str| {
        let words = ["grant", team, "--user=carol", "--no-wait"];
        done(provision(&words));
    };
    killed_at_each_step(
        "k-grant",
        &words,
        again,
        &["--user=ada", "--user=bob", "--user=carol"],
    )
    .await;
}

#[tokio::test]
async fn a_revocation() {
    let words = ["provision", "revoke", "TEAM", "--user=bob", "--no-wait"];
    let again = |team: &str| {
        // A run that had done all of it leaves nothing to revoke.
        let run = provision(&["revoke", team, "--user=bob", "--no-wait"]);
        assert!(
            run.code == Some(0) || run.stderr.contains("has no access"),
            "{}",
            run.stderr
        );
    };
    killed_at_each_step("k-revoke", &words, again, &["--user=ada"]).await;
}

/// Wherever a new CA was interrupted, the status says so until Tiller restarts with it.
#[tokio::test]
async fn what_tiller_does_not_run_with_yet_is_told() {
    let world = World::create().await;
    let commands = [
        ("s-now", &["rotate", "TEAM", "--now"][..]),
        ("s-turn", &["rotate", "TEAM"]),
        ("s-shut", &["revoke", "TEAM", "--user=bob"]),
    ];
    for (name, words) in commands {
        let mut told = 0;
        for writes in 0..MOST {
            let team = format!("{name}-{writes}");
            done(make(&team, &BOTH));
            let words = words.iter().map(|word| word.replace("TEAM", &team));
            let words: Vec<_> = words.collect();
            let words = words.iter().map(String::as_str);
            let words: Vec<_> = ["provision"]
                .into_iter()
                .chain(words)
                .chain(["--no-wait"])
                .collect();
            let ended = killed_after(writes, world.client.clone(), &words).await;
            let left = done(provision(&[&team, "--diff"]));
            let status = done(provision(&["status", &team]));
            let restarts = left.contains("this restarts Tiller");
            assert_eq!(
                status.contains("incomplete"),
                restarts,
                "{writes}: {status}{left}"
            );
            told += usize::from(restarts);
            if ended.is_some() {
                break;
            }
        }
        // Once the CA is new, and once Tiller's Secret is.
        assert!(told >= 2, "{name}: {told}");
    }
}

/// The people are without him, and Tiller still takes his certificate.
#[tokio::test]
async fn a_revocation_that_is_half_done_is_told() {
    let world = World::create().await;
    done(make("k-half", &["--user=ada", "--user=bob"]));
    let words = ["provision", "revoke", "k-half", "--user=bob", "--no-wait"];
    killed_after(1, world.client.clone(), &words).await;
    let told = done(provision(&["status", "k-half"]));
    assert_tells(
        &told,
        "  incomplete    Tiller's certificate is of another CA than the team's, and Tiller may accept people who were revoked: \
         run what was interrupted again, or `tiller-guard provision k-half`\n",
    );
    assert_tells(&done(provision(&["list"])), "progressing, incomplete");
    done(provision(&["k-half", "--no-wait"]));
    let told = done(provision(&["status", "k-half"]));
    assert!(!told.contains("incomplete"), "{told}");
}
