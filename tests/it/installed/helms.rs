//! The chart by the Helms that people have: every step of a release's life, and the upgrade that empties bundles.

use std::process::Output;
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::diagnoses::KIND;
use super::leaving::{registered, until_nobody_is_asked};
use super::{World, said};
use crate::chart::folder;
use crate::clients::program;
use crate::suite::{Feature, skip};

const LABEL: &str = "kubernetes.io/metadata.name";

/// How Helm replaces objects in place of patching them.
const FORCE_3: [&str; 1] = ["--force"];
const FORCE_4: [&str; 2] = ["--force-replace", "--server-side=false"];

#[tokio::test]
async fn helm_3_installs_upgrades_rolls_back_and_uninstalls_the_chart() {
    live_and_leave("helm-3.17", &FORCE_3).await;
}

#[tokio::test]
async fn helm_4_installs_upgrades_rolls_back_and_uninstalls_the_chart() {
    live_and_leave("helm-4.3", &FORCE_4).await;
}

async fn live_and_leave(name: &str, force: &[&str]) {
    let world = World::enter().await;
    if !Feature::Apply.is_in(world.cluster.version()) {
        skip("Helm 4 writes by server-side apply, which is in Kubernetes 1.16 and later");
        return;
    }
    let helm = Helm {
        world: &world,
        name,
    };
    let port = format!("service.port={}", world.port());
    let unregistered = [
        "--create-namespace",
        "--set",
        &port,
        "--set",
        "registrations.enabled=false",
    ];
    helm.does("install", &unregistered).await;
    assert_eq!(registered(&world).await, [""; 0]);
    {
        let _service = world.serve(2, &[]).await;
        world.play_nodes().await;
        helm.is_refused_without_labels().await;
        world.label_namespaces().await;
        helm.upgrades(&["--set", "registrations.enabled=true"])
            .await;
        world.until_told("protected-namespace").await;
        let doctor = said(&world.run(&["doctor", world.service_port]).await);
        for good in ["✓ mutating-proof", "✓ validating-proof"] {
            assert!(doctor.contains(good), "{doctor}");
        }

        // A bundle that the replicas have written stays.
        let before = world.bundle(KIND).await;
        helm.upgrades(&["--set", "replicas=3"]).await;
        assert_eq!(world.bundle(KIND).await, before);
        world.until_told("protected-namespace").await;

        // The policy that somebody has written since stays, until another is asked for.
        let maps = world.objects("", "v1", "ConfigMap", "tiller-guard");
        let text = async || {
            let found = maps.get("tiller-guard-policy").await.unwrap();
            found.data["data"]["policy.yaml"]
                .as_str()
                .unwrap()
                .to_owned()
        };
        let theirs = "# theirs\napiVersion: tiller-guard.io/v1\nkind: Policy\nmode: enforce\nrequireTeam: true\n";
        let patch = Patch::Merge(json!({ "data": { "policy.yaml": theirs } }));
        let parameters = PatchParams::default();
        maps.patch("tiller-guard-policy", &parameters, &patch)
            .await
            .unwrap();
        helm.upgrades(&["--set", "replicas=3"]).await;
        assert_eq!(text().await, theirs);
        // By server-side apply, a field that somebody else has written is taken over only on demand.
        let demand: &[&str] = if name == "helm-4.3" {
            &["--force-conflicts"]
        } else {
            &[]
        };
        helm.upgrades(&[&["--set", "mode=freeze"], demand].concat())
            .await;
        assert_eq!(text().await, theirs.replace("enforce", "freeze"));

        // One that is emptied comes back. The API server may refuse another object of the upgrade.
        let mut words = vec!["--reuse-values", "--set", "replicas=2"];
        words.extend(force);
        let _refused_or_done = helm.tries("upgrade", &words).await;
        let end = Instant::now() + Duration::from_secs(5);
        while world.bundle(KIND).await != before {
            assert!(Instant::now() < end, "the bundle stays away");
            sleep(Duration::from_millis(20)).await;
        }
        world.until_told("protected-namespace").await;

        // To a revision with registrations and three replicas, and on to one before.
        for revision in ["3", "2"] {
            helm.does("rollback", &[revision]).await;
            assert_eq!(world.bundle(KIND).await, before);
            world.until_told("protected-namespace").await;
        }
        helm.does("rollback", &["1"]).await;
        assert_eq!(registered(&world).await, [""; 0]);
        assert_eq!(world.try_tiller().await, Ok(()));
        helm.does("rollback", &["3"]).await;
        world.until_told("protected-namespace").await;
    }
    helm.does("uninstall", &[]).await;
    until_nobody_is_asked(&world).await;
}

/// A Helm with the chart's release.
struct Helm<'a> {
    world: &'a World,
    name: &'a str,
}

// === impl Helm ===

impl Helm<'_> {
    async fn upgrades(&self, words: &[&str]) {
        self.does("upgrade", &[&["--reuse-values"], words].concat())
            .await;
    }

    /// Before namespaces had their names as labels, no pod of tiller-guard would start without them: Helm says so and writes nothing.
    async fn is_refused_without_labels(&self) {
        if self.world.cluster.version() >= (1, 21) {
            return;
        }
        let namespaces = self.world.objects("", "v1", "Namespace", "");
        let label = json!({ "metadata": { "labels": { LABEL: null } } });
        for name in ["kube-system", "tiller-guard"] {
            let (patch, parameters) = (Patch::Merge(&label), PatchParams::default());
            namespaces.patch(name, &parameters, &patch).await.unwrap();
        }
        let words = ["--reuse-values", "--set", "registrations.enabled=true"];
        let output = said(&self.tries("upgrade", &words).await);
        for command in [
            "run first: kubectl label namespace kube-system kubernetes.io/metadata.name=kube-system",
            "kubectl label namespace tiller-guard kubernetes.io/metadata.name=tiller-guard",
        ] {
            assert!(output.contains(command), "{output}");
        }
        assert_eq!(registered(self.world).await, [""; 0]);
    }

    async fn does(&self, verb: &str, words: &[&str]) {
        let output = self.tries(verb, words).await;
        assert!(
            output.status.success(),
            "{} {verb} {words:?}: {}",
            self.name,
            said(&output)
        );
    }

    async fn tries(&self, verb: &str, words: &[&str]) -> Output {
        let mut command = Command::new(program(self.name));
        command.args([verb, "tiller-guard"]);
        if ["install", "upgrade"].contains(&verb) {
            command.arg(folder());
        }
        let home = self.world.cluster.kubeconfig();
        command
            .args(words)
            .args(["--namespace", "tiller-guard", "--kubeconfig"])
            .arg(&home);
        command.env("HOME", home.parent().unwrap());
        command.output().await.unwrap()
    }
}
