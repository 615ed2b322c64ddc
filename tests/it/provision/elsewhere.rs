//! A CA that is kept in a folder, and a Tiller that `helm init` makes.

use super::cluster::{World, assert_tells, command, done, make, provision, refused};
use crate::offline::Folder;

#[tokio::test]
async fn a_ca_in_a_folder_never_comes_into_the_cluster() {
    let world = World::create().await;
    let folder = Folder::new();
    let option = format!("--ca-dir={}", folder.path());
    done(make("p-folder", &[&option]));
    let ca = "team-p-folder-ca".to_owned();
    assert!(!world.labelled("p-folder").await.contains(&ca));
    assert_tells(&done(make("p-folder", &[&option])), "nothing to change");

    let told = refused(make("p-folder", &[]), 2);
    assert_tells(&told, "pass its folder with --ca-dir");
    let other = Folder::new();
    let other = format!("--ca-dir={}", other.path());
    let told = refused(make("p-folder", &[&other]), 2);
    assert_tells(&told, "its CA is not in the cluster: pass its folder");
    let rotate = ["rotate", "p-folder", "--no-wait", &option];
    done(provision(&rotate));
    let retiring = format!("{}/p-folder/retiring.pem", folder.path());
    let retiring = std::fs::read_to_string(retiring).unwrap();
    assert_tells(&retiring, "CERTIFICATE");
    done(provision(&[&rotate[..], &["--finish"]].concat()));
    assert_tells(&done(make("p-folder", &[&option])), "nothing to change");
}

#[tokio::test]
async fn helm_init_is_told_for_a_tiller_that_it_is_to_make() {
    let world = World::create().await;
    let told = done(make("p-line", &["--no-tiller"]));
    let line = "p-line: then: helm init --tiller-namespace p-line-t --service-account tiller \
                --tiller-image ghcr.io/helm/tiller:v2.17.0 --history-max 200\n";
    assert!(told.ends_with(line), "{told}");
    let tiller = "tiller-deploy".to_owned();
    assert!(!world.labelled("p-line").await.contains(&tiller));
    assert_eq!(
        done(make("p-line", &["--no-tiller"])),
        "p-line: nothing to change; 11 objects\n"
    );
    let told = done(provision(&["rotate", "p-line"]));
    let line = "then: kubectl -n p-line-t rollout restart deployment tiller-deploy\n";
    assert_tells(&told, line);
    let gone = done(command(&["deprovision", "p-line"], &["--yes"]));
    assert_tells(
        &gone,
        "p-line: then: kubectl -n p-line-t delete deployment,service tiller-deploy\n",
    );
}
