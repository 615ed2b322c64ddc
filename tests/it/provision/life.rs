//! A team's life: made, made again, granted, revoked, rotated, taken away.

use std::fs;

use serde_json::{Value, json};

use super::cluster::{World, command, provision};
use crate::offline::{Folder, run};

const DONE: Option<i32> = Some(0);

#[tokio::test]
async fn a_team_is_made_and_made_again_without_a_change() {
    let world = World::create().await;
    let first = provision(&[
        "p-twice",
        "--tiller-namespace=p-twice-t",
        "--target-namespace=p-twice",
        "--user=ada",
        "--no-wait",
    ]);
    assert_eq!(first.code, DONE, "{}{}", first.stdout, first.stderr);
    assert!(
        first
            .stdout
            .contains("p-twice: Deployment p-twice-t/tiller-deploy created\n"),
        "{}",
        first.stdout
    );
    assert!(
        first.stdout.contains("p-twice: 18 of 18 objects changed\n"),
        "{}",
        first.stdout
    );
    assert!(
        first.stdout.contains(
            "new bundle for the user ada: tiller-guard configure --team p-twice --user 'ada'"
        ),
        "{}",
        first.stdout
    );
    let before = world.secret("p-twice-t", "tiller-tls").await;
    let again = provision(&[
        "p-twice",
        "--tiller-namespace=p-twice-t",
        "--target-namespace=p-twice",
        "--user=ada",
        "--no-wait",
    ]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (DONE, "p-twice: nothing to change; 18 objects\n"),
        "{}",
        again.stderr
    );
    assert_eq!(world.secret("p-twice-t", "tiller-tls").await, before);

    let diff = provision(&[
        "p-twice",
        "--tiller-namespace=p-twice-t",
        "--target-namespace=p-twice",
        "--user=ada",
        "--history-max=7",
        "--diff",
    ]);
    assert_eq!(diff.code, DONE, "{}", diff.stderr);
    assert!(
        diff.stdout.contains("+        - --history-max=7\n"),
        "{}",
        diff.stdout
    );
    let tried = provision(&[
        "p-twice",
        "--tiller-namespace=p-twice-t",
        "--target-namespace=p-twice",
        "--user=ada",
        "--history-max=7",
        "--dry-run=server",
    ]);
    assert!(
        tried.stdout.contains("2 of 18 objects would change"),
        "{}{}",
        tried.stdout,
        tried.stderr
    );
    let again = provision(&["renew", "p-twice", "--no-wait"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (DONE, "p-twice: nothing to change; 18 objects\n"),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn what_others_have_made_is_not_taken_over() {
    let world = World::create().await;
    world.namespace("p-foreign-t").await;
    world
        .apply(
            "v1",
            "Secret",
            "p-foreign-t",
            "tiller-tls",
            json!({ "stringData": { "x": "y" } }),
        )
        .await;
    let words = [
        "p-foreign",
        "--tiller-namespace=p-foreign-t",
        "--target-namespace=p-foreign",
        "--no-wait",
    ];
    let refused = provision(&words);
    assert_eq!(refused.code, Some(4), "{}", refused.stdout);
    assert!(
        refused
            .stdout
            .contains("p-foreign: Namespace p-foreign-t left as it is\n"),
        "{}",
        refused.stdout
    );
    assert!(
        refused.stderr.contains(
            "error: p-foreign: Secret p-foreign-t/tiller-tls is there already and is not ours"
        ),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("--adopt"), "{}", refused.stderr);
    assert!(
        !refused.stdout.contains("tiller-deploy"),
        "{}",
        refused.stdout
    );
    assert_eq!(
        world.secret("p-foreign-t", "tiller-tls").await["data"],
        json!({ "x": "eQ==" })
    );
}

#[tokio::test]
async fn a_team_is_taken_away_but_for_its_namespaces_and_releases() {
    let world = World::create().await;
    let made = provision(&[
        "p-gone",
        "--tiller-namespace=p-gone-t",
        "--target-namespace=p-gone,p-gone-2",
        "--user=ada",
        "--no-wait",
    ]);
    assert_eq!(made.code, DONE, "{}{}", made.stdout, made.stderr);
    let record = json!({ "stringData": { "release": "x" }, "metadata": { "labels": { "OWNER": "TILLER" } } });
    world
        .apply("v1", "Secret", "p-gone-t", "shop.v1", record)
        .await;
    let dropped = provision(&[
        "p-gone",
        "--tiller-namespace=p-gone-t",
        "--target-namespace=p-gone",
        "--user=ada",
        "--no-wait",
    ]);
    assert_eq!(dropped.code, Some(2));
    assert!(
        dropped
            .stderr
            .contains("deprovision p-gone --target-namespace p-gone-2"),
        "{}",
        dropped.stderr
    );
    let dropped = command(
        &["deprovision", "p-gone"],
        &["--target-namespace=p-gone-2", "--yes", "--no-wait"],
    );
    assert_eq!(dropped.code, DONE, "{}{}", dropped.stdout, dropped.stderr);
    assert!(
        dropped
            .stdout
            .contains("RoleBinding p-gone-2/tiller-p-gone deleted"),
        "{}",
        dropped.stdout
    );

    let unasked = command(&["deprovision", "p-gone"], &[]);
    assert_eq!(unasked.code, Some(2));
    assert!(
        unasked
            .stderr
            .contains("  Deployment p-gone-t/tiller-deploy\n"),
        "{}",
        unasked.stderr
    );
    assert!(unasked.stderr.contains("give --yes"), "{}", unasked.stderr);
    assert!(!unasked.stderr.contains("Namespace"), "{}", unasked.stderr);

    let gone = command(&["deprovision", "p-gone"], &["--yes"]);
    assert_eq!(gone.code, DONE, "{}{}", gone.stdout, gone.stderr);
    assert_eq!(
        gone.stdout.matches(" deleted\n").count(),
        16,
        "{}",
        gone.stdout
    );
    assert_eq!(
        world.secret("p-gone-t", "shop.v1").await["metadata"]["labels"]["OWNER"],
        "TILLER"
    );
    assert_eq!(world.labelled("p-gone").await, Vec::<String>::new());
    let again = command(&["deprovision", "p-gone"], &["--yes"]);
    assert_eq!(again.code, Some(2));
    assert!(
        again.stderr.contains("there is no team \"p-gone\""),
        "{}",
        again.stderr
    );
}

#[tokio::test]
async fn teams_are_listed_with_their_certificates_and_their_state() {
    let _world = World::create().await;
    let made = provision(&[
        "p-shown",
        "--tiller-namespace=p-shown-t",
        "--target-namespace=p-shown",
        "--user=ada",
        "--no-wait",
    ]);
    assert_eq!(made.code, DONE, "{}{}", made.stdout, made.stderr);
    let list = provision(&["list", "-o", "json"]).json();
    let team = list
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["team"] == "p-shown")
        .unwrap();
    assert_eq!(team["provisioned"], true);
    assert_eq!(team["users"], json!(["ada"]));
    let text = provision(&["list"]).stdout;
    assert!(
        text.contains(
            "p-shown  Tiller in p-shown-t as tiller  releases in p-shown  1 users, 0 groups\n"
        ),
        "{text}"
    );

    let certificates = provision(&["certs", "p-shown", "-o", "json"]).json();
    let of: Vec<_> = certificates
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["of"].as_str().unwrap(),
                it["days_left"].as_u64().unwrap(),
                it["usage"].as_str().unwrap(),
            )
        })
        .collect();
    // The first second of the last day may be over.
    let expected = [
        ("CA", 3650, "CA"),
        ("Tiller", 365, "server"),
        ("user ada", 90, "client"),
    ];
    for ((of, days, usage), (expected_of, expected_days, expected_usage)) in of.iter().zip(expected)
    {
        assert_eq!((*of, *usage), (expected_of, expected_usage));
        assert!(
            [expected_days, expected_days - 1].contains(days),
            "{of}: {days}"
        );
    }
    assert_eq!(of.len(), 3);

    let status = provision(&["status", "p-shown", "-o", "json"]).json();
    let status = &status[0];
    assert_eq!(status["tillers"][0]["version"], "2.17.0");
    assert_eq!(status["tillers"][0]["effective"]["storage"], "secret");
    let places: Vec<_> = status["rights"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["namespace"].as_str().unwrap())
        .collect();
    assert_eq!(places, ["p-shown", "p-shown-t"]);
    assert_ne!(status["last_change"], Value::Null);
    let text = provision(&["status", "p-shown"]).stdout;
    assert!(
        text.contains("version 2.17.0, storage secret, tls on, tls-verify on"),
        "{text}"
    );
    assert!(text.contains("in p-shown-t by RoleBinding tiller (Role tiller): get,list,create,update,delete secrets"), "{text}");
}

/// The line names the right and what it is a right on.
#[tokio::test]
async fn who_may_not_is_told_which_right_is_missing() {
    let _world = World::create().await;
    let folder = Folder::new();
    let config = fs::read_to_string(crate::api_server::cluster().kubeconfig()).unwrap();
    // The token of somebody without rights.
    let config = config.replace("admin-", "nobody-");
    let kubeconfig = format!("--kubeconfig={}", folder.file("config", config));
    let words = [
        "provision",
        "p-rights",
        "--tiller-namespace=p-rights-t",
        "--target-namespace=p-rights",
    ];
    let refused = run(&[&words[..], &[&kubeconfig]].concat(), b"");
    assert_eq!(refused.code, Some(4), "{}", refused.stdout);
    assert_eq!(
        refused.stderr,
        "error: cannot look in the namespace tiller-guard: namespaces \"tiller-guard\" is forbidden: User \"nobody\" \
         cannot get resource \"namespaces\" in API group \"\" in the namespace \"tiller-guard\"\n"
    );
}
