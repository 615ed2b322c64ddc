//! `provision` without a cluster, run as a user runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;
use tiller_guard::pki::team::{Certificate, Issued, TeamCa};

use crate::offline::{Folder, Run, run};

const TEAM: [&str; 6] = [
    "provision",
    "blue",
    "--tiller-namespace=blue-tiller",
    "--target-namespace=blue",
    "--user=ada@example.com",
    "--user=oidc:bob",
];

fn with(arguments: &[&str]) -> Run {
    run(&[&TEAM, arguments].concat(), b"")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// An object's metadata without the end of the people's certificates, which each run makes for itself.
fn without_end(object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    if let Some(annotations) = metadata["annotations"].as_object_mut() {
        annotations.remove("tiller-guard.io/people-not-after");
    }
    metadata
}

#[test]
fn all_objects_are_printed_as_yaml_and_json() {
    let json = with(&["-o", "json"]);
    assert_eq!(json.code, Some(0), "{}", json.stderr);
    let list = json.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 21);
    assert_eq!(
        json.stderr,
        "the output holds private keys: keep it from others\n"
    );
    let yaml = with(&["-o", "yaml"]);
    let objects: Vec<Value> = serde_saphyr::from_multiple(&yaml.stdout).unwrap();
    for (from_yaml, from_json) in objects.iter().zip(items) {
        assert_eq!(from_yaml["kind"], from_json["kind"]);
        assert_eq!(without_end(from_yaml), without_end(from_json));
    }
    assert_eq!(objects.len(), items.len());
}

#[test]
fn a_file_is_the_same_as_options() {
    let folder = Folder::new();
    let file = folder.file(
        "team.yaml",
        "apiVersion: tiller-guard.io/v1\nkind: Team\nname: blue\ntillerNamespace: blue-tiller\n\
         targetNamespaces: [blue]\nusers: [ada@example.com, \"oidc:bob\"]\n",
    );
    let by_file = run(&["provision", "-f", &file, "--dry-run"], b"");
    let by_options = with(&["--dry-run"]);
    assert_eq!(by_file.code, Some(0), "{}", by_file.stderr);
    assert_eq!(by_file.stdout, by_options.stdout);
    assert!(
        by_file
            .stdout
            .contains("Deployment blue-tiller/tiller-deploy\n")
    );
    let both = run(&["provision", "blue", "-f", &file, "--dry-run"], b"");
    assert_eq!(both.code, Some(2));
    assert!(
        both.stderr.contains("cannot be used with"),
        "{}",
        both.stderr
    );
}

#[test]
fn bad_input_has_exit_code_2_and_a_reason() {
    let bad = run(
        &[
            "provision",
            "blue",
            "--tiller-namespace=kube-system",
            "--target-namespace=blue",
            "--dry-run",
        ],
        b"",
    );
    assert_eq!((bad.code, bad.stdout.as_str()), (Some(2), ""));
    assert!(
        bad.stderr.contains("kube-system is protected"),
        "{}",
        bad.stderr
    );
    let bad = run(&["provision", "-f", "-", "--dry-run"], b"kind: Team\n");
    assert_eq!(bad.code, Some(2));
    assert!(
        bad.stderr.contains("-:1:1: apiVersion is missing"),
        "{}",
        bad.stderr
    );
    let bad = run(
        &["provision", "-f", "/nonexistent/team.yaml", "--dry-run"],
        b"",
    );
    assert_eq!(bad.code, Some(2));
    assert!(
        bad.stderr.contains("cannot read /nonexistent/team.yaml"),
        "{}",
        bad.stderr
    );
    let bad = with(&["--allow-rule=*:*", "--dry-run"]);
    assert_eq!(bad.code, Some(2));
    assert!(bad.stderr.contains("name each"), "{}", bad.stderr);
    let bad = with(&["--client-days=400", "--dry-run"]);
    assert_eq!(bad.code, Some(2));
}

/// No path, and no question to a cluster, is made of what is no name.
#[test]
fn what_is_no_name_of_a_team_is_refused_at_once() {
    let long = "a".repeat(64);
    for words in [
        &["configure", "--user=ada", "--team", "../../etc"][..],
        &["configure", "--check", "--team", &long],
        &["provision", "status", &long],
        &["provision", "rotate", "a/b"],
        &["provision", "renew", "a,b"],
        &["deprovision", &long],
        &[
            "provision",
            &long,
            "--tiller-namespace=t",
            "--target-namespace=r",
        ],
    ] {
        let bad = run(words, b"");
        assert_eq!(bad.code, Some(2), "{}", bad.stderr);
        let told = "is a DNS label: at most 63 lower-case letters, digits and dashes";
        let told = bad.stderr.contains(told) || bad.stderr.contains("is not a DNS label");
        assert!(told, "{}", bad.stderr);
    }
}

#[test]
fn what_is_no_image_is_refused_at_once() {
    for image in ["not an image", "ghcr.io/x/Guard:1", "x:", "@", "a//b"] {
        let option = format!("--image={image}");
        let bad = run(&["install", &option], b"");
        assert_eq!(bad.code, Some(2), "{image}");
        assert!(bad.stderr.contains("is not an image"), "{}", bad.stderr);
    }
    let good = ["install", "-o=yaml", "--kubernetes=1.20", "--image"];
    for image in [
        "localhost:5000/guard",
        "REGISTRY.example.com:443/a/guard:v1",
    ] {
        let good = run(&[&good[..], &[image]].concat(), b"");
        assert_eq!(good.code, Some(0), "{}", good.stderr);
    }
}

#[test]
fn a_ca_in_a_folder_is_made_once_and_stays_out_of_the_output() {
    let folder = Folder::new();
    let option = format!("--ca-dir={}", folder.path());
    let first = with(&[&option, "-o", "json"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let home = Path::new(&folder.path()).join("blue");
    assert_eq!(mode(&home), 0o700);
    assert_eq!(mode(&home.join("ca-key.pem")), 0o600);
    let read = || {
        (
            fs::read(home.join("ca.pem")).unwrap(),
            fs::read(home.join("ca-key.pem")).unwrap(),
        )
    };
    let (certificate, key) = read();
    let ca = TeamCa::read(&certificate, &key).unwrap();
    let second = with(&[&option, "-o", "json"]);
    assert_eq!(read(), (certificate, key));
    for run in [first, second] {
        let list = run.json();
        let items = list["items"].as_array().unwrap();
        assert!(
            items
                .iter()
                .all(|item| item["metadata"]["name"] != "team-blue-ca")
        );
        let team = items
            .iter()
            .find(|item| item["kind"] == "ConfigMap")
            .unwrap();
        let fingerprint = ca.certificate().fingerprint().to_string();
        assert_eq!(team["data"]["ca-fingerprint"], fingerprint);
    }
    fs::remove_file(home.join("ca-key.pem")).unwrap();
    let half = with(&[&option, "-o", "json"]);
    assert_eq!(half.code, Some(2));
    assert!(
        half.stderr.contains("has ca.pem and no ca-key.pem"),
        "{}",
        half.stderr
    );
}

#[test]
fn bundles_are_written_for_their_owner_alone_and_not_over_others() {
    let folder = Folder::new();
    let ca = format!("--ca-dir={}/ca", folder.path());
    let option = format!("--bundle-dir={}/bundles", folder.path());
    let first = with(&[&ca, &option, "-o", "json"]);
    assert_eq!(first.code, Some(0), "{}", first.stderr);
    let home = Path::new(&folder.path()).join("bundles/blue/user-ada-example-com-fbbea8726381c093");
    assert_eq!(mode(&home), 0o700);
    for name in ["ca.pem", "cert.pem", "key.pem", "env"] {
        assert_eq!(mode(&home.join(name)), 0o600, "{name}");
    }
    let read = |name: &str| fs::read(home.join(name)).unwrap();
    let issued = Issued::read(&read("cert.pem"), &read("key.pem")).unwrap();
    assert_eq!(issued.certificate.holder().name, "ada@example.com");
    assert!(
        Certificate::read(&read("ca.pem"))
            .unwrap()
            .has_issued(&issued.certificate)
    );
    let environment = String::from_utf8(read("env")).unwrap();
    assert!(environment.contains(&format!("export HELM_HOME='{}'", home.display())));

    // What was written here gives way to what takes its place; what somebody has changed does not.
    let second = with(&[&ca, &option, "-o", "json"]);
    assert_eq!(second.code, Some(0), "{}", second.stderr);
    let newer = Issued::read(&read("cert.pem"), &read("key.pem")).unwrap();
    assert_ne!(newer.certificate, issued.certificate);
    fs::write(home.join("cert.pem"), "mine").unwrap();
    let third = with(&[&ca, &option, "-o", "json"]);
    assert_eq!(third.code, Some(2));
    let told = "cert.pem already exists with other content; --force replaces it";
    assert!(third.stderr.contains(told), "{}", third.stderr);
    assert_eq!(read("cert.pem"), b"mine");
    let forced = with(&[&ca, &option, "--force", "-o", "json"]);
    assert_eq!(forced.code, Some(0), "{}", forced.stderr);
    let other = Issued::read(&read("cert.pem"), &read("key.pem")).unwrap();
    assert_ne!(other.certificate, issued.certificate);
    // Nothing was left aside: the four, and the record of them.
    assert_eq!(fs::read_dir(&home).unwrap().count(), 5);
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = Folder::new();
    let ca = format!("--ca-dir={}/ca", folder.path());
    let option = format!("--bundle-dir={}/bundles", folder.path());
    let run = with(&[&ca, &option, "--dry-run"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// All but the team's own registration is judged with knowledge of the rest of the manifest.
#[test]
fn what_is_printed_passes_check() {
    let printed = with(&[
        "--group=on-call",
        "--allow-rule=get:pods/exec",
        "-o",
        "yaml",
    ]);
    let checked = run(&["check", "-o", "json", "-"], printed.stdout.as_bytes());
    let report = checked.json();
    assert_eq!(checked.code, Some(0), "{report:#}");
    assert_eq!(report["objects"].as_array().unwrap().len(), 24);
    // A target that is not the team's is found.
    let other = printed
        .stdout
        .replace("target-namespaces: blue", "target-namespaces: green");
    let checked = run(&["check", "-"], other.as_bytes());
    assert_eq!(checked.code, Some(1));
    assert!(
        checked.stdout.contains("binding-scope"),
        "{}",
        checked.stdout
    );
}
