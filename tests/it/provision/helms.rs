//! `configure --check` with the Helms that people have.

use std::time::Duration;

use super::cluster::{World, assert_tells, done, make};
use super::configured::{check, configure, helm, program};
use crate::offline::Folder;

/// What is wrong with the Helm that a person has.
#[tokio::test]
async fn a_slow_helm_and_one_without_the_wrapper_are_told() {
    let _world = World::create().await;
    done(make("c-old", &["--user=ada"]));
    let folder = Folder::new();
    let home = format!("{}/helm", folder.path());
    let new = format!("--helm={}", helm(&folder, "2.17.0"));
    done(configure("c-old", &home, &["--user=ada", &new]));
    let wrong = |sourced: bool, words: &[&str], expected: &[&str]| {
        let (run, time) = check("c-old", &home, sourced, words);
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        for line in expected {
            assert_tells(&run.stdout, line);
        }
        assert!(time < Duration::from_secs(1), "{time:?}\n{}", run.stdout);
    };
    // Helm and a slow API server are asked at the same time.
    let slow = program(&folder, "helm-slow", "#!/bin/sh\nsleep 5\n");
    wrong(
        true,
        &[&format!("--helm={slow}")],
        &[
            "✓ env: ",
            "✗ helm: ",
            " did not say its version within 600 ms\n",
        ],
    );
    // `configure` was run with another Helm than the one that is used.
    let old = format!("--helm={}", helm(&folder, "2.9.1"));
    let ignores = "✗ helm: Helm 2.9.1 ignores HELM_TLS_ENABLE, and the first helm in PATH is not the wrapper of this folder\n";
    let configures =
        format!("  → run: tiller-guard configure --team c-old --home '{home}' --helm '");
    let then = " --user 'ada'; then: . '";
    wrong(true, &[&old], &["✓ env: ", ignores, &configures, then]);
    done(configure("c-old", &home, &["--user=ada", &old]));
    let (run, _) = check("c-old", &home, true, &[&old]);
    assert_tells(&run.stdout, "✓ helm: ");
    wrong(
        false,
        &[&old],
        &[ignores, &format!("  → run: . '{home}/env'\n")],
    );
}
