//! What networks and API servers do to `grant`, `revoke`, `rotate`, `renew` and `deprovision`, at each of their steps.

use super::cluster::{
    BOTH, World, assert_made, assert_tells, done, make, make_for, provision, refused,
};
use super::proxy::{Fate, Proxy, run_at};

/// Each is met once by each request of a run.
const FATES: [Fate; 6] = [
    Fate::Fails(409),
    Fate::Fails(429),
    Fate::Fails(500),
    Fate::Lost,
    Fate::AnswerLost,
    Fate::Slow,
];

/// Makes a team for each fate, and does something with it that meets that.
async fn survives(world: &World, name: &str, words: &[&str], check: impl AsyncFn(&str, &str)) {
    for (number, fate) in FATES.into_iter().enumerate() {
        let team = format!("{name}-{number}");
        let words = make_for(world, &team, words).await;
        let proxy = Proxy::once_each(world.client.clone(), fate).await;
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let told = done(run_at(&proxy.kubeconfig(), &words).await);
        check(&team, &told).await;
    }
}

#[tokio::test]
async fn a_grant_survives_each() {
    let world = World::create().await;
    let words = ["provision", "grant", "TEAM", "--user=carol", "--no-wait"];
    survives(&world, "f-grant", &words, async |team, told| {
        assert_tells(told, "new bundle for the user carol");
        assert_made(team, &[&BOTH[..], &["--user=carol"]].concat());
    })
    .await;
}

#[tokio::test]
async fn a_revocation_survives_each() {
    let world = World::create().await;
    let words = ["provision", "revoke", "TEAM", "--user=bob", "--no-wait"];
    survives(&world, "f-revoke", &words, async |team, told| {
        assert_tells(told, "new bundle for the user ada");
        let left = world.labelled(team).await;
        assert!(
            !left.iter().any(|name| name.contains("-user-bob-")),
            "{left:?}"
        );
        assert_made(team, &["--user=ada"]);
    })
    .await;
}

#[tokio::test]
async fn a_new_ca_survives_each() {
    let world = World::create().await;
    let words = ["provision", "rotate", "TEAM", "--no-wait"];
    survives(&world, "f-rotate", &words, async |team, told| {
        assert_tells(told, "new bundle for the user ada");
        let secret = world
            .secret("tiller-guard", &format!("team-{team}-ca"))
            .await;
        assert!(secret["data"]["retiring.crt"].is_string(), "{team}");
        assert_made(team, &BOTH);
    })
    .await;
}

#[tokio::test]
async fn a_renewal_survives_each() {
    let world = World::create().await;
    let words = ["provision", "renew", "TEAM", "--no-wait"];
    survives(&world, "f-renew", &words, async |team, told| {
        assert_tells(told, &format!("{team}: 2 of 4 objects changed\n"));
        assert_made(team, &BOTH);
    })
    .await;
}

#[tokio::test]
async fn a_farewell_survives_each() {
    let world = World::create().await;
    let words = ["deprovision", "TEAM", "--yes"];
    survives(&world, "f-leave", &words, async |team, told| {
        assert_tells(
            told,
            &format!("{team}: the namespaces {team}-t and {team} stay\n"),
        );
        assert_eq!(world.labelled(team).await, Vec::<String>::new());
    })
    .await;
}

/// What is not done is named; the same again, without the fault, does the rest.
#[tokio::test]
async fn what_fails_for_good_is_named_and_can_be_done_later() {
    let world = World::create().await;
    for (number, (words, method, path, expected)) in [
        (
            &["provision", "grant", "TEAM", "--user=carol", "--no-wait"][..],
            "POST",
            "/secrets",
            "no right to create Secret tiller-guard/team-TEAM-user-carol-",
        ),
        (
            &["provision", "revoke", "TEAM", "--user=bob", "--no-wait"],
            "DELETE",
            "/secrets/team-TEAM-user-bob-",
            "no right to delete Secret tiller-guard/team-TEAM-user-bob-",
        ),
        (
            &["provision", "rotate", "TEAM", "--now", "--no-wait"],
            "PATCH",
            "/deployments/tiller-deploy",
            "no right to update Deployment TEAM-t/tiller-deploy: made up by the test",
        ),
        (
            &["deprovision", "TEAM", "--yes"],
            "DELETE",
            "/serviceaccounts/tiller",
            "no right to delete ServiceAccount TEAM-t/tiller: made up by the test",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let team = format!("f-later-{number}");
        done(make(&team, &BOTH));
        let of_team = |text: &str| text.replace("TEAM", &team);
        let words: Vec<_> = words.iter().map(|word| of_team(word)).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let path = of_team(path);
        let proxy = Proxy::start(world.client.clone(), move |asked| {
            let last = asked.last().unwrap();
            if last.method == method && last.path.contains(&path) {
                Fate::Fails(403)
            } else {
                Fate::Passes
            }
        })
        .await;
        let failed = run_at(&proxy.kubeconfig(), &words).await;
        for done in ["stay\n", "new bundle for the user carol"] {
            assert!(!failed.stdout.contains(done), "{}", failed.stdout);
        }
        let told = refused(failed, 4);
        assert_tells(&told, &of_team(&format!("error: TEAM: {expected}")));
        assert_tells(
            &told,
            "ask an administrator to do it, or to give you that right",
        );

        let straight = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
        let told = done(run_at(&straight.kubeconfig(), &words).await);
        match words[1] {
            "grant" => assert_tells(&told, "new bundle for the user carol"),
            "revoke" => assert_tells(&told, "nothing to change"),
            "rotate" => assert_tells(&told, "new bundle for the user ada"),
            _ => assert_eq!(world.labelled(&team).await, Vec::<String>::new()),
        }
    }
    // Who saw the revocation fail sees that it is done. Without `--no-wait` it would wait for Tiller once more.
    let revoke = ["revoke", "f-later-1", "--user=bob", "--no-wait"];
    let told = refused(provision(&revoke), 2);
    assert_tells(&told, "the user bob has no access to its Tiller");
}
