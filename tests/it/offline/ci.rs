//! `check` where people run it: over a whole repository, in a pipeline.

use std::io::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use super::{Folder, SERVICE, run};

const TILLER: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: tiller, namespace: blue}\nspec:\n  containers:\n  - name: \
                      tiller\n    image: ghcr.io/helm/tiller:v2.17.0\n";

fn check(folder: &Folder, words: &[&str]) -> super::Run {
    run(&[&["check", &folder.path()], words].concat(), b"")
}

fn skipped(report: &Value, folder: &Folder) -> Vec<(String, String)> {
    let path = folder.path() + "/";
    let skipped = report["skipped"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().replace(&path, "");
    skipped
        .map(|it| (text(&it["file"]), text(&it["render"])))
        .collect()
}

#[test]
fn what_is_no_kubernetes_object_is_skipped_and_counted() {
    let folder = Folder::new();
    folder.file("values.yaml", "replicas: 2\nimage: {tag: v1}\n");
    folder.file(".github/workflows/ci.yml", "on: push\njobs: {}\n");
    folder.file("package.json", "{\"name\": \"x\", \"version\": \"1\"}");
    folder.file("list.yaml", "- one\n- two\n");
    folder.file(
        ".drone.yml",
        "kind: pipeline\ntype: docker\nname: default\n",
    );
    folder.file("web.yaml", SERVICE);
    let report = check(&folder, &["-o", "json"]);
    assert_eq!(report.code, Some(0), "{}", report.stdout);
    let report = report.json();
    assert_eq!(report["summary"]["objects"], 1);
    assert_eq!(report["summary"]["skipped"], 5);
    assert_eq!(report["errors"], json!([]));
    let text = check(&folder, &[]).stdout;
    assert!(
        text.ends_with("1 object, 0 Tillers: no findings; 5 skipped: not Kubernetes objects\n"),
        "{text}"
    );
}

/// Half an object is a mistake, and may be a Tiller.
#[test]
fn half_an_object_is_an_error() {
    for half in ["kind: Pod\nspec: {}\n", "apiVersion: v1\nspec: {}\n"] {
        let run = run(&["check", "-"], half.as_bytes());
        assert_eq!(run.code, Some(3), "{half}: {}", run.stdout);
        assert!(
            run.stdout.contains("it has no kind or no apiVersion"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn an_empty_input_fails_unless_it_may_be_empty() {
    for input in ["", "---\n# nothing\n", "replicas: 2\n"] {
        let failed = run(&["check", "-"], input.as_bytes());
        assert_eq!(failed.code, Some(3), "{input}");
        assert!(
            failed
                .stderr
                .contains("there is no Kubernetes object in the input; pass --allow-empty"),
            "{}",
            failed.stderr
        );
        let allowed = run(&["check", "-", "--allow-empty"], input.as_bytes());
        assert_eq!(
            (allowed.code, allowed.stderr.as_str()),
            (Some(0), ""),
            "{input}"
        );
    }
}

#[test]
fn charts_kustomizations_and_templates_name_the_command_that_renders_them() {
    let folder = Folder::new();
    folder.file(
        "chart/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    );
    folder.file(
        "chart/templates/broken.yaml",
        "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n",
    );
    folder.file(
        "loose/templates/broken.yaml",
        "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n",
    );
    folder.file(
        "chart/templates/image.yaml",
        TILLER.replace("ghcr.io/helm/tiller:v2.17.0", "\"{{ .Values.image }}\""),
    );
    folder.file(
        "env.yaml",
        TILLER
            .replace("ghcr.io/helm/tiller:v2.17.0", "${IMAGE}")
            .replace("tiller", "web"),
    );
    folder.file("base/kustomization.yaml", "resources: [pod.yaml]\n");
    folder.file(
        "prod/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\n",
    );
    let run = check(&folder, &["-o", "json"]);
    assert_eq!(run.code, Some(3));
    let report = run.json();
    assert_eq!(
        skipped(&report, &folder),
        [
            (
                "base/kustomization.yaml",
                "kubectl kustomize base | tiller-guard check -"
            ),
            (
                "chart/Chart.yaml",
                "helm template chart | tiller-guard check -"
            ),
            (
                "chart/templates/broken.yaml",
                "helm template chart | tiller-guard check -"
            ),
            (
                "prod/kustomization.yaml",
                "kubectl kustomize prod | tiller-guard check -"
            ),
        ]
        .map(|(file, render)| (file.to_owned(), render.to_owned()))
    );
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let message = errors[0]["message"].as_str().unwrap();
    let command = format!(
        "render it first: helm template {}/loose | tiller-guard check -",
        folder.path()
    );
    assert!(message.ends_with(&command), "{message}");
    let notes = report["notes"].to_string();
    assert!(
        notes.contains("image.yaml:1: Pod tiller has an image that is not filled in"),
        "{notes}"
    );
    assert!(notes.contains("env.yaml | tiller-guard check -"), "{notes}");
}

#[test]
fn patches_of_a_kustomization_are_not_judged_alone() {
    let folder = Folder::new();
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tiller-deploy}\nspec: {replicas: 2}\n";
    folder.file("k/patch.yaml", patch);
    folder.file("k/old.yaml", patch);
    folder.file("k/resource.yaml", SERVICE);
    folder.file(
        "k/kustomization.yaml",
        "resources: [./resource.yaml]\npatches: [{path: patch.yaml}, {path: resource.yaml}]\npatchesStrategicMerge: [./old.yaml]\n",
    );
    let report = check(&folder, &["-o", "json"]).json();
    let files: Vec<_> = skipped(&report, &folder)
        .into_iter()
        .map(|(file, _)| file)
        .collect();
    assert_eq!(
        files,
        ["k/kustomization.yaml", "k/old.yaml", "k/patch.yaml"]
    );
    // What is a resource too is judged.
    assert_eq!(report["objects"][0]["name"], "web");
    assert_eq!(report["summary"]["objects"], 1);
}

#[test]
fn excluded_files_are_left_out() {
    let folder = Folder::new();
    folder.file("vendor/a.yaml", TILLER);
    folder.file("x/b.tpl.yaml", "{{ broken");
    folder.file("web.yaml", SERVICE);
    let run = check(&folder, &["--exclude", "vendor", "--exclude=*.tpl.yaml"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert_eq!(run.stdout, "1 object, 0 Tillers: no findings\n");
    assert_eq!(run.stderr, "");
    let from_here = check(&folder, &["--exclude=/vendor", "--exclude=/x/*.tpl.yaml"]);
    assert_eq!(from_here.stdout, run.stdout);
    assert_eq!(from_here.stderr, "");
    folder.file("x/vendor/a.yaml", TILLER);
    let inner = check(&folder, &["--exclude=/vendor", "--exclude=*.tpl.yaml"]);
    assert_eq!(inner.code, Some(1), "{}", inner.stdout);
}

#[test]
fn a_pattern_that_leaves_out_nothing_is_reported() {
    let folder = Folder::new();
    folder.file("web.yaml", SERVICE);
    folder.file("old/a.yaml", TILLER);
    let run = check(&folder, &["--exclude=vendro", "--exclude=old"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert_eq!(run.stderr, "note: --exclude vendro leaves out nothing\n");
}

#[test]
fn an_empty_folder_is_empty() {
    let folder = Folder::new();
    let failed = check(&folder, &[]);
    assert_eq!(failed.code, Some(3));
    assert!(
        failed.stdout.contains("holds no file whose name ends in"),
        "{}",
        failed.stdout
    );
    let allowed = check(&folder, &["--allow-empty"]);
    assert_eq!((allowed.code, allowed.stderr.as_str()), (Some(0), ""));
    let missing = format!("{}/missing", folder.path());
    let missing = run(&["check", &missing, "--allow-empty"], b"");
    assert_eq!(missing.code, Some(3), "{}", missing.stdout);
}

/// `helm template` says what is wrong with them.
#[test]
fn what_cannot_be_read_of_a_charts_templates_is_skipped() {
    let folder = Folder::new();
    folder.file(
        "web/Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    );
    folder.file(
        "web/charts/sub/Chart.yaml",
        "apiVersion: v2\nname: sub\nversion: 1.0.0\n",
    );
    let if_on = "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n";
    folder.file("web/charts/sub/templates/deep/if.yaml", if_on);
    folder.file(
        "web/templates/half.yaml",
        "kind: Pod\nmetadata: {name: '{{ .Values.name }}'}\n",
    );
    let named = folder.file("web/templates/if.yaml", if_on);
    folder.file("web/templates/tiller.yaml", TILLER);
    let run = check(&folder, &["-o", "json"]);
    let report = run.json();
    assert_eq!(run.code, Some(1), "{report}");
    let sub = "helm template web/charts/sub | tiller-guard check -";
    let web = "helm template web | tiller-guard check -";
    assert_eq!(
        skipped(&report, &folder),
        [
            ("web/Chart.yaml", web),
            ("web/charts/sub/Chart.yaml", sub),
            ("web/charts/sub/templates/deep/if.yaml", sub),
            ("web/templates/half.yaml", web),
            ("web/templates/if.yaml", web),
        ]
        .map(|(file, render)| (file.to_owned(), render.to_owned()))
    );
    // What can be read is judged.
    assert_eq!(report["summary"]["tillers"], 1);
    // As pre-commit names changed files.
    let alone = super::run(&["check", &named, "--allow-empty"], b"");
    assert_eq!(alone.code, Some(0), "{}", alone.stdout);
    // What is no template is an error there too.
    folder.file("web/templates/bad.yaml", "kind: [\n");
    assert_eq!(check(&folder, &[]).code, Some(3));
}

#[test]
fn findings_below_a_severity_do_not_fail() {
    let text = "apiVersion: v1\nkind: ConfigMap\nkind: ConfigMap\n";
    let code = |severity: &str| {
        let run = run(&["check", "-", "--fail-on", severity], text.as_bytes());
        assert!(run.stdout.contains("duplicate-key"), "{}", run.stdout);
        run.code
    };
    assert_eq!(
        ["low", "medium", "high", "critical"].map(code),
        [Some(1), Some(1), Some(0), Some(0)]
    );
    assert_eq!(run(&["check", "-", "--fail-on", "bad"], b"").code, Some(2));
}

#[test]
fn known_findings_do_not_fail_and_new_ones_do() {
    let folder = Folder::new();
    let other = TILLER.replace("name: tiller,", "name: other,");
    folder.file("a/tiller.yaml", TILLER);
    let first = check(&folder, &["-o", "json"]);
    assert_eq!(first.code, Some(1));
    let outside = Folder::new();
    let baseline = outside.file("baseline.json", &first.stdout);
    let baseline = format!("--baseline={baseline}");
    let known = check(&folder, &[&baseline]);
    assert_eq!(known.code, Some(0), "{}", known.stdout);
    assert!(
        known.stdout.contains("no findings; 18 known and left out"),
        "{}",
        known.stdout
    );
    // Where it is in the files does not matter; that there are two does.
    let moved = Folder::new();
    moved.file("moved.yaml", format!("# moved\n{TILLER}"));
    assert_eq!(check(&moved, &[&baseline]).code, Some(0));
    moved.file("again.yaml", TILLER);
    assert_eq!(check(&moved, &[&baseline]).code, Some(1));
    folder.file("b.yaml", other);
    assert_eq!(check(&folder, &[&baseline]).code, Some(1));
    for bad in ["{", "{\"version\": 2, \"objects\": []}"] {
        let bad = format!("--baseline={}", outside.file("bad.json", bad));
        let run = check(&folder, &[&bad]);
        assert_eq!(run.code, Some(2));
        assert!(
            run.stderr.contains("cannot use the baseline"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn compressed_files_are_read() {
    let folder = Folder::new();
    let file = folder.file("web.yaml", SERVICE);
    assert!(Command::new("gzip").arg(&file).status().unwrap().success());
    let run = check(&folder, &["-o", "json"]);
    assert_eq!(run.code, Some(0), "{}", run.stdout);
    assert_eq!(run.json()["objects"][0]["name"], "web");
    let mut broken = std::fs::OpenOptions::new()
        .append(true)
        .open(format!("{file}.gz"))
        .unwrap();
    broken.write_all(b"no gzip").unwrap();
    assert_eq!(check(&folder, &[]).code, Some(3));
}
