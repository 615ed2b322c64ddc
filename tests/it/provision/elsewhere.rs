//! A CA that is kept in a folder, and a Tiller that `helm init` makes.

use super::cluster::{World, provision};
use crate::offline::Folder;

#[tokio::test]
async fn an_authority_in_a_folder_never_comes_into_the_cluster() {
    let world = World::create().await;
    let folder = Folder::new();
    let option = format!("--ca-dir={}", folder.path());
    let words = [
        "p-folder",
        "--tiller-namespace=p-folder-t",
        "--target-namespace=p-folder",
        "--no-wait",
    ];
    let first = provision(&[&words[..], &[&option]].concat());
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    assert!(
        !world
            .labelled("p-folder")
            .await
            .contains(&"team-p-folder-ca".to_owned())
    );
    let again = provision(&[&words[..], &[&option]].concat());
    assert!(
        again.stdout.contains("nothing to change"),
        "{}{}",
        again.stdout,
        again.stderr
    );

    let without = provision(&words);
    assert_eq!(without.code, Some(2), "{}", without.stdout);
    assert!(
        without.stderr.contains("give the folder with --ca-dir"),
        "{}",
        without.stderr
    );
    let other = Folder::new();
    let other = format!("--ca-dir={}", other.path());
    let empty = provision(&[&words[..], &[&other]].concat());
    assert_eq!(empty.code, Some(2), "{}", empty.stdout);
    let rotated = provision(&["rotate", "p-folder", "--no-wait", &option]);
    assert_eq!(rotated.code, Some(0), "{}", rotated.stderr);
    let retiring = format!("{}/p-folder/retiring.pem", folder.path());
    assert!(
        std::fs::read_to_string(&retiring)
            .unwrap()
            .contains("CERTIFICATE")
    );
    let finished = provision(&["rotate", "p-folder", "--finish", "--no-wait", &option]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let again = provision(&[&words[..], &[&option]].concat());
    assert!(
        again.stdout.contains("nothing to change"),
        "{}{}",
        again.stdout,
        again.stderr
    );
}

#[tokio::test]
async fn helm_init_is_told_for_a_tiller_that_it_is_to_make() {
    let world = World::create().await;
    let words = [
        "p-line",
        "--tiller-namespace=p-line-t",
        "--target-namespace=p-line",
        "--no-tiller",
    ];
    let first = provision(&words);
    assert_eq!(first.code, Some(0), "{}{}", first.stdout, first.stderr);
    let line = "p-line: then: helm init --tiller-namespace p-line-t --service-account tiller \
                --tiller-image ghcr.io/helm/tiller:v2.17.0 --history-max 200\n";
    assert!(first.stdout.ends_with(line), "{}", first.stdout);
    assert!(
        !world
            .labelled("p-line")
            .await
            .contains(&"tiller-deploy".to_owned())
    );
    let again = provision(&words);
    assert_eq!(
        again.stdout, "p-line: nothing to change; 11 objects\n",
        "{}",
        again.stderr
    );
    let rotated = provision(&["rotate", "p-line"]);
    let line = "then: kubectl -n p-line-t rollout restart deployment tiller-deploy\n";
    assert!(
        rotated.stdout.contains(line),
        "{}{}",
        rotated.stdout,
        rotated.stderr
    );
}
