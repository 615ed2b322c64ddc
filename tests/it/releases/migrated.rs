//! `migrate` against a real API server, and what the real Helm 3 and 4 make of it.

use std::path::Path;
use std::process::Command;

use kube::api::{ListParams, PostParams};
use serde_json::{Value, json};

use super::list_of;
use super::moved::{create, kubeconfig};
use crate::api_server::{World, cluster, value};
use crate::clients::program;
use crate::cluster::{Folder, UNGUARDED};
use crate::offline::Run;
use crate::provision::proxy::run_at;

/// A namespace with records of Helm 2 of these releases, whose own namespace this is too.
pub(super) async fn world(namespace: &str, releases: &[&str]) -> World {
    let world = World::create_labelled(namespace, json!({ UNGUARDED: "" })).await;
    for configuration in ["2.17.0-configmap-k8s1.20", "2.17.0-configmap-k8s1.10"] {
        for record in list_of(configuration)["items"].as_array().unwrap() {
            let name = record["metadata"]["labels"]["NAME"].as_str().unwrap();
            if releases.contains(&name) {
                create(&world, into(record, namespace)).await;
            }
        }
    }
    world
}

/// The record of a release that went into this namespace: no two tests work in one.
pub(super) fn into(record: &Value, namespace: &str) -> Value {
    use tiller_guard::releases::{decode, encode};
    let mut release = decode(record["data"]["release"].as_str().unwrap().as_bytes()).unwrap();
    let old = std::mem::replace(&mut release.namespace, namespace.to_owned());
    let manifest = String::from_utf8(release.manifest).unwrap();
    release.manifest = manifest.replace(&old, namespace).into_bytes();
    let mut record = record.clone();
    record["data"]["release"] = json!(encode(&release).unwrap());
    record
}

pub(super) async fn migrated(kubeconfig: &str, namespace: &str, words: &[&str]) -> Run {
    let words = [
        &["releases", "migrate", "--to=helm3", "-n", namespace],
        words,
    ]
    .concat();
    run_at(kubeconfig, &words).await
}

pub(super) async fn at(namespace: &str, words: &[&str]) -> Run {
    let words = [&["releases"], words, &["-n", namespace]].concat();
    run_at(&kubeconfig(), &words).await
}

fn called(program: &Path, namespace: &str, words: &[&str]) -> (bool, String) {
    let folder = Folder::create().unwrap();
    let output = Command::new(program)
        .args(words)
        .args(["-n", namespace])
        .env_clear()
        .env("HOME", folder.path())
        .env("KUBECONFIG", cluster().kubeconfig())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[track_caller]
pub(super) fn helm(version: &str, namespace: &str, words: &[&str]) -> String {
    let (ok, text) = called(&program(version), namespace, words);
    assert!(ok, "{version} {words:?}: {text}");
    text
}

pub(super) async fn names(world: &World, kind: &str, selector: &str) -> Vec<String> {
    let parameters = ListParams::default().labels(selector);
    let listed = world
        .objects("", "v1", kind)
        .list(&parameters)
        .await
        .unwrap();
    listed
        .into_iter()
        .map(|it| it.metadata.name.unwrap())
        .collect()
}

/// Applies what the newest revision says, since the recordings have no objects.
fn apply_manifest(namespace: &str, release: &str) {
    let shown = crate::offline::run(
        &[
            "releases",
            "show",
            "-n",
            namespace,
            release,
            "manifest",
            &format!("--kubeconfig={}", cluster().kubeconfig().display()),
        ],
        b"",
    );
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    let folder = Folder::create().unwrap();
    let file = folder.write("manifest.yaml", &shown.stdout).unwrap();
    let (ok, text) = called(
        &program("kubectl-1.20"),
        namespace,
        &["create", "-f", &file],
    );
    assert!(ok, "{text}");
}

/// A chart with one more object than any release has.
fn chart(folder: &Folder, name: &str) -> String {
    std::fs::create_dir_all(folder.join("chart/templates")).unwrap();
    let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).unwrap();
    write(
        "chart/Chart.yaml",
        &format!("apiVersion: v1\nname: {name}\nversion: 9.0.0\n"),
    );
    write("chart/values.yaml", "greeting: hello\n");
    write(
        "chart/templates/new.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \"{{ .Release.Name }}-new\"}\ndata: {g: \"{{ .Values.greeting }}\"}\n",
    );
    folder.join("chart").display().to_string()
}

/// Lists, shows, upgrades, rolls back and uninstalls.
fn lives(version: &str, namespace: &str, release: &str, revisions: usize) {
    let listed = helm(version, namespace, &["list", "-o", "json"]);
    assert!(
        listed.contains(&format!("\"name\":\"{release}\"")),
        "{listed}"
    );
    let history: Value = serde_json::from_str(&helm(
        version,
        namespace,
        &["history", release, "-o", "json"],
    ))
    .unwrap();
    assert_eq!(history.as_array().unwrap().len(), revisions);
    helm(version, namespace, &["get", "all", release]);
    let folder = Folder::create().unwrap();
    let chart = chart(&folder, release);
    helm(
        version,
        namespace,
        &["upgrade", release, &chart, "--no-hooks", "--reuse-values"],
    );
    let status = helm(version, namespace, &["status", release]);
    assert!(status.contains("STATUS: deployed"), "{status}");
    let back = revisions.to_string();
    helm(
        version,
        namespace,
        &["rollback", release, &back, "--no-hooks"],
    );
    helm(version, namespace, &["uninstall", release, "--no-hooks"]);
    let left = helm(version, namespace, &["list", "-o", "json"]);
    assert!(!left.contains(&format!("\"name\":\"{release}\"")), "{left}");
}

macro_rules! helms {
    ($($name:ident: $version:literal, $namespace:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let releases = ["plain", "sub", "uni", "noapi"];
            let world = world($namespace, &releases).await;
            for release in releases {
                apply_manifest($namespace, release);
            }
            let run = migrated(&kubeconfig(), $namespace, &[]).await;
            assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
            assert!(run.stdout.contains("plain: migrated to "), "{}", run.stdout);
            assert!(run.stdout.contains(": 4 revisions written, 0 unchanged; 4 records of Helm 2 set aside"));
            assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await, [""; 0]);
            let values = helm($version, $namespace, &["get", "values", "plain", "-o", "json"]);
            assert_eq!(values, "{\"colour\":{\"name\":\"red\"},\"greeting\":\"hi\"}\n");
            let metadata = helm($version, $namespace, &["get", "metadata", "sub", "-o", "json"]);
            assert!(metadata.contains("\"dependencies\":[{\"name\":"), "{metadata}");
            for release in releases {
                let revisions = names(&world, "ConfigMap", &format!("OWNER=MIGRATED,NAME={release}")).await.len();
                lives($version, $namespace, release, revisions);
            }
        }
    )*};
}

helms! {
    helm_3_works_on: "helm-3.17", "migrate-three";
    helm_4_works_on: "helm-4.3", "migrate-four";
}

/// Kubernetes 1.20 does not serve its Deployment.
#[tokio::test(flavor = "multi_thread")]
async fn removed_apis_are_mapped_on_demand() {
    let world = world("migrate-old", &["oldapi"]).await;
    let words = ["--kubernetes=1.36"];
    let run = migrated(
        &kubeconfig(),
        "migrate-old",
        &[&words[..], &["--check"]].concat(),
    )
    .await;
    assert_eq!(run.code, Some(1));
    assert!(
        run.stdout
            .contains("which Kubernetes 1.36 does not serve; give --map-apis"),
        "{}",
        run.stdout
    );
    let more = ["--map-apis", "--diff"];
    let dry = migrated(
        &kubeconfig(),
        "migrate-old",
        &[&words[..], &more, &["--dry-run"]].concat(),
    )
    .await;
    assert_eq!(dry.code, Some(0), "{}{}", dry.stdout, dry.stderr);
    assert!(
        dry.stdout
            .contains("\n-apiVersion: extensions/v1beta1\n+apiVersion: apps/v1\n"),
        "{}",
        dry.stdout
    );
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    let run = migrated(&kubeconfig(), "migrate-old", &[&words[..], &more].concat()).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    if crate::api_server::kubernetes_from(19) {
        let manifest = helm("helm-3.17", "migrate-old", &["get", "manifest", "oldapi"]);
        let folder = Folder::create().unwrap();
        let file = folder.write("manifest.yaml", &manifest).unwrap();
        let (ok, text) = called(
            &program("kubectl-1.20"),
            "migrate-old",
            &["create", "-f", &file],
        );
        assert!(ok, "{text}");
        let records = names(&world, "Secret", "owner=helm,name=oldapi").await;
        lives("helm-3.17", "migrate-old", "oldapi", records.len());
    }
}

#[tokio::test]
async fn it_is_done_once_and_can_be_taken_back() {
    let world = world("migrate-again", &["plain", "desc"]).await;
    let checked = migrated(&kubeconfig(), "migrate-again", &["--check"]).await;
    assert_eq!(
        checked.stdout,
        "desc: ready: 2 revisions for migrate-again\nplain: ready: 4 revisions for migrate-again\n"
    );
    let kept = migrated(&kubeconfig(), "migrate-again", &["--keep", "plain"]).await;
    assert_eq!(kept.code, Some(0), "{}", kept.stderr);
    assert_eq!(names(&world, "Secret", "owner=helm").await.len(), 4);
    let again = migrated(&kubeconfig(), "migrate-again", &[]).await;
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(
        again.stdout.contains(
            "plain: migrated to migrate-again: 0 revisions written, 4 unchanged; 4 records"
        ),
        "{}",
        again.stdout
    );
    assert!(again.stdout.contains("; remove Tiller with"));
    let once_more = migrated(&kubeconfig(), "migrate-again", &["plain"]).await;
    assert_eq!(once_more.code, Some(0), "{}", once_more.stderr);
    assert_eq!(
        once_more.stdout,
        "plain: migrated already: Tiller has no record of it since\n"
    );
    assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await, [""; 0]);
    let listed = at("migrate-again", &["list"]).await;
    assert!(
        listed.stdout.contains(
            "set aside: 4 records of plain in configmaps of migrate-again, since Helm 3 has it; tiller-guard releases restore \
             plain -n migrate-again gives it back to Tiller"
        ),
        "{}",
        listed.stdout
    );
    let back = at("migrate-again", &["restore", "--all"]).await;
    assert_eq!(
        back.stdout,
        "desc: given back to Tiller: 2 records; 2 records of Helm 3 deleted\n\
         plain: given back to Tiller: 4 records; 4 records of Helm 3 deleted\n",
        "{}",
        back.stderr
    );
    assert_eq!(names(&world, "ConfigMap", "OWNER=TILLER").await.len(), 6);
    assert_eq!(names(&world, "ConfigMap", "OWNER=MIGRATED").await, [""; 0]);
    assert_eq!(names(&world, "Secret", "owner=helm").await, [""; 0]);
    let newest = migrated(
        &kubeconfig(),
        "migrate-again",
        &["--max=1", "desc", "nosuch"],
    )
    .await;
    assert_eq!(newest.code, Some(1), "{}", newest.stdout);
    assert!(
        newest
            .stdout
            .contains("nosuch: not ready: it is not recorded in migrate-again"),
        "{}",
        newest.stdout
    );
    assert!(
        newest
            .stdout
            .contains("note: revision 1 is left out by --max"),
        "{}",
        newest.stdout
    );
    let left = "Next: check with `helm list -A`; keep Tiller: 1 release in migrate-again is not migrated yet.";
    assert!(newest.stdout.contains(left), "{}", newest.stdout);
}

/// The Roles that are printed are enough for somebody who has no other right.
#[tokio::test(flavor = "multi_thread")]
async fn printed_roles_let_people_work() {
    let world = world("migrate-roles", &["plain"]).await;
    apply_manifest("migrate-roles", "plain");
    let words = [
        "--print-roles",
        "--user=migrate-ada",
        "--group=migrate-team",
    ];
    let run = migrated(&kubeconfig(), "migrate-roles", &words).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let folder = Folder::create().unwrap();
    let file = folder.write("roles.yaml", &run.stdout).unwrap();
    let (ok, text) = called(
        &program("kubectl-1.20"),
        "migrate-roles",
        &["create", "-f", &file],
    );
    assert!(ok, "{text}");
    let done = migrated(&kubeconfig(), "migrate-roles", &[]).await;
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let chart = chart(&folder, "plain");
    let as_ada = ["--kube-as-user=migrate-ada"];
    helm(
        "helm-3.17",
        "migrate-roles",
        &[&["upgrade", "plain", &chart][..], &as_ada].concat(),
    );
    helm(
        "helm-3.17",
        "migrate-roles",
        &[&["uninstall", "plain"][..], &as_ada].concat(),
    );
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": { "user": "migrate-ada", "resourceAttributes": { "namespace": "migrate-roles", "verb": "create", "resource": "pods" } },
    });
    let api = kube::Api::<kube::api::DynamicObject>::all_with(
        world.client.clone(),
        &crate::cluster::resource("authorization.k8s.io", "v1", "SubjectAccessReview"),
    );
    let review = serde_json::from_value(review).unwrap();
    let answer = value(&api.create(&PostParams::default(), &review).await.unwrap());
    assert_eq!(answer["status"]["allowed"], false);
}
