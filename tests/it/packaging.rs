//! What is in the repository for other programs: the GitHub Action, the GitLab job, the pre-commit hooks and the manifest for krew.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::offline::Folder;

const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));
const PROGRAM: &str = env!("CARGO_BIN_EXE_tiller-guard");

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&fs::read_to_string(repository().join(name)).unwrap()).unwrap()
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// A folder like the one of a release: the program's archive and its sum.
fn release() -> (Folder, String) {
    let folder = Folder::new();
    let of_version = PathBuf::from(folder.path()).join(VERSION);
    fs::create_dir_all(&of_version).unwrap();
    let name = format!(
        "tiller-guard-{VERSION}-{}-unknown-linux-musl.tar.gz",
        std::env::consts::ARCH
    );
    let script =
        format!("tar -czf {name} -C \"$1\" tiller-guard && sha256sum {name} >{name}.sha256");
    let made = Command::new("bash")
        .args(["-ec", &script, "make"])
        .arg(Path::new(PROGRAM).parent().unwrap())
        .current_dir(&of_version)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", said(&made));
    let url = format!("file://{}", folder.path());
    (folder, url)
}

/// The step of the Action in a folder with one manifest.
fn action(work: &Folder, environment: &[(&str, &str)]) -> Output {
    work.file(
        "tiller.yaml",
        fs::read(repository().join("docs/examples/tiller.yaml")).unwrap(),
    );
    Command::new(repository().join("packaging/action.sh"))
        .current_dir(work.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("RUNNER_TEMP", format!("{}/runner", work.path()))
        .env("GITHUB_OUTPUT", format!("{}/output", work.path()))
        .env("GITHUB_STEP_SUMMARY", format!("{}/summary", work.path()))
        .env("TILLER_GUARD_VERSION", VERSION)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn the_action_annotates_summarises_and_writes_sarif() {
    let (release, url) = release();
    let work = Folder::new();
    let checked = action(
        &work,
        &[
            ("TILLER_GUARD_RELEASES", &url),
            ("TILLER_GUARD_PATHS", "tiller.yaml"),
        ],
    );
    assert_eq!(checked.status.code(), Some(1), "{}", said(&checked));
    assert!(
        said(&checked).contains("::error file=tiller.yaml,line="),
        "{}",
        said(&checked)
    );
    let read = |name: &str| fs::read_to_string(format!("{}/{name}", work.path())).unwrap();
    let sarif: Value = serde_json::from_str(&read("tiller-guard.sarif")).unwrap();
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
    assert_eq!(read("output"), "sarif=tiller-guard.sarif\n");
    assert!(read("summary").starts_with("### tiller-guard\n    tiller.yaml:2: Deployment"));
    // Nothing of that severity fails, and what is left out is not read.
    let left_out = action(
        &work,
        &[
            ("TILLER_GUARD_RELEASES", &url),
            ("TILLER_GUARD_EXCLUDE", "tiller.yaml *.tmp"),
        ],
    );
    assert_eq!(left_out.status.code(), Some(3), "{}", said(&left_out));
    drop(release);
}

#[test]
fn the_action_runs_no_program_with_another_sum() {
    let (release, url) = release();
    for sum in fs::read_dir(format!("{}/{VERSION}", release.path())).unwrap() {
        let path = sum.unwrap().path();
        if path.extension().is_some_and(|it| it == "sha256") {
            let text = fs::read_to_string(&path).unwrap();
            let (_, name) = text.split_once(' ').unwrap();
            fs::write(&path, format!("{} {name}", "0".repeat(64))).unwrap();
        }
    }
    let work = Folder::new();
    let refused = action(&work, &[("TILLER_GUARD_RELEASES", &url)]);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(
        said(&refused).contains("differs from the published one"),
        "{}",
        said(&refused)
    );
    let wrong = action(&work, &[("TILLER_GUARD_VERSION", "v1.0.0/../x")]);
    assert!(
        said(&wrong).contains("must look like v1.2.3"),
        "{}",
        said(&wrong)
    );
}

#[test]
fn the_job_of_gitlab_writes_junit() {
    let job = &yaml("packaging/gitlab.yml")[".tiller-guard"];
    let (release, url) = release();
    let work = Folder::new();
    work.file(
        "tiller.yaml",
        fs::read(repository().join("docs/examples/tiller.yaml")).unwrap(),
    );
    let lines = job["script"].as_array().unwrap().iter();
    let script: Vec<&str> = lines.map(|it| it.as_str().unwrap()).collect();
    let variables = job["variables"].as_object().unwrap().iter();
    let run = Command::new("bash")
        .args(["-ec", &script.join("\n")])
        .current_dir(work.path())
        .envs(variables.map(|(name, value)| (name, value.as_str().unwrap())))
        .env("TILLER_GUARD_RELEASES", &url)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", said(&run));
    let report = job["artifacts"]["reports"]["junit"].as_str().unwrap();
    let junit = fs::read_to_string(format!("{}/{report}", work.path())).unwrap();
    assert!(junit.contains("<failure type=\"critical\""), "{junit}");
    drop(release);
}

#[test]
fn the_hooks_check_the_files_that_they_are_given() {
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hooks = hooks.as_array().unwrap();
    assert_eq!(hooks.len(), 2);
    for hook in hooks {
        let entry = hook["entry"].as_str().unwrap();
        let words: Vec<&str> = entry.split(' ').skip(1).collect();
        let mut with_tiller = words.clone();
        with_tiller.extend(["docs/examples/tiller.yaml", "action.yml"]);
        assert_eq!(
            crate::offline::run(&with_tiller, b"").code,
            Some(1),
            "{entry}"
        );
        let mut without = words;
        without.push(".github/workflows/release.yaml");
        let run = crate::offline::run(&without, b"");
        assert_eq!(run.code, Some(0), "{}{}", run.stderr, run.stdout);
    }
}

#[test]
fn the_manifest_for_krew_names_archives_and_sums() {
    let folder = Folder::new();
    for (architecture, digit) in [("x86_64", "a"), ("aarch64", "b")] {
        let name = format!("tiller-guard-v9.8.7-{architecture}-unknown-linux-musl.tar.gz");
        folder.file(
            &format!("{name}.sha256"),
            format!("{}  {name}\n", digit.repeat(64)),
        );
    }
    let filled = Command::new(repository().join("packaging/krew.sh"))
        .args(["v9.8.7", &folder.path()])
        .output()
        .unwrap();
    assert!(filled.status.success(), "{}", said(&filled));
    let manifest: Value = serde_saphyr::from_str(&said(&filled)).unwrap();
    assert_eq!(manifest["spec"]["version"], "v9.8.7");
    for (index, digit, architecture) in [(0, "a", "amd64"), (1, "b", "arm64")] {
        let platform = &manifest["spec"]["platforms"][index];
        assert_eq!(platform["selector"]["matchLabels"]["arch"], architecture);
        assert_eq!(platform["sha256"], digit.repeat(64));
        let uri = platform["uri"].as_str().unwrap();
        assert!(
            uri.contains("/v9.8.7/tiller-guard-v9.8.7-") && !uri.contains("VERSION"),
            "{uri}"
        );
        // What is in the archive is what the workflow packs.
        let workflow =
            fs::read_to_string(repository().join(".github/workflows/release.yaml")).unwrap();
        for file in platform["files"].as_array().unwrap() {
            assert!(
                workflow.contains(&format!(" {}", file["from"].as_str().unwrap())),
                "{file}"
            );
        }
    }
}

#[test]
fn a_plugin_of_kubectl_is_called_as_one() {
    let folder = Folder::new();
    let plugin = format!("{}/kubectl-tiller_guard", folder.path());
    symlink(PROGRAM, &plugin).unwrap();
    let help = Command::new(&plugin)
        .args(["audit", "--help"])
        .output()
        .unwrap();
    assert!(
        said(&help).contains("Usage: kubectl tiller-guard audit [OPTIONS]"),
        "{}",
        said(&help)
    );
    let wrong = Command::new(&plugin).arg("--wrong").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        said(&wrong).contains("Usage: kubectl tiller-guard <COMMAND>"),
        "{}",
        said(&wrong)
    );
    let plain = Command::new(PROGRAM)
        .args(["audit", "--help"])
        .output()
        .unwrap();
    assert!(
        said(&plain).contains("Usage: tiller-guard audit [OPTIONS]"),
        "{}",
        said(&plain)
    );
}

#[test]
fn what_downloads_takes_this_version() {
    assert_eq!(yaml("action.yml")["inputs"]["version"]["default"], VERSION);
    assert_eq!(
        yaml("packaging/gitlab.yml")[".tiller-guard"]["variables"]["TILLER_GUARD_VERSION"],
        VERSION
    );
    let page = fs::read_to_string(repository().join("docs/ci.md")).unwrap();
    for named in page.match_indices("v0.").map(|(at, _)| &page[at..]) {
        assert!(named.starts_with(VERSION), "{}", &named[..10]);
    }
}
