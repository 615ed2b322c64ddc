//! What `check` reads, and how it ends.

use serde_json::json;

use super::{Folder, SERVICE, run, run_with};

#[test]
fn a_clean_manifest_exits_0() {
    let check = run(&["check", "-"], SERVICE.as_bytes());
    assert_eq!(check.code, Some(0), "{}", check.stderr);
    assert_eq!(check.stdout, "1 object, 0 Tillers: no findings\n");
    assert_eq!(check.stderr, "");
}

/// It is no Tiller, and its account has no rights that a Tiller's may not have.
#[test]
fn its_own_installation_is_clean() {
    for minor in ["1.10", "1.20", "1.36"] {
        let printed = run(&["install", "--output=yaml", "--kubernetes", minor], b"");
        assert_eq!(printed.code, Some(0), "{}", printed.stderr);
        let check = run(&["check", "-"], printed.stdout.as_bytes());
        assert_eq!(check.code, Some(0), "{minor}: {}", check.stdout);
        assert_eq!(check.stdout, "13 objects, 0 Tillers: no findings\n");
    }
}

#[test]
fn usage_errors_exit_2() {
    for arguments in [
        &["check"][..],
        &["check", "-", "-o", "xml"],
        &["check", "-", "--version-floor", "2.6.0"],
        &["harden", "-", "--diff", "--patch"],
        &["harden", "-", "--diff", "-o", "json"],
        &["frob"],
    ] {
        let check = run(arguments, b"");
        assert_eq!(check.code, Some(2), "{arguments:?}");
        assert_eq!(check.stdout, "", "{arguments:?}");
        assert!(!check.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_exit_0() {
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["check", "--help"],
        &["harden", "-h"],
    ] {
        assert_eq!(run(arguments, b"").code, Some(0), "{arguments:?}");
    }
}

#[test]
fn a_broken_document_is_told_and_the_rest_is_checked() {
    let folder = Folder::new();
    let text = format!("{SERVICE}---\napiVersion: v1\nkind: [\nname: x\n---\n{SERVICE}");
    let file = folder.file("a.yaml", text);
    let check = run(&["check", &file, "-o", "json"], b"");
    assert_eq!(check.code, Some(3));
    let report = check.json();
    assert_eq!(report["summary"]["objects"], 2);
    assert_eq!(report["summary"]["unreadable"], 1);
    assert_eq!(report["errors"][0]["file"], file.as_str());
    assert_eq!(report["errors"][0]["document"], 2);
    assert_eq!(report["errors"][0]["line"], 8);
    assert_eq!(report["objects"][1]["document"], 3);
    assert_eq!(report["objects"][1]["line"], 11);

    let check = run(&["check", &file], b"");
    assert_eq!(check.code, Some(3));
    assert!(check.stdout.contains("a.yaml:8:"), "{}", check.stdout);
    assert!(
        check
            .stdout
            .ends_with("2 objects, 0 Tillers: no findings; 1 could not be read\n")
    );
}

#[test]
fn missing_files_exit_3_and_large_ones_are_read() {
    let folder = Folder::new();
    let good = folder.file("good.yaml", SERVICE);
    let blank = vec![b'\n'; 33 << 20];
    let big = folder.file("big.yaml", [&blank, SERVICE.as_bytes()].concat());
    let missing = format!("{}/missing.yaml", folder.path());
    let check = run(&["check", &big, &missing, &good], b"");
    assert_eq!(check.code, Some(3));
    assert!(
        check
            .stdout
            .contains("missing.yaml: cannot be read: No such file")
    );
    assert!(check.stdout.contains("2 objects, "));
}

#[test]
fn windows_files_are_read() {
    let text = format!("\u{feff}{}", SERVICE.replace('\n', "\r\n"));
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [text.as_bytes(), &utf16] {
        let check = run(&["check", "-", "-o", "json"], bytes);
        assert_eq!(check.code, Some(0), "{}", check.stdout);
        assert_eq!(check.json()["objects"][0]["name"], "web");
    }
}

#[test]
fn keys_that_stand_twice_are_findings() {
    let text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  \
                metadata: {name: a}\n  data:\n    x: one\n    x: two\n";
    let check = run(&["check", "-", "-o", "json"], text.as_bytes());
    assert_eq!(check.code, Some(1));
    let page = check.json()["objects"][0]["findings"][0]["documentation"].clone();
    assert_eq!(
        check.json()["objects"],
        json!([{
            "file": "-", "document": 1, "pointer": "/items/0", "line": 4, "api_version": "v1",
            "kind": "ConfigMap", "namespace": null, "name": "a", "tillers": [],
            "findings": [{
                "rule": "duplicate-key", "severity": "medium", "path": "/data/x",
                "line": 9, "column": 5,
                "message": "\"x\" appears twice, on lines 8 and 9; the last value counts",
                "remedy": "keep one of them", "action": "harden",
                "documentation": page,
            }],
        }])
    );
    let json = "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\n\"kind\":\"ConfigMap\"}";
    let check = run(&["check", "-"], json.as_bytes());
    assert_eq!(check.code, Some(1));
    assert!(check.stdout.contains("duplicate-key"), "{}", check.stdout);
    assert!(check.stdout.contains("(line 2)"), "{}", check.stdout);
}

#[test]
fn directories_are_read_in_order() {
    let folder = Folder::new();
    folder.file("b.yaml", SERVICE.replace("web", "b"));
    folder.file("a/z.yml", SERVICE.replace("web", "z"));
    folder.file(
        "c.json",
        r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"c"}}"#,
    );
    folder.file("notes.txt", "no: [");
    let check = run(&["check", &folder.path(), "-o", "json"], b"");
    assert_eq!(check.code, Some(0), "{}", check.stdout);
    let report = check.json();
    let names: Vec<_> = (0..3)
        .map(|at| report["objects"][at]["name"].clone())
        .collect();
    assert_eq!(names, ["z", "b", "c"]);

    let empty = Folder::new();
    let check = run(&["check", &empty.path()], b"");
    assert_eq!(check.code, Some(3));
    assert!(check.stdout.contains("holds no file"));
}

#[test]
fn the_namespace_option_fills_in_only() {
    let text = format!("{SERVICE}---\napiVersion: v1\nkind: Service\nmetadata: {{name: x}}\n");
    let report = run(
        &["check", "-", "-n", "other", "-o", "json"],
        text.as_bytes(),
    )
    .json();
    assert_eq!(report["objects"][0]["namespace"], "team");
    assert_eq!(report["objects"][1]["namespace"], "other");
}

#[test]
fn colour_is_for_those_who_insist() {
    let text = "apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\n";
    let plain = run(&["check", "-"], text.as_bytes());
    assert!(!plain.stdout.contains('\u{1b}'));
    let forced = run_with(&["check", "-"], text.as_bytes(), &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.stdout.contains('\u{1b}'));
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    assert!(
        !run_with(&["check", "-"], text.as_bytes(), &both)
            .stdout
            .contains('\u{1b}')
    );
}

#[test]
fn what_an_attacker_writes_cannot_take_the_terminal() {
    let text =
        "apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\nmetadata: {name: \"x\\e[2J\\nok\"}\n";
    let check = run(&["check", "-"], text.as_bytes());
    assert!(!check.stdout.contains('\u{1b}'));
    assert!(
        check.stdout.contains("x\\u{1b}[2J\\nok"),
        "{}",
        check.stdout
    );
}
