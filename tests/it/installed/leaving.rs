//! An installation that goes, by the door or through the wall: nothing is asked any more, and everything can be written.

use std::sync::LazyLock;
use std::time::Duration;

use hyper::Request;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{World, said, start};
use crate::cluster::{Cluster, Folder, Peculiar};
use crate::suite::skip;

const KINDS: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// Where what an owner leaves behind is deleted.
static TIDY: LazyLock<Mutex<Cluster>> = LazyLock::new(|| {
    start(Peculiar {
        collects_garbage: true,
        ..Peculiar::default()
    })
});

/// The registrations that are there.
pub(super) async fn registered(world: &World) -> Vec<String> {
    let mut names = Vec::new();
    for kind in KINDS {
        let found = world.registrations(kind).list(&ListParams::default()).await;
        let found = found.unwrap().items.into_iter();
        names.extend(found.map(|it| format!("{kind} {}", it.metadata.name.unwrap_or_default())));
    }
    names
}

/// Makes what the webhooks are asked about, and removes it: nobody refuses.
pub(super) async fn assert_writable(world: &World) {
    let objects = [
        (
            "",
            "v1",
            json!({ "kind": "ConfigMap", "metadata": { "name": "written", "labels": { "OWNER": "TILLER" } } }),
        ),
        (
            "",
            "v1",
            json!({ "kind": "Secret", "metadata": { "name": "written" } }),
        ),
        (
            "",
            "v1",
            json!({ "kind": "Service", "metadata": { "name": "written" }, "spec": { "ports": [{ "port": 80 }] } }),
        ),
        (
            "",
            "v1",
            json!({
                "kind": "Pod", "metadata": { "name": "written" },
                "spec": { "containers": [{ "name": "other", "image": "example/other:1" }] },
            }),
        ),
        (
            "rbac.authorization.k8s.io",
            "v1",
            json!({ "kind": "Role", "metadata": { "name": "written" }, "rules": [] }),
        ),
    ];
    for (group, version, mut object) in objects {
        let kind = object["kind"].as_str().unwrap().to_owned();
        let dot = if group.is_empty() { "" } else { "/" };
        object["apiVersion"] = json!(format!("{group}{dot}{version}"));
        let api = world.objects(group, version, &kind, "default");
        let object = serde_json::from_value(object).unwrap();
        let created = api.create(&PostParams::default(), &object).await;
        created.unwrap_or_else(|error| panic!("{kind}: {error}"));
        let now = DeleteParams::default().grace_period(0);
        api.delete("written", &now).await.unwrap();
    }
}

/// Until the API server asks nobody.
pub(super) async fn until_nobody_is_asked(world: &World) {
    let end = Instant::now() + Duration::from_secs(20);
    while let Err(refused) = world.try_tiller().await {
        assert!(Instant::now() < end, "{refused}");
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn it_is_uninstalled_while_it_answers_and_while_nobody_does() {
    let world = World::enter().await;
    for replicas in [2, 0] {
        world.install().await;
        let service = world.serve(replicas, &[]).await;
        assert_eq!(registered(&world).await.len(), 2);
        let gone = world.run(&["uninstall"]).await;
        assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
        assert_eq!(registered(&world).await, [""; 0]);
        until_nobody_is_asked(&world).await;
        assert_writable(&world).await;
        for kind in [
            "Deployment",
            "Service",
            "ConfigMap",
            "Secret",
            "ServiceAccount",
        ] {
            let group = if kind == "Deployment" { "apps" } else { "" };
            let name = match kind {
                "ConfigMap" => "tiller-guard-policy",
                "Secret" => "tiller-guard-ca",
                _ => "tiller-guard",
            };
            let left = world.objects(group, "v1", kind, "tiller-guard");
            assert!(left.get_opt(name).await.unwrap().is_none(), "{kind}");
        }
        drop(service);
    }
}

/// A webhook configuration that stays needs its Service.
#[tokio::test]
async fn nothing_is_deleted_while_a_webhook_configuration_stays() {
    let world = World::enter().await;
    // Who may read all of it, and delete all but the webhook configurations.
    let read = json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] });
    let delete = json!({ "apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["delete"] });
    world.allow("leaver", json!([read, delete])).await;
    let leaver = world.cluster.kubeconfig_as("leaver").unwrap();
    world.install().await;
    for words in [
        &["uninstall"][..],
        &["uninstall", "--dry-run"],
        &["install", "--wait=0"],
    ] {
        let elsewhere = [words, &["--namespace=elsewhere"]].concat();
        let elsewhere = world.run(&elsewhere).await;
        assert_eq!(elsewhere.status.code(), Some(2), "{}", said(&elsewhere));
        let where_it_is =
            "tiller-guard is installed in the namespace tiller-guard: pass -n tiller-guard";
        assert!(
            said(&elsewhere).contains(where_it_is),
            "{}",
            said(&elsewhere)
        );
        assert_eq!(elsewhere.stdout, b"");
    }
    let label = json!({ "metadata": { "labels": { "app.kubernetes.io/managed-by": "other" } } });
    let mutating = world.registrations(KINDS[0]);
    let (parameters, label) = (PatchParams::default(), Patch::Merge(label));
    let patched = mutating.patch("tiller-guard", &parameters, &label).await;
    drop(patched.unwrap());
    let services = world.objects("", "v1", "Service", "tiller-guard");
    for words in [&["uninstall"][..], &["uninstall", "--dry-run"]] {
        let refused = world.run(words).await;
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(1), "{told}");
        assert!(told.contains("was not made by tiller-guard"), "{told}");
        assert!(told.contains("pass --adopt to delete it"), "{told}");
        assert!(told.contains("nothing was deleted"), "{told}");
        assert_eq!(refused.stdout, b"", "{told}");
    }
    assert_eq!(registered(&world).await.len(), 2);
    assert!(services.get_opt("tiller-guard").await.unwrap().is_some());

    let refused = World::run_with(&leaver, &["uninstall", "--adopt"]).await;
    let told = said(&refused);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(
        told.contains("no right to delete MutatingWebhookConfiguration"),
        "{told}"
    );
    assert!(told.contains("nothing else is deleted"), "{told}");
    assert!(services.get_opt("tiller-guard").await.unwrap().is_some());
    let gone = world.run(&["uninstall", "--adopt"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
    world.disallow("leaver").await;
}

/// Who has written a policy is shown it once it is deleted; nobody has written the first one.
#[tokio::test]
async fn a_policy_that_is_deleted_is_printed() {
    const NOTE: &str =
        "the policy is deleted; to install it again, save it and pass it with --policy FILE:\n";
    let world = World::enter().await;
    world.install().await;
    let gone = world.run(&["uninstall"]).await;
    assert!(!said(&gone).contains(NOTE), "{}", said(&gone));
    let folder = Folder::create().unwrap();
    let ours = "# ours\napiVersion: tiller-guard.io/v1\nkind: Policy\nmode: warn\n";
    let policy = format!("--policy={}", folder.write("ours.yaml", ours).unwrap());
    let words = ["install", world.service_port, "--wait=0", &policy];
    let installed = world.run(&words).await;
    assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
    let tried = world.run(&["uninstall", "--dry-run"]).await;
    assert!(!said(&tried).contains(NOTE), "{}", said(&tried));
    let gone = world.run(&["uninstall"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
    let told = String::from_utf8(gone.stderr).unwrap();
    assert!(told.contains(&format!("{NOTE}{ours}")), "{told}");
}

#[tokio::test]
async fn nothing_is_installed_in_a_namespace_that_is_being_deleted() {
    const NAME: &str = "leaving-guard";
    let world = World::enter().await;
    let namespaces = world.objects("", "v1", "Namespace", "");
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": { "name": NAME, "finalizers": ["tiller-guard.io/test"] },
    });
    let namespace = serde_json::from_value(namespace).unwrap();
    let parameters = PostParams::default();
    namespaces.create(&parameters, &namespace).await.unwrap();
    let asked = DeleteParams::default();
    drop(namespaces.delete(NAME, &asked).await.unwrap());
    for words in [&["--wait=0"][..], &["--dry-run"], &["--diff"]] {
        let words = [&["install", world.service_port, "--namespace", NAME], words].concat();
        let refused = world.run(&words).await;
        let told = said(&refused);
        assert_eq!(refused.status.code(), Some(2), "{told}");
        let error = format!(
            "error: namespace {NAME} is being deleted, and nothing can be made in it; nothing was changed: wait until"
        );
        assert!(told.contains(&error), "{told}");
        assert_eq!(refused.stdout, b"", "{told}");
    }
    assert_eq!(registered(&world).await, [""; 0]);
    let maps = world.objects("", "v1", "ConfigMap", NAME);
    assert!(maps.get_opt("tiller-guard-policy").await.unwrap().is_none());
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    let released = namespaces.patch(NAME, &PatchParams::default(), &none).await;
    drop(released.unwrap());
}

/// What nobody can restore is named first.
#[tokio::test]
async fn a_namespace_with_teams_goes_only_when_somebody_says_so() {
    let world = World::enter().await;
    world.install().await;
    let team = json!({ "metadata": { "name": "tiller-guard-team-gone", "labels": {
        "tiller-guard.io/kind": "team", "tiller-guard.io/team": "gone",
    } } });
    let mut ca = team.clone();
    ca["metadata"]["name"] = json!("tiller-ca-gone");
    ca["metadata"]["labels"]["tiller-guard.io/kind"] = json!("authority");
    for (kind, object) in [("ConfigMap", team), ("Secret", ca)] {
        let api = world.objects("", "v1", kind, "tiller-guard");
        let object = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &object).await.unwrap();
    }
    let listed = [
        "ConfigMap tiller-guard/tiller-guard-team-gone (record of team gone)",
        "Secret tiller-guard/tiller-ca-gone (CA of team gone)",
    ];
    let refused = world.run(&["uninstall", "--delete-namespace"]).await;
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    let without = "cannot ask without a terminal: pass --yes";
    assert!(said(&refused).contains(without), "{}", said(&refused));
    assert_eq!(registered(&world).await.len(), 2);
    let words = ["uninstall", "--delete-namespace", "--dry-run"];
    let shown = world.run(&words).await;
    assert_eq!(shown.status.code(), Some(0), "{}", said(&shown));
    let gone = "deleted (dry run) Namespace tiller-guard";
    assert!(said(&shown).contains(gone), "{}", said(&shown));
    for line in listed {
        assert!(said(&refused).contains(line), "{}", said(&refused));
        assert!(said(&shown).contains(line), "{}", said(&shown));
    }
    for (kind, name) in [
        ("ConfigMap", "tiller-guard-team-gone"),
        ("Secret", "tiller-ca-gone"),
    ] {
        let api = world.objects("", "v1", kind, "tiller-guard");
        api.delete(name, &DeleteParams::default()).await.unwrap();
    }
}

/// The namespace is deleted, and its finalizer taken away before anybody could tidy up.
#[tokio::test]
async fn a_namespace_that_is_deleted_by_force_takes_the_registrations_along() {
    let world = World::enter_in(TIDY.lock().await).await;
    if !world.cluster.has_controllers() {
        skip("no kube-controller-manager");
        return;
    }
    world.install().await;
    for kind in KINDS {
        let found = world.registrations(kind).get("tiller-guard").await.unwrap();
        let owners = found.metadata.owner_references.unwrap();
        assert_eq!(
            (&*owners[0].kind, &*owners[0].name),
            ("Namespace", "tiller-guard")
        );
    }
    // In another cluster the owner would be another.
    let printed = world.run(&["install", "--output=yaml"]).await;
    let printed = said(&printed);
    assert!(
        printed.contains("kind: ValidatingWebhookConfiguration"),
        "{printed}"
    );
    assert!(!printed.contains("ownerReferences"), "{printed}");
    let namespaces = world.objects("", "v1", "Namespace", "");
    namespaces
        .delete("tiller-guard", &DeleteParams::default())
        .await
        .unwrap();
    let path = "/api/v1/namespaces/tiller-guard";
    if namespaces.get_opt("tiller-guard").await.unwrap().is_some() {
        let body = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": "tiller-guard" }, "spec": { "finalizers": [] },
        });
        let request = Request::put(format!("{path}/finalize"))
            .header("content-type", "application/json")
            .body(body.to_string().into_bytes())
            .unwrap();
        let finalized: Value = world.client.request(request).await.unwrap();
        assert_eq!(finalized["metadata"]["name"], "tiller-guard");
    }
    let end = Instant::now() + Duration::from_secs(90);
    while !registered(&world).await.is_empty() {
        assert!(Instant::now() < end, "{:?}", registered(&world).await);
        sleep(Duration::from_millis(200)).await;
    }
    until_nobody_is_asked(&world).await;
    assert_writable(&world).await;
    // Nothing stands in the way of the next.
    world.install().await;
}
