//! A team's life: made, made again, and not made of what others have.

use std::fs;

use serde_json::json;

use super::cluster::{World, assert_tells, done, make, provision, refused, tried};
use crate::offline::{Folder, run};

const UNCHANGED: &str = "p-twice: nothing to change; 18 objects\n";

#[tokio::test]
async fn a_team_is_made_and_made_again_without_a_change() {
    let world = World::create().await;
    let first = done(make("p-twice", &["--user=ada"]));
    assert_tells(
        &first,
        "p-twice: Deployment p-twice-t/tiller-deploy created\n",
    );
    assert_tells(&first, "p-twice: 18 of 18 objects changed\n");
    let bundle = "new bundle for the user ada: tiller-guard configure --team p-twice --user 'ada'";
    assert_tells(&first, bundle);
    let before = world.secret("p-twice-t", "tiller-tls").await;
    assert_eq!(done(make("p-twice", &["--user=ada"])), UNCHANGED);
    assert_eq!(world.secret("p-twice-t", "tiller-tls").await, before);

    let other = ["--user=ada", "--history-max=7"];
    let diff = done(make("p-twice", &[&other[..], &["--diff"]].concat()));
    assert_tells(&diff, "+        - --history-max=7\n");
    let dry_run = make("p-twice", &[&other[..], &["--dry-run=server"]].concat());
    if let Some(told) = tried(dry_run) {
        assert_tells(&told, "2 of 18 objects would change");
    }
    assert_eq!(
        done(provision(&["renew", "p-twice", "--no-wait"])),
        "p-twice: nothing is due\n"
    );
}

#[tokio::test]
async fn what_others_have_made_is_not_taken_over() {
    let world = World::create().await;
    world.namespace("p-foreign-t").await;
    let fields = json!({ "stringData": { "x": "y" } });
    world
        .apply("v1", "Secret", "p-foreign-t", "tiller-tls", fields)
        .await;
    let run = make("p-foreign", &[]);
    // Nothing was written.
    assert_eq!(run.stdout, "");
    assert_eq!(world.labelled("p-foreign").await, Vec::<String>::new());
    let told = refused(run, 2);
    assert_tells(
        &told,
        "error: p-foreign: Secret p-foreign-t/tiller-tls already exists and was not made by tiller-guard",
    );
    assert_tells(&told, "--adopt");
    let kept = world.secret("p-foreign-t", "tiller-tls").await;
    assert_eq!(kept["data"], json!({ "x": "eQ==" }));
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
    let start = "error: cannot look in the namespace tiller-guard: you, nobody, may not get the namespace tiller-guard: \
                 ask an administrator";
    assert!(refused.stderr.starts_with(start), "{}", refused.stderr);
}
