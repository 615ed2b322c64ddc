//! What is in the repository for other programs: the GitHub Action, the GitLab job, the pre-commit hooks and the manifest for krew.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::offline::Folder;
use crate::offline::schemas::TOOLS;

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

/// Runs the step of the Action in a folder with one manifest, as GitHub's runner does: with these inputs, and the defaults of the others.
fn action(work: &Folder, inputs: &[(&str, &str)], releases: &str) -> Output {
    work.file("tiller.yaml", example());
    let action = yaml("action.yml");
    let [step] = action["runs"]["steps"].as_array().unwrap().as_slice() else {
        panic!("{action}");
    };
    let evaluated = |value: &Value| {
        let text = value.as_str().unwrap();
        let name = text
            .strip_prefix("${{ inputs.")
            .and_then(|it| it.strip_suffix(" }}"));
        let name = name.unwrap_or_else(|| panic!("{text}"));
        let given = inputs.iter().find(|(given, _)| *given == name);
        let default = action["inputs"][name]["default"].as_str();
        given.map_or_else(|| default.unwrap(), |it| it.1).to_owned()
    };
    let environment = step["env"].as_object().unwrap().iter();
    assert_eq!(step["shell"], "bash");
    Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c"])
        .arg(step["run"].as_str().unwrap())
        .current_dir(work.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("RUNNER_TEMP", format!("{}/runner", work.path()))
        .env("GITHUB_ACTION_PATH", repository())
        .env("GITHUB_OUTPUT", format!("{}/output", work.path()))
        .env("GITHUB_STEP_SUMMARY", format!("{}/summary", work.path()))
        .env("TILLER_GUARD_RELEASES", releases)
        .envs(environment.map(|(name, value)| (name, evaluated(value))))
        .output()
        .unwrap()
}

/// An unhardened Tiller.
fn example() -> Vec<u8> {
    fs::read(repository().join("docs/examples/tiller.yaml")).unwrap()
}

#[test]
fn the_action_annotates_summarises_and_writes_sarif() {
    let (release, url) = release();
    let work = Folder::new();
    let checked = action(&work, &[("paths", "tiller.yaml")], &url);
    assert_eq!(checked.status.code(), Some(1), "{}", said(&checked));
    assert!(
        said(&checked).contains("::error file=tiller.yaml,line="),
        "{}",
        said(&checked)
    );
    let read = |name: &str| fs::read_to_string(format!("{}/{name}", work.path())).unwrap();
    let sarif: Value = serde_json::from_str(&read("tiller-guard.sarif")).unwrap();
    assert!(!sarif["runs"][0]["results"].as_array().unwrap().is_empty());
    let step = &yaml("action.yml")["outputs"]["sarif"]["value"];
    assert_eq!(step, "${{ steps.check.outputs.sarif }}");
    assert_eq!(read("output"), "sarif=tiller-guard.sarif\n");
    assert!(read("summary").starts_with("### tiller-guard\n    tiller.yaml:2: Deployment"));
    // Nothing of that severity fails, and what is left out is not read.
    let left_out = action(&work, &[("exclude", "tiller.yaml *.tmp")], &url);
    assert_eq!(left_out.status.code(), Some(3), "{}", said(&left_out));
    // What is known does not fail.
    let file = format!("{}/tiller.yaml", work.path());
    let known = crate::offline::run(&["check", &file, "-o", "json"], b"");
    let baseline = work.file("known.json", known.stdout);
    let inputs = [("paths", "tiller.yaml"), ("baseline", &baseline)];
    let passed = action(&work, &inputs, &url);
    assert_eq!(passed.status.code(), Some(0), "{}", said(&passed));
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
    let refused = action(&work, &[], &url);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(
        said(&refused).contains("differs from the published one"),
        "{}",
        said(&refused)
    );
    let wrong = action(&work, &[("version", "v1.0.0/../x")], &url);
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
    work.file("tiller.yaml", example());
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

/// A folder as a repository of git's, with all that is in it committed. The commit's name.
fn committed(folder: &Folder) -> String {
    let script = "git init --quiet . && git add . && \
                  git -c user.name=test -c user.email=test@example.com commit --quiet --message=all && git rev-parse HEAD";
    let made = Command::new("bash")
        .args(["-ec", script])
        .current_dir(folder.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", said(&made));
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

/// The hook that uses an installed program: the other one compiles the same for minutes.
#[test]
fn pre_commit_runs_the_hook_on_what_is_committed() {
    let hooks = Folder::new();
    let text = fs::read(repository().join(".pre-commit-hooks.yaml")).unwrap();
    hooks.file(".pre-commit-hooks.yaml", text);
    let revision = committed(&hooks);
    let work = Folder::new();
    let config = format!(
        "repos:\n- repo: {}\n  rev: {revision}\n  hooks:\n  - id: tiller-guard-system\n",
        hooks.path()
    );
    work.file(".pre-commit-config.yaml", config);
    work.file("README.md", "no manifest");
    work.file("deploy/tiller.yaml", example());
    committed(&work);
    let home = Folder::new();
    let programs = Path::new(PROGRAM).parent().unwrap().display().to_string();
    let run = || {
        Command::new(format!("{}/bin/pre-commit", *TOOLS))
            .args(["run", "--all-files", "--color=never"])
            .current_dir(work.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("PRE_COMMIT_HOME", home.path())
            .env("PATH", format!("{programs}:/usr/bin:/bin"))
            .output()
            .unwrap()
    };
    let failed = run();
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    for words in [
        "Check manifests for unsafe Tillers",
        "Failed",
        "deploy/tiller.yaml",
        "tls-disabled",
    ] {
        assert!(said(&failed).contains(words), "{words}: {}", said(&failed));
    }
    let file = format!("{}/deploy/tiller.yaml", work.path());
    let hardened = crate::offline::run(&["harden", "--write", &file], b"");
    assert_eq!(hardened.code, Some(0), "{}", hardened.stderr);
    let passed = run();
    assert_eq!(passed.status.code(), Some(0), "{}", said(&passed));
    assert!(said(&passed).contains("Passed"), "{}", said(&passed));
}

#[test]
fn the_files_are_what_their_programs_read() {
    let home = Folder::new();
    let tool = |name: &str, words: &[&str]| {
        let run = Command::new(format!("{}/bin/{name}", *TOOLS))
            .args(words)
            .current_dir(repository())
            .env("PRE_COMMIT_HOME", home.path())
            .output()
            .unwrap();
        assert!(run.status.success(), "{words:?}: {}", said(&run));
    };
    for (schema, file) in [
        ("vendor.github-actions", "action.yml"),
        ("vendor.github-workflows", ".github/workflows/change.yaml"),
        ("vendor.github-workflows", ".github/workflows/release.yaml"),
        ("vendor.gitlab-ci", "packaging/gitlab.yml"),
    ] {
        tool("check-jsonschema", &["--builtin-schema", schema, file]);
    }
    tool(
        "pre-commit",
        &["validate-manifest", ".pre-commit-hooks.yaml"],
    );
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
