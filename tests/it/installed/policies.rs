//! Which policy `install` leaves behind, and what it says of Tillers that are there.

use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;

use super::{World, said};
use crate::cluster::Folder;

const OURS: &str = "# ours
apiVersion: tiller-guard.io/v1
kind: Policy
mode: warn # until the findings are fixed
administrators:
  users: [ada]
breakGlass:
  users: [bea]
exceptions:
- rule: release-storage
  object: {kind: Deployment, namespace: legacy, name: tiller-deploy}
  reason: its releases move later
  expires: 2099-03-31
";

impl World {
    /// Runs `install` without waiting.
    async fn installs(&self, words: &[&str]) -> (Option<i32>, String) {
        let all = [&["install", self.service_port, "--wait=0"], words].concat();
        let done = self.run(&all).await;
        (done.status.code(), said(&done))
    }

    /// The policy that is installed.
    async fn policy(&self) -> String {
        let maps = self.objects("", "v1", "ConfigMap", "tiller-guard");
        let found = maps.get("tiller-guard-policy").await.unwrap();
        found.data["data"]["policy.yaml"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

#[tokio::test]
async fn install_keeps_the_policy_and_asks_before_another_one() {
    let world = World::enter().await;
    let folder = Folder::create().unwrap();
    let file = |name: &str, text: &str| format!("--policy={}", folder.write(name, text).unwrap());
    let ours = file("ours.yaml", OURS);
    assert_eq!(world.installs(&[&ours]).await.0, Some(0));
    assert_eq!(world.policy().await, OURS);

    for words in [&[][..], &["--replicas=3"], &[&ours]] {
        let (code, told) = world.installs(words).await;
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("unchanged ConfigMap"), "{told}");
        assert_eq!(world.policy().await, OURS);
    }
    let printed = said(&world.run(&["install", "-o", "yaml"]).await);
    assert!(printed.contains("users: [bea]"), "{printed}");

    // Nothing is let through or kept out by a comment.
    let commented = OURS.replace("# ours", "# still ours");
    let (code, told) = world.installs(&[&file("commented.yaml", &commented)]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("-# ours\n+# still ours"), "{told}");
    assert_eq!(world.policy().await, commented);

    let plain = "apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: enforce\n";
    let plain_file = file("plain.yaml", plain);
    let changes = [
        "loosens   ",
        "tightens  mode: warn becomes enforce",
        "tightens  breakGlass.users: bea is removed",
        "tightens  administrators.users: ada is removed",
        "tightens  exceptions: release-storage for Deployment legacy/tiller-deploy until 2099-04-01T00:00:00Z is removed",
        "-mode: warn # until the findings are fixed\n",
    ];
    let (code, told) = world.installs(&[&plain_file]).await;
    assert_eq!(code, Some(2), "{told}");
    assert!(
        told.contains("cannot ask without a terminal: pass --yes"),
        "{told}"
    );
    assert!(!told.contains("unchanged"), "{told}");
    assert_eq!(world.policy().await, commented);
    let (code, told) = world.installs(&[&plain_file, "--dry-run"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(world.policy().await, commented);
    for words in &changes[1..] {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert!(!told.contains(changes[0]), "{told}");
    let (code, told) = world.installs(&[&plain_file, "--yes"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(world.policy().await, plain);

    // The mode by itself, in the policy that is there.
    let (code, told) = world.installs(&["--mode=audit", "--yes"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("loosens   mode: enforce becomes audit"),
        "{told}"
    );
    assert_eq!(world.policy().await, plain.replace("enforce", "audit"));

    let maps = world.objects("", "v1", "ConfigMap", "tiller-guard");
    let patch = Patch::Merge(json!({ "data": { "policy.yaml": "mode: [" } }));
    let parameters = PatchParams::default();
    maps.patch("tiller-guard-policy", &parameters, &patch)
        .await
        .unwrap();
    let (code, told) = world.installs(&[]).await;
    assert_eq!(code, Some(2), "{told}");
    let invalid = "the policy in ConfigMap tiller-guard/tiller-guard-policy is invalid";
    assert!(told.contains(invalid), "{told}");
    let (code, told) = world.installs(&[&plain_file, "--yes"]).await;
    assert_eq!(code, Some(0), "{told}");
}

/// Two Tillers that were there before the guard, one of them without an account of its own.
async fn make_veterans(world: &World) {
    let pod = |account: &str| {
        json!({
            "replicas": 0,
            "selector": { "matchLabels": { "app": "helm", "name": "tiller" } },
            "template": {
                "metadata": { "labels": { "app": "helm", "name": "tiller" } },
                "spec": {
                    "serviceAccountName": account,
                    "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }],
                },
            },
        })
    };
    for (namespace, account) in [("veterans-a", "default"), ("veterans-b", "tiller")] {
        let namespaces = world.objects("", "v1", "Namespace", "");
        let object = json!({ "metadata": { "name": namespace } });
        let object = serde_json::from_value(object).unwrap();
        namespaces
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
        let deployments = world.objects("apps", "v1", "Deployment", namespace);
        let object = json!({ "metadata": { "name": "tiller-deploy" }, "spec": pod(account) });
        let object = serde_json::from_value(object).unwrap();
        deployments
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn the_first_policy_reports_if_there_are_tillers_already() {
    let world = World::enter().await;
    make_veterans(&world).await;
    let pre = said(&world.run(&["doctor", "--pre"]).await);
    assert!(pre.contains("‼ tillers: found 2 Tillers"), "{pre}");
    assert!(
        pre.contains("the first install starts with mode audit"),
        "{pre}"
    );
    assert!(
        pre.contains("refused   Deployment veterans-a/tiller-deploy: service-account\n"),
        "{pre}"
    );
    // Hardening mounts a Secret that is not there.
    let lacks = "there is no Secret veterans-b/tiller-tls, so its new pods cannot start: run tiller-guard provision NAME \
                 --adopt --tiller-namespace veterans-b\n";
    assert!(pre.contains(lacks), "{pre}");

    let (code, told) = world.installs(&["--dry-run"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("created (dry run) ConfigMap tiller-guard/tiller-guard-policy"),
        "{told}"
    );
    let (code, told) = world.installs(&[]).await;
    assert_eq!(code, Some(0), "{told}");
    for words in [
        "found 2 Tillers; with mode enforce:\n",
        "  refused   Deployment veterans-a/tiller-deploy: service-account\n",
        "  hardened  Deployment veterans-b/tiller-deploy: ",
        lacks,
        "mode      audit: Tillers are reported and none is refused.",
        "tiller-guard install --mode enforce",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    assert!(world.policy().await.contains("mode: audit\n"));
    let pre = said(&world.run(&["doctor", "--pre"]).await);
    let none = "    the installed policy refuses none; enforce once they are fixed\n";
    assert!(pre.contains(none), "{pre}");

    // It says again what is before them when the mode is to refuse.
    let (code, told) = world.installs(&["--mode=enforce", "--yes"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("  refused   Deployment veterans-a/tiller-deploy"),
        "{told}"
    );
    assert!(world.policy().await.contains("mode: enforce\n"));
    let pre = said(&world.run(&["doctor", "--pre"]).await);
    let enforces = "    the installed policy enforces: fix them before their pods restart\n";
    assert!(pre.contains(enforces), "{pre}");

    let secrets = world.objects("", "v1", "Secret", "veterans-b");
    let secret = json!({ "metadata": { "name": "tiller-tls" } });
    let secret = serde_json::from_value(secret).unwrap();
    secrets
        .create(&PostParams::default(), &secret)
        .await
        .unwrap();
    let pre = said(&world.run(&["doctor", "--pre"]).await);
    assert!(pre.contains("  hardened  Deployment veterans-b"), "{pre}");
    assert!(!pre.contains("there is no Secret"), "{pre}");

    // The policy may give the Secret another name.
    let folder = Folder::create().unwrap();
    let named = "apiVersion: tiller-guard.io/v1\nkind: Policy\nmode: enforce\ncertificateSecret: team-certs\n";
    let file = format!("--policy={}", folder.write("named.yaml", named).unwrap());
    let (code, told) = world.installs(&[&file, "--yes"]).await;
    assert_eq!(code, Some(0), "{told}");
    let pre = said(&world.run(&["doctor", "--pre"]).await);
    let lacks = lacks.replace("tiller-tls", "team-certs");
    assert!(pre.contains(&lacks), "{pre}");

    // Records that a hardened Tiller would no longer see.
    let maps = world.objects("", "v1", "ConfigMap", "veterans-b");
    let record =
        json!({ "metadata": { "name": "web.v1", "labels": { "OWNER": "TILLER", "NAME": "web" } } });
    let record = serde_json::from_value(record).unwrap();
    maps.create(&PostParams::default(), &record).await.unwrap();
    let pre = said(&world.run(&["doctor", "--pre"]).await);
    let refused = "  refused   Deployment veterans-b/tiller-deploy: storage-switch";
    assert!(pre.contains(refused), "{pre}");

    world.run(&["uninstall"]).await;
    let (code, told) = world.installs(&["--mode=enforce"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("found 2 Tillers"), "{told}");
    assert!(world.policy().await.contains("mode: enforce\n"));
    world.run(&["uninstall"]).await;
}
