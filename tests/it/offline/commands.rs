//! What is the same for all commands: files, pipes, colours, values, and the small commands.

use std::process::{Command, Stdio};

use super::{Folder, data, run, run_with};

fn tiller() -> String {
    data("../../docs/examples/tiller.yaml")
}

/// A shell runs this, with the program as `$TG` and a manifest as `$FILE`.
fn shell(script: &str) -> (Option<i32>, String) {
    let output = Command::new("bash")
        .args(["-c", script])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("TG", env!("CARGO_BIN_EXE_tiller-guard"))
        .env("FILE", tiller())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// `true` reads nothing, and the pipe is closed before it is written to.
#[test]
fn a_reader_that_has_seen_enough_does_not_make_findings_a_yes() {
    for (command, expected) in [
        ("check $FILE", "1"),
        ("check -o json $FILE", "1"),
        ("check $FILE /nowhere.yaml", "3"),
        ("harden $FILE", "0"),
        ("harden $FILE /nowhere.yaml", "3"),
        ("explain", "0"),
        ("completion zsh", "0"),
    ] {
        let script =
            format!("{{ sleep 0.3; $TG {command} 2>/dev/null; echo $? >&2; }} | true; sleep 0.6");
        let (_, said) = shell(&script);
        assert_eq!(said.trim(), expected, "{command}");
    }
    let (code, said) = shell("set -o pipefail; $TG check $FILE | head -n 1");
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn files_are_named_as_kubectl_names_them() {
    let file = tiller();
    let plain = run(&["check", &file], b"");
    for words in [
        vec!["check", "-f", &file],
        vec!["check", "--filename", &file],
    ] {
        let run = run(&words, b"");
        assert_eq!((run.code, &run.stdout), (Some(1), &plain.stdout));
    }
    // A file that is named twice is read once.
    let both = run(&["check", &file, "-f", &file, "-f", "-"], b"");
    assert!(
        both.stdout.contains("2 objects, 1 Tiller:"),
        "{}",
        both.stdout
    );
    let hardened = run(&["harden", "-f", &file], b"");
    assert_eq!(hardened.code, Some(0));
    let none = run(&["check"], b"");
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("FILE"), "{}", none.stderr);
}

#[test]
fn colours_follow_the_environment() {
    let file = tiller();
    for (environment, coloured) in [
        (&[][..], false),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR", "1")], false),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[("CLICOLOR_FORCE", "0")], false),
    ] {
        let run = run_with(&["check", &file], b"", environment);
        assert_eq!(run.stdout.contains('\u{1b}'), coloured, "{environment:?}");
    }
}

#[test]
fn findings_come_worst_first_and_with_their_pages() {
    let report = run(&["check", "-o", "json", &tiller()], b"").json();
    let findings = report["objects"][0]["findings"].as_array().unwrap();
    let severities: Vec<&str> = findings
        .iter()
        .map(|it| it["severity"].as_str().unwrap())
        .collect();
    let mut sorted = severities.clone();
    sorted.sort_by_key(|it| {
        ["critical", "high", "medium", "low"]
            .iter()
            .position(|at| at == it)
    });
    assert_eq!(severities, sorted);
    for finding in findings {
        let page = finding["documentation"].as_str().unwrap();
        let rule = finding["rule"].as_str().unwrap();
        assert!(page.ends_with(&format!("/docs/rules/{rule}.md")), "{page}");
    }
}

#[test]
fn rules_are_explained() {
    let page = run(&["explain", "release-storage"], b"");
    assert_eq!(page.code, Some(0));
    let file = data("../../docs/rules/release-storage.md");
    assert_eq!(page.stdout, std::fs::read_to_string(file).unwrap());
    let list = run(&["explain"], b"");
    assert!(
        list.stdout.contains("\nrelease-storage "),
        "{}",
        list.stdout
    );
    let unknown = run(&["explain", "relase-storage"], b"");
    assert_eq!(unknown.code, Some(2));
    assert_eq!(
        unknown.stderr,
        "error: there is no rule \"relase-storage\"; `tiller-guard explain` lists all rules\n"
    );
}

#[test]
fn the_version_needs_no_cluster() {
    let version = env!("CARGO_PKG_VERSION");
    let client = run(&["version", "--client"], b"");
    assert_eq!(
        (client.code, client.stdout),
        (Some(0), format!("client  v{version}\n"))
    );
    // The environment is empty: there is neither a kubeconfig nor a pod's service account.
    let nowhere = run(&["version", "-o", "json"], b"");
    assert_eq!(nowhere.code, Some(0), "{}", nowhere.stderr);
    assert_eq!(nowhere.json()["client"], version);
    assert!(nowhere.json()["cluster"].is_null());
    let kubeconfig = Folder::new().file("none", "");
    let bad = run(&["version", "--kubeconfig", &kubeconfig], b"");
    assert_eq!(bad.code, Some(2), "{}", bad.stdout);
}

#[test]
fn shells_read_their_completions() {
    let (code, said) = shell("source <($TG completion bash) && complete -p tiller-guard");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("tiller-guard"), "{said}");
    for shell in ["zsh", "fish"] {
        let script = run(&["completion", shell], b"");
        assert_eq!(script.code, Some(0));
        for command in ["check", "harden", "provision", "explain"] {
            assert!(script.stdout.contains(command), "{shell} {command}");
        }
    }
    let other = run(&["completion", "tcsh"], b"");
    assert_eq!(other.code, Some(2));
    assert!(other.stderr.contains("bash, zsh, fish"), "{}", other.stderr);
}

#[test]
fn a_mistyped_subcommand_is_no_team() {
    let typed = run(&["provision", "lits", "-o", "yaml"], b"");
    assert_eq!(typed.code, Some(2));
    let error = "error: the namespaces of team \"lits\" are not known, since the cluster is not read: did you mean list? Use --diff";
    assert!(typed.stderr.starts_with(error), "{}", typed.stderr);
    let typed = run(&["provision", "grnat", "blue", "--user=ada"], b"");
    assert_eq!(typed.code, Some(2), "{}", typed.stderr);
}

#[test]
fn bad_values_are_refused_with_what_is_allowed() {
    let file = tiller();
    for (words, allowed) in [
        (&["check", "-o", "xml", &file][..], "text, json"),
        (&["check", "--version-floor=2", &file], "2.16.12"),
        (
            &["serve", "--drain-delay=soon"],
            "expected a duration such as 30s, 5m or 1h30m",
        ),
        (&["install", "--audit-interval=2y"], "expected 1s to 365d"),
        (&["check", "--color=red", &file], "auto, always, never"),
        (&["audit", "--as-group=admins"], "--as <USER>"),
        (&["serve", "--listen=8443"], "expected IP:PORT"),
        (&["serve", "--workers=0"], "1..=256"),
        (
            &["serve", "--log-level=loud"],
            "error, warn, info, debug, trace",
        ),
        (&["install", "--replicas=0"], "1..=32"),
        (
            &["install", "-o", "yaml", "--kubernetes=1.9"],
            "1.10 or newer",
        ),
        (&["install", "--dry-run=maybe"], "client, server"),
        (&["uninstall", "--dry-run=maybe"], "client, server"),
        (&["provision", "blue", "--client-days=0"], "1..=365"),
    ] {
        let run = run(words, b"");
        assert_eq!(run.code, Some(2), "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains(allowed), "{words:?}: {}", run.stderr);
    }
}

/// What is said on the command line counts more than the environment.
#[test]
fn colours_are_used_when_the_option_says_so() {
    for (command, coloured) in [
        ("$TG check --color=always $FILE", true),
        ("NO_COLOR=1 $TG check --color=always $FILE", true),
        ("CLICOLOR_FORCE=1 $TG check --color=never $FILE", false),
        ("CLICOLOR_FORCE=1 $TG check $FILE", true),
        ("$TG check $FILE", false),
        ("$TG check --color=auto $FILE", false),
    ] {
        let (_, said) = shell(command);
        assert_eq!(said.contains('\u{1b}'), coloured, "{command}: {said}");
    }
}

/// Options that mean nothing for a command are not in its help.
#[test]
fn help_has_only_what_counts() {
    for (command, absent) in [
        (&["provision", "list"][..], "--ca-days"),
        (&["provision", "status"], "--protected-namespace"),
        (&["provision", "certs"], "--bundle-dir"),
        (&["doctor"], "--replicas"),
        (&["doctor"], "--image"),
    ] {
        let help = run(&[command, &["--help"]].concat(), b"").stdout;
        assert!(!help.contains(absent), "{command:?} {absent}");
    }
}
