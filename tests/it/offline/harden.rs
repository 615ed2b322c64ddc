//! What `harden` prints of manifests without Tillers: themselves.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use super::{Folder, SERVICE, run};

#[test]
fn what_needs_no_hardening_is_printed_byte_for_byte() {
    let text = "# licence\n---\n# a service\r\napiVersion: v1\nkind: Service   # odd   spaces\n\
                metadata: {name: \"x\"}\n--- # two\n# empty\n---\napiVersion: v1\nkind: ConfigMap\n...\n";
    let harden = run(&["harden", "-"], text.as_bytes());
    assert_eq!(harden.code, Some(0), "{}", harden.stderr);
    assert_eq!(harden.stdout, text);
    assert_eq!(harden.stderr, "");
}

#[test]
fn files_follow_one_another_with_separators() {
    let folder = Folder::new();
    let one = folder.file("1.yaml", SERVICE.trim_end());
    let two = folder.file("2.yaml", format!("---\n{SERVICE}...\n"));
    let three = folder.file(
        "3.json",
        r#"{"apiVersion":"v1","kind":"Service","x":"0444"}"#,
    );
    let four = folder.file("4.yaml", format!("%YAML 1.1\n---\n{SERVICE}"));
    let harden = run(&["harden", &one, &two, &three, &four], b"");
    assert_eq!(harden.code, Some(0), "{}", harden.stderr);
    let expected = format!(
        "{SERVICE}---\n{SERVICE}...\n---\napiVersion: v1\nkind: Service\nx: \"0444\"\n...\n%YAML 1.1\n---\n{SERVICE}"
    );
    assert_eq!(harden.stdout, expected);
}

#[test]
fn json_of_one_is_an_object_and_of_several_a_list() {
    let one = run(&["harden", "-", "-o", "json"], SERVICE.as_bytes());
    assert_eq!(one.code, Some(0));
    assert_eq!(one.json()["kind"], "Service");

    let text = format!(
        "{SERVICE}---\napiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Pod2}}\n"
    );
    let several = run(&["harden", "-", "-o", "json"], text.as_bytes()).json();
    assert_eq!(several["kind"], "List");
    assert_eq!(several["apiVersion"], "v1");
    assert_eq!(several["items"][0]["kind"], "Service");
    assert_eq!(
        several["items"][1],
        json!({"apiVersion": "v1", "kind": "Pod2"})
    );
    assert_eq!(
        run(&["harden", "-", "-o", "json"], b"").json()["items"],
        json!([])
    );
}

#[test]
fn what_cannot_be_read_is_left_out_and_told() {
    let text = format!("{SERVICE}---\na: [\n---\n{SERVICE}---\nhello\n");
    let harden = run(&["harden", "-"], text.as_bytes());
    assert_eq!(harden.code, Some(3));
    assert_eq!(harden.stdout, format!("{SERVICE}---\n{SERVICE}"));
    assert!(
        harden.stderr.contains("document 2 cannot be read"),
        "{}",
        harden.stderr
    );
    assert!(
        harden.stderr.contains("-:15:1: document 4 cannot be read"),
        "{}",
        harden.stderr
    );
}

#[test]
fn keys_that_stand_twice_are_written_once() {
    let text = "apiVersion: v1\nkind: ConfigMap # c\ndata: {a: one}\ndata: {a: two}\n";
    let harden = run(&["harden", "-"], text.as_bytes());
    assert_eq!(harden.code, Some(0));
    assert_eq!(
        harden.stdout,
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  a: two\n"
    );
    let diff = run(&["harden", "-", "--diff"], text.as_bytes()).stdout;
    assert!(
        diff.starts_with("--- -\n+++ -\n@@ -1,4 +1,4 @@\n"),
        "{diff}"
    );
    assert!(diff.contains("-data: {a: one}\n"), "{diff}");
}

#[test]
fn patches_of_one_and_of_several() {
    let one = run(&["harden", "-", "--patch"], SERVICE.as_bytes());
    assert_eq!(one.json(), json!([]));
    let text = format!("{SERVICE}---\n{SERVICE}");
    let several = run(&["harden", "-", "--patch"], text.as_bytes());
    let entry = |document: u32| {
        json!({"file": "-", "document": document, "kind": "Service", "namespace": "team",
            "name": "web", "patch": []})
    };
    assert_eq!(several.json(), json!([entry(1), entry(2)]));
    assert_eq!(run(&["harden", "-", "--diff"], text.as_bytes()).stdout, "");
}

#[test]
fn files_are_hardened_in_place() {
    let folder = Folder::new();
    let tiller = "# our Tiller\napiVersion: v1\nkind: Pod\nmetadata: {name: tiller, namespace: blue}\nspec:\n  \
                  serviceAccountName: tiller\n  containers:\n  - name: tiller\n    image: ghcr.io/helm/tiller:v2.17.0\n    \
                  args: [--storage=configmap] # for now\n";
    let text = format!("# first\n---\n{SERVICE}---\n{tiller}");
    let file = folder.file("tiller.yaml", &text);
    let other = folder.file("service.yaml", SERVICE);
    let (link, mode) = (format!("{}/link.yaml", folder.path()), 0o640);
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    let printed = run(&["harden", &file], b"");
    let written = run(&["harden", "--write", &link, &other], b"");
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    assert_eq!(written.stdout, format!("hardened {link}\n"));
    let hardened = fs::read_to_string(&file).unwrap();
    assert_eq!(hardened, printed.stdout);
    assert!(
        hardened.starts_with(&format!("# first\n---\n{SERVICE}---\n# our Tiller\n")),
        "{hardened}"
    );
    assert!(hardened.contains("args: # for now\n"), "{hardened}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        mode
    );
    assert_eq!(fs::read_to_string(&other).unwrap(), SERVICE);
    let again = run(&["harden", "--write", &file], b"");
    assert_eq!((again.code, again.stdout.as_str()), (Some(0), ""));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn what_cannot_be_read_stays_in_its_file() {
    let folder = Folder::new();
    let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: tiller, namespace: blue}\nspec:\n  containers:\n  - name: tiller\n    \
                image: ghcr.io/helm/tiller:v2.17.0\n---\nkind: [\n";
    let file = folder.file("tiller.yaml", text);
    let written = run(&["harden", "--write", &file], b"");
    assert_eq!(written.code, Some(3), "{}", written.stderr);
    let hardened = fs::read_to_string(&file).unwrap();
    assert!(
        hardened.ends_with("---\nkind: [\n") && hardened.contains("--storage=secret"),
        "{hardened}"
    );
    let standard = run(&["harden", "--write", "-"], text.as_bytes());
    assert_eq!(standard.code, Some(2), "{}", standard.stderr);
}

/// A file that cannot be written keeps no other from being hardened.
#[test]
fn files_that_cannot_be_written_are_named_and_the_others_are_written() {
    let folder = Folder::new();
    let tiller = "apiVersion: v1\nkind: Pod\nmetadata: {name: tiller, namespace: blue}\nspec:\n  containers:\n  - name: tiller\n    \
                  image: ghcr.io/helm/tiller:v2.17.0\n";
    let compressed = folder.file("a.yaml", tiller);
    let plain = folder.file("s.yaml", SERVICE);
    for file in [&compressed, &plain] {
        assert!(Command::new("gzip").arg(file).status().unwrap().success());
    }
    let broken = folder.file("b.yaml", [tiller.as_bytes(), b"---\na: \xff\n"].concat());
    let whole = folder.file("z.yaml", tiller);
    let written = run(&["harden", "--write", &folder.path()], b"");
    assert_eq!(written.code, Some(2), "{}", written.stderr);
    assert_eq!(written.stdout, format!("hardened {whole}\n"));
    for (file, why) in [
        (format!("{compressed}.gz"), "it is compressed"),
        (broken.clone(), "some of its bytes are no text"),
    ] {
        let told = format!("error: --write cannot change {file}: {why}\n");
        assert!(written.stderr.contains(&told), "{told}\n{}", written.stderr);
    }
    assert!(!written.stderr.contains("s.yaml.gz"), "{}", written.stderr);
    assert!(fs::read(&broken).unwrap().ends_with(b"a: \xff\n"));
    assert!(!fs::read_to_string(&broken).is_ok_and(|it| it.contains("--storage=secret")));
    let hardened = fs::read_to_string(&whole).unwrap();
    assert!(hardened.contains("--storage=secret"), "{hardened}");
}

#[test]
fn a_file_keeps_its_encoding() {
    let folder = Folder::new();
    let tiller = "\u{feff}apiVersion: v1\nkind: Pod\nmetadata: {name: tiller, namespace: blue}\nspec:\n  serviceAccountName: tiller\n  containers:\n  - name: tiller\n    \
                  image: ghcr.io/helm/tiller:v2.17.0\n";
    let wide: Vec<u8> = tiller.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = folder.file("marked.yaml", tiller);
    let wide = folder.file("wide.yaml", wide);
    let written = run(&["harden", "--write", &marked, &wide], b"");
    assert_eq!(written.code, Some(0), "{}", written.stderr);
    let hardened = fs::read_to_string(&marked).unwrap();
    assert!(hardened.starts_with("\u{feff}apiVersion"), "{hardened:?}");
    assert!(hardened.contains("--storage=secret"), "{hardened}");
    let units: Vec<u16> = fs::read(&wide)
        .unwrap()
        .chunks(2)
        .map(|it| u16::from_le_bytes([it[0], it[1]]))
        .collect();
    assert_eq!(String::from_utf16(&units).unwrap(), hardened);
}
