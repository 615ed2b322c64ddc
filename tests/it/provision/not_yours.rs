//! `configure` by somebody who may not read the bundle.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::cluster::{World, assert_tells, done, make, refused};
use super::configured::configure;
use crate::offline::{Folder, run};

/// Somebody without rights is told which are missing.
#[tokio::test]
async fn who_may_not_forward_is_told() {
    let _world = World::create().await;
    done(make("c-may", &["--user=ada"]));
    let folder = Folder::new();
    let home = format!("{}/helm", folder.path());
    done(configure("c-may", &home, &["--user=ada"]));
    let config = fs::read_to_string(crate::api_server::cluster().kubeconfig()).unwrap();
    let nobody = folder.file("nobody", config.replace("admin-", "nobody-"));
    let program = env!("CARGO_BIN_EXE_tiller-guard");
    let script = format!(
        ". '{home}/env'; exec {program} configure --check --team=c-may --home='{home}' --kubeconfig='{nobody}'"
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    // Other tests let everybody list pods.
    assert_tells(&told, "✗ rights: you may not ");
    assert_tells(&told, "create pods/portforward in Tiller's namespace\n");
    assert_tells(
        &told,
        "✗ newest bundle: you may not read the bundle of the user ada (Secret tiller-guard/team-c-may-user-ada-",
    );
    let next = "provision grant c-may --user NAME\n";
    assert_tells(&told, next);
    let written = run(
        &[
            "configure",
            "--team=c-may",
            "--user=ada",
            &format!("--home={home}-2"),
            &format!("--kubeconfig={nobody}"),
        ],
        b"",
    );
    assert_tells(&refused(written, 4), next);
    assert!(!Path::new(&format!("{home}-2")).exists());
}
