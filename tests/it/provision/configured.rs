//! `configure`: a folder that Helm uses, kept up to date and checked.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::cluster::{World, assert_tells, command, done, make, provision, refused};
use super::unusable::{bundle_name, expired_bundle};
use crate::api_server::cluster;
use crate::offline::{Folder, Run};
use crate::suite::Feature;

/// A program that says it is this Helm, and prints what it is given.
pub(super) fn helm(folder: &Folder, version: &str) -> String {
    let text = format!(
        "#!/bin/sh\nif [ \"$*\" = 'version --client --short' ]; then echo 'Client: v{version}+g0'; else echo \"$*\"; fi\n"
    );
    program(folder, &format!("helm-{version}"), &text)
}

pub(super) fn program(folder: &Folder, name: &str, text: &str) -> String {
    let path = folder.file(name, text);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(super) fn configure(team: &str, home: &str, words: &[&str]) -> Run {
    let (team, home) = (format!("--team={team}"), format!("--home={home}"));
    command(&["configure", &team, &home], words)
}

#[tokio::test]
async fn a_home_is_ready_for_helm_and_kubectl() {
    let _world = World::create().await;
    done(make(
        "c-home",
        &["--user=ada", "--target-namespace=c-home-2"],
    ));
    let folder = Folder::new();
    let home = format!("{}/helm", folder.path());
    let old = helm(&folder, "2.9.1");
    let told = done(configure(
        "c-home",
        &home,
        &["--user=ada", &format!("--helm={old}")],
    ));
    assert_tells(&told, &format!("wrote {home}; now: . '{home}/env'\n"));
    assert_tells(
        &told,
        "note: Helm 2.9.1 ignores HELM_TLS_ENABLE: env puts a wrapper first in PATH",
    );
    assert_tells(
        &told,
        "use the namespace c-home unless --namespace names another",
    );
    for folder in [
        "repository/cache",
        "repository/local",
        "plugins",
        "starters",
        "cache/archive",
    ] {
        assert!(Path::new(&home).join(folder).is_dir(), "{folder}");
    }
    let repositories = fs::read_to_string(format!("{home}/repository/repositories.yaml")).unwrap();
    assert_eq!(repositories, "apiVersion: v1\nrepositories: []\n");
    let kubeconfig = fs::read_to_string(format!("{home}/kubeconfig")).unwrap();
    let kubeconfig: serde_json::Value = serde_saphyr::from_str(&kubeconfig).unwrap();
    assert_eq!(kubeconfig["contexts"][0]["context"]["namespace"], "c-home");
    assert_eq!(kubeconfig["current-context"], "tiller-c-home");

    // The wrapper passes the flags to the commands that know them.
    let printed = |words: &str| {
        let script = format!(". '{home}/env'; helm {words}");
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let flags = format!(
        "--tls=true --tls-verify=true --tls-ca-cert={home}/ca.pem --tls-cert={home}/cert.pem --tls-key={home}/key.pem"
    );
    for words in [
        "ls -q",
        "install x --name y",
        "--home /x --debug upgrade a b",
        "version",
    ] {
        assert_eq!(printed(words), format!("{flags} {words}\n"));
    }
    for words in [
        "repo list",
        "template ls",
        "--home ls repo list",
        "fetch install",
        "",
    ] {
        assert_eq!(printed(words), format!("{words}\n"));
    }

    // The newer Helm needs none, and the folder gives way to what belongs there.
    let new = helm(&folder, "2.17.0");
    fs::write(format!("{home}/repository/repositories.yaml"), "mine").unwrap();
    let told = done(configure(
        "c-home",
        &home,
        &["--user=ada", &format!("--helm={new}")],
    ));
    assert!(!told.contains("wrapper"), "{told}");
    let environment = fs::read_to_string(format!("{home}/env")).unwrap();
    assert!(!environment.contains("PATH"), "{environment}");
    assert_eq!(
        fs::read_to_string(format!("{home}/repository/repositories.yaml")).unwrap(),
        "mine"
    );
    let key = format!("{home}/key.pem");
    let mode = || fs::metadata(&key).unwrap().permissions().mode() & 0o777;
    let again = || configure("c-home", &home, &["--user=ada", &format!("--helm={new}")]);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    assert_tells(&done(again()), &format!("kept {home}; now: "));
    assert_eq!(mode(), 0o600);
    let other = refused(
        configure("c-home", &home, &["--user=bob", &format!("--helm={new}")]),
        4,
    );
    assert_tells(&other, "the user bob has no bundle of the team \"c-home\"");
    assert_tells(&other, "`tiller-guard provision grant c-home --user 'bob'`");
}

#[tokio::test]
async fn a_folder_takes_each_new_bundle_and_no_other_persons() {
    let _world = World::create().await;
    done(make("c-next", &["--user=ada", "--user=bob", "--user=eve"]));
    let folder = Folder::new();
    let home = format!("{}/helm", folder.path());
    let ada = |words: &[&str]| configure("c-next", &home, &[&["--user=ada"], words].concat());
    let certificate = || fs::read_to_string(format!("{home}/cert.pem")).unwrap();
    done(ada(&[]));
    let mut seen = vec![certificate()];
    for words in [
        &["rotate", "c-next", "--no-wait"][..],
        &["rotate", "c-next", "--finish", "--no-wait"],
        &["rotate", "c-next", "--now", "--no-wait"],
        &["revoke", "c-next", "--user=eve", "--no-wait"],
    ] {
        let told = done(provision(words));
        let printed = "tiller-guard configure --team c-next --user 'ada'";
        assert_eq!(
            told.contains(printed),
            !words.contains(&"--finish"),
            "{told}"
        );
        done(ada(&[]));
        seen.push(certificate());
    }
    seen.dedup();
    assert_eq!(seen.len(), 4);
    let told = refused(configure("c-next", &home, &["--user=bob"]), 2);
    assert_tells(&told, "holds the bundle of the user ada of the team c-next");
    fs::write(format!("{home}/env"), "mine").unwrap();
    done(provision(&["rotate", "c-next", "--now", "--no-wait"]));
    let told = refused(ada(&[]), 2);
    assert_tells(
        &told,
        "env already exists with other content; --force replaces it",
    );
    assert_eq!(Some(&certificate()), seen.last());
    done(ada(&["--force"]));
    assert_ne!(Some(&certificate()), seen.last());
}

/// Wherever a run is killed, the next one does the rest: it knows what either has written.
#[tokio::test]
async fn killed_anywhere_the_next_one_does_the_rest() {
    let _world = World::create().await;
    done(make("c-kill", &["--user=ada"]));
    let folder = Folder::new();
    let kept = format!("{}/kept", folder.path());
    done(configure("c-kill", &kept, &["--user=ada"]));
    done(provision(&["rotate", "c-kill", "--now", "--no-wait"]));
    let read = |home: &str, name: &str| fs::read(format!("{home}/{name}"));
    let fresh = format!("{}/fresh", folder.path());
    done(configure("c-kill", &fresh, &["--user=ada"]));
    let files = ["ca.pem", "cert.pem", "key.pem"];
    // The record comes first, then each file in its turn.
    for written in 0..=files.len() {
        let home = format!("{}/killed-{written}", folder.path());
        fs::create_dir(&home).unwrap();
        for name in [&files[..], &["env", ".tiller-guard.json"]].concat() {
            fs::write(format!("{home}/{name}"), read(&kept, name).unwrap()).unwrap();
        }
        // A whole run, and then back to where it would have been killed.
        let environment = fs::read_to_string(format!("{home}/env")).unwrap();
        fs::write(format!("{home}/env"), environment).unwrap();
        let run = configure("c-kill", &home, &["--user=ada", "--force"]);
        done(run);
        for name in &files[written..] {
            fs::write(format!("{home}/{name}"), read(&kept, name).unwrap()).unwrap();
        }
        fs::write(format!("{home}/.key.pem.new"), "half").unwrap();
        done(configure("c-kill", &home, &["--user=ada"]));
        for name in files {
            assert_eq!(
                read(&home, name).unwrap(),
                read(&fresh, name).unwrap(),
                "{name}"
            );
        }
    }
}

/// Runs the check as a person whose shell has sourced `env`, or not.
pub(super) fn check(team: &str, home: &str, sourced: bool, words: &[&str]) -> (Run, Duration) {
    let kubeconfig = cluster().kubeconfig();
    let program = env!("CARGO_BIN_EXE_tiller-guard");
    let source = if sourced {
        format!(". '{home}/env'; ")
    } else {
        String::new()
    };
    let script = format!(
        "{source}exec {program} configure --check --team={team} --home='{home}' --kubeconfig='{}' {}",
        kubeconfig.display(),
        words.join(" ")
    );
    let begin = Instant::now();
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let run = Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    (run, begin.elapsed())
}

#[tokio::test]
async fn what_is_wrong_is_found_within_a_second() {
    let world = World::create().await;
    done(make("c-check", &["--user=ada"]));
    let folder = Folder::new();
    let home = format!("{}/helm", folder.path());
    let helm = format!("--helm={}", helm(&folder, "2.17.0"));
    let wrong = |sourced: bool, words: &[&str], expected: &[&str]| {
        let (run, time) = check("c-check", &home, sourced, words);
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        for line in expected {
            assert_tells(&run.stdout, line);
        }
        assert!(time < Duration::from_secs(1), "{time:?}\n{}", run.stdout);
    };
    wrong(
        false,
        &[&helm],
        &[
            "✗ bundle: ",
            &format!(
                " holds no bundle\n  → run: tiller-guard configure --team c-check --home '{home}' --helm "
            ),
            " --user NAME; then run: . '",
        ],
    );
    done(configure("c-check", &home, &["--user=ada", &helm]));
    wrong(
        false,
        &[&helm],
        &[
            "✓ bundle: ",
            "✗ env: env is not sourced in this shell: HELM_HOME is not set\n  → run: . '",
            "✓ newest bundle: ",
            if Feature::WhoAmI.is_in(cluster().version()) {
                "✗ user: the kubeconfig's user is "
            } else {
                "‼ user: the API server does not say who you are (Kubernetes 1.28 or newer does)"
            },
            "✓ rights: ",
            "✗ tiller: ",
            "  → ask an administrator to run: tiller-guard provision status c-check\n",
            "✓ helm: ",
        ],
    );
    wrong(
        true,
        &["--helm=/bin/true"],
        &["✓ env: ", "✗ helm: /bin/true is not Helm 2"],
    );
    let old = expired_bundle(&world, "c-check").await;
    let file = |name: &str| format!("{home}/{name}");
    let newest = fs::read(file("cert.pem")).unwrap();
    fs::write(file("cert.pem"), old.certificate.pem()).unwrap();
    wrong(
        true,
        &[&helm],
        &[
            "✗ bundle: ",
            "holds no usable pair: ",
            " --user 'ada' --force\n",
        ],
    );
    let key = fs::read(file("key.pem")).unwrap();
    fs::write(file("key.pem"), old.key.pem().as_bytes()).unwrap();
    wrong(
        true,
        &[&helm],
        &[
            "✗ bundle: your certificate expired on ",
            "✗ newest bundle: the cluster has a newer bundle for you\n",
        ],
    );
    fs::write(file("cert.pem"), newest).unwrap();
    fs::write(file("key.pem"), key).unwrap();
    done(provision(&["rotate", "c-check", "--now", "--no-wait"]));
    wrong(
        true,
        &[&helm],
        &[
            "✗ newest bundle: the team has another CA: Tiller may refuse your certificate\n  → run: tiller-guard configure --team c-check ",
        ],
    );
    done(configure("c-check", &home, &["--user=ada", &helm]));
    let name = bundle_name(&world, "c-check", "ada").await;
    let secrets = world.api("v1", "Secret", "tiller-guard");
    let nothing =
        json!({ "metadata": { "annotations": { "tiller-guard.io/tiller-namespace": null } } });
    secrets
        .patch(&name, &PatchParams::default(), &Patch::Merge(&nothing))
        .await
        .unwrap();
    wrong(
        true,
        &[&helm],
        &["✗ newest bundle: the user ada has no bundle of the team \"c-check\""],
    );
}
