//! Findings of the pods' audits as objects in the cluster, of `openreports.io` and of `wgpolicyk8s.io`.

use std::time::Duration;

use kube::api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::World;
use super::audited::FINDING;
use super::service::Replica;
use crate::cluster::resource;
use crate::suite::Feature;

const NAME: &str = "tiller-guard-audit";
const WORDS: [&str; 2] = ["--audit-interval=1", "--audit-reports=report"];

/// The definitions of an API's two kinds, with what the published ones bind an object to: the fields, their types, and the words of
/// `severity` and `result`. What is no field is dropped by the API server.
///
/// Source: the custom resource definitions of `openreports/reports-api` 0.2 (`config/crd`), and of `kubernetes-sigs/wg-policy-prototypes`
/// (`policy-report/crd/v1alpha2`).
fn definitions(group: &str, version: &str, kinds: [&str; 2]) -> [Value; 2] {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "integer" });
    let fields = |names: &[&str], value: &Value| -> Value {
        names
            .iter()
            .map(|it| ((*it).to_owned(), value.clone()))
            .collect()
    };
    let names = [
        "apiVersion",
        "fieldPath",
        "kind",
        "name",
        "namespace",
        "resourceVersion",
        "uid",
    ];
    let object = json!({ "type": "object", "properties": fields(&names, &text) });
    let mut result = fields(&["category", "message", "policy", "rule", "source"], &text);
    result["properties"] = json!({ "type": "object", "additionalProperties": text });
    result["resources"] = json!({ "type": "array", "items": object });
    result["scored"] = json!({ "type": "boolean" });
    result["severity"] =
        json!({ "type": "string", "enum": ["critical", "high", "low", "medium", "info"] });
    result["result"] =
        json!({ "type": "string", "enum": ["pass", "fail", "warn", "error", "skip"] });
    let summary = fields(&["pass", "fail", "warn", "error", "skip"], &number);
    let schema = json!({
        "type": "object",
        "properties": {
            "apiVersion": text,
            "kind": text,
            "metadata": { "type": "object" },
            "source": text,
            "scope": object,
            "summary": { "type": "object", "properties": summary },
            "results": {
                "type": "array",
                "items": { "type": "object", "required": ["policy"], "properties": result },
            },
        },
    });
    [(kinds[0], "Namespaced"), (kinds[1], "Cluster")].map(|(kind, scope)| {
        let singular = kind.to_lowercase();
        let plural = format!("{singular}s");
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("{plural}.{group}") },
            "spec": {
                "group": group,
                "scope": scope,
                "names": {
                    "kind": kind, "listKind": format!("{kind}List"), "plural": plural, "singular": singular,
                },
                "versions": [{
                    "name": version,
                    "served": true,
                    "storage": true,
                    "schema": { "openAPIV3Schema": schema },
                }],
            },
        })
    })
}

fn open_reports() -> [Value; 2] {
    definitions("openreports.io", "v1alpha1", ["Report", "ClusterReport"])
}

impl World {
    async fn define(&self, definitions: &[Value; 2]) {
        let api = self.objects("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "");
        for definition in definitions {
            let object = serde_json::from_value(definition.clone()).unwrap();
            api.create(&PostParams::default(), &object).await.unwrap();
        }
    }

    async fn undefine(&self, definitions: &[Value; 2]) {
        let api = self.objects("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "");
        for definition in definitions {
            let name = definition["metadata"]["name"].as_str().unwrap();
            api.delete(name, &DeleteParams::default()).await.unwrap();
        }
    }

    /// Adds a namespace with a Tiller that nothing controls, from before the guard.
    pub(super) async fn add_tiller(&self, namespace: &str) {
        self.add_namespace(namespace).await;
        let pods = self.objects("", "v1", "Pod", namespace);
        let pod = json!({
            "metadata": { "name": "tiller" },
            "spec": {
                "automountServiceAccountToken": false,
                "containers": [{ "name": "tiller", "image": "ghcr.io/helm/tiller:v2.17.0" }],
            },
        });
        let pod = serde_json::from_value(pod).unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        // The service account comes a moment after the namespace.
        while pods.create(&PostParams::default(), &pod).await.is_err() {
            assert!(Instant::now() < end, "no pod can be created");
            sleep(Duration::from_millis(200)).await;
        }
    }

    pub(super) async fn remove_tiller(&self, namespace: &str) {
        let pods = self.objects("", "v1", "Pod", namespace);
        let now = DeleteParams::default().grace_period(0);
        drop(pods.delete("tiller", &now).await.unwrap());
    }

    async fn report(&self, kind: &str, namespace: &str) -> Option<DynamicObject> {
        let api = self.objects("openreports.io", "v1alpha1", kind, namespace);
        api.get_opt(NAME).await.unwrap()
    }

    /// Waits until a report is there and is so.
    async fn until_reported(
        &self,
        (kind, namespace): (&str, &str),
        auditor: &Replica,
        is_so: impl Fn(Option<&DynamicObject>) -> bool,
    ) -> Option<DynamicObject> {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.report(kind, namespace).await;
            if is_so(found.as_ref()) {
                return found;
            }
            assert!(
                Instant::now() < end,
                "{kind} {namespace}: {found:?}\n{}",
                auditor.server.log()
            );
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Lets the guard list Ingresses, or not.
    async fn let_list_ingresses(&self, may: bool) {
        let role = self.objects("rbac.authorization.k8s.io", "v1", "ClusterRole", "");
        let mut rules = role.get("tiller-guard").await.unwrap();
        let kept = rules.data["rules"].as_array_mut().unwrap();
        if may {
            kept.push(json!({ "apiGroups": ["networking.k8s.io"], "resources": ["ingresses"], "verbs": ["list"] }));
        } else {
            kept.retain(|rule| rule["resources"] != json!(["ingresses"]));
        }
        role.replace("tiller-guard", &PostParams::default(), &rules)
            .await
            .unwrap();
    }
}

/// Waits until two more audits have ended.
async fn audits_go_on(auditor: &Replica) {
    let ended = async || {
        let told = auditor.metrics().await;
        let line = told
            .lines()
            .find_map(|it| it.strip_prefix("tiller_guard_audit_timestamp_seconds "));
        line.map(ToOwned::to_owned)
    };
    for _ in 0..2 {
        let before = ended().await;
        let end = Instant::now() + Duration::from_secs(30);
        while ended().await == before {
            assert!(Instant::now() < end, "{}", auditor.server.log());
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// With the rights that `install --audit-reports` gives, and no others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn findings_are_objects_that_go_with_what_they_are_about() {
    let world = World::enter().await;
    if Feature::Definitions.is_missing(world.cluster.version()) {
        return;
    }
    for namespace in ["reported-a", "reported-b", "reported-c"] {
        world.add_tiller(namespace).await;
    }
    let install = ["install", world.service_port, "--wait=0"];
    let installed = world.run(&[&install[..], &WORDS].concat()).await;
    assert_eq!(
        installed.status.code(),
        Some(0),
        "{}",
        super::said(&installed)
    );
    let service = world.serve(1, &WORDS).await;
    let auditor = &service.replicas[0];

    // Without the definitions the metrics are there all the same.
    auditor.until_audited(FINDING).await;
    let missing = "install the CustomResourceDefinitions of openreports.io";
    auditor.until_logged(missing).await;

    // One that somebody else made stays as it is.
    world.define(&open_reports()).await;
    let reports = world.objects("openreports.io", "v1alpha1", "Report", "reported-b");
    let foreign = json!({ "metadata": { "name": NAME }, "results": [] });
    let mut foreign: DynamicObject = serde_json::from_value(foreign).unwrap();
    foreign.types = Some(kube::core::TypeMeta {
        api_version: "openreports.io/v1alpha1".to_owned(),
        kind: "Report".to_owned(),
    });
    let end = Instant::now() + Duration::from_secs(30);
    while reports
        .create(&PostParams::default(), &foreign)
        .await
        .is_err()
    {
        assert!(Instant::now() < end, "no Report can be created");
        sleep(Duration::from_millis(50)).await;
    }
    let place = ("Report", "reported-a");
    let found = world
        .until_reported(place, auditor, |it| it.is_some())
        .await;
    let found = found.unwrap();
    let results = found.data["results"].as_array().unwrap();
    assert_eq!(found.data["summary"]["fail"], results.len(), "{found:?}");
    for result in results {
        assert_eq!(result["resources"][0]["namespace"], "reported-a");
        assert_eq!(result["resources"][0]["name"], "tiller");
    }
    let has = |rule| results.iter().any(|it| it["rule"] == rule);
    assert!(has("service-account") && has("tls-disabled"), "{found:?}");

    // What holds is not written again, and what somebody edits is.
    audits_go_on(auditor).await;
    let again = world.report("Report", "reported-a").await.unwrap();
    assert_eq!(
        again.metadata.resource_version,
        found.metadata.resource_version
    );
    let reports = world.objects("openreports.io", "v1alpha1", "Report", "reported-a");
    let edit = Patch::Merge(json!({ "results": [], "metadata": { "labels": { "mine": "1" } } }));
    reports
        .patch(NAME, &PatchParams::default(), &edit)
        .await
        .unwrap();
    let mended = world
        .until_reported(place, auditor, |it| {
            it.is_some_and(|it| it.data["results"] == found.data["results"])
        })
        .await
        .unwrap();
    assert_eq!(mended.metadata.labels.unwrap()["mine"], "1");
    let kept = world.report("Report", "reported-b").await.unwrap();
    assert_eq!(kept.data["results"], json!([]));
    auditor
        .until_logged("Report reported-b/tiller-guard-audit was not made by tiller-guard")
        .await;

    // An audit that is not complete says so, and cleans nothing.
    world.let_list_ingresses(false).await;
    let of_cluster = ("ClusterReport", "");
    let is_error = |it: Option<&DynamicObject>| {
        it.is_some_and(|it| it.data["results"][0]["result"] == "error")
    };
    world.until_reported(of_cluster, auditor, is_error).await;
    world.remove_tiller("reported-a").await;
    audits_go_on(auditor).await;
    assert!(world.report("Report", "reported-a").await.is_some());
    world.let_list_ingresses(true).await;
    world
        .until_reported(place, auditor, |it| it.is_none())
        .await;
    assert!(world.report("Report", "reported-c").await.is_some());

    let gone = world.run(&["uninstall"]).await;
    let told = super::said(&gone);
    let deleted = "deleted   Report reported-c/tiller-guard-audit\n";
    assert!(told.contains(deleted), "{told}");
    assert!(world.report("Report", "reported-b").await.is_some());
    for namespace in ["reported-b", "reported-c"] {
        world.remove_tiller(namespace).await;
    }
    world.undefine(&open_reports()).await;
}

/// Neither the pods nor their rights know of reports that nobody asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_older_api_is_written_if_asked_for_and_none_if_not() {
    let world = World::enter().await;
    if Feature::Definitions.is_missing(world.cluster.version()) {
        return;
    }
    let kinds = ["PolicyReport", "ClusterPolicyReport"];
    let older = definitions("wgpolicyk8s.io", "v1alpha2", kinds);
    world.define(&older).await;
    world.define(&open_reports()).await;
    world.add_tiller("reported-d").await;
    let policy_reports = ["--audit-interval=1", "--audit-reports=policyreport"];
    let all = [
        ("wgpolicyk8s.io", "v1alpha2", "PolicyReport"),
        ("openreports.io", "v1alpha1", "Report"),
    ];
    for (words, written) in [(&policy_reports[..1], 0), (&policy_reports[..], 1)] {
        let install = ["install", world.service_port, "--wait=0"];
        let installed = world.run(&[&install[..], words].concat()).await;
        assert_eq!(
            installed.status.code(),
            Some(0),
            "{}",
            super::said(&installed)
        );
        let role = world.objects("rbac.authorization.k8s.io", "v1", "ClusterRole", "");
        let rules = role.get("tiller-guard").await.unwrap().data["rules"].to_string();
        assert_eq!(rules.contains("\"policyreports\""), written == 1, "{rules}");
        assert!(!rules.contains("openreports.io"), "{rules}");
        let service = world.serve(1, words).await;
        let auditor = &service.replicas[0];
        auditor.until_audited(FINDING).await;
        audits_go_on(auditor).await;
        for ((group, version, kind), wanted) in all.into_iter().zip([written, 0]) {
            let api = kube::Api::<DynamicObject>::all_with(
                world.client.clone(),
                &resource(group, version, kind),
            );
            let found = api.list(&ListParams::default()).await.unwrap().items;
            let here = found
                .iter()
                .filter(|it| it.metadata.namespace.as_deref() == Some("reported-d"));
            assert_eq!(here.count(), wanted, "{kind}\n{}", auditor.server.log());
            for report in found {
                assert!(
                    !report.data["results"].as_array().unwrap().is_empty(),
                    "{report:?}"
                );
            }
        }
    }
    let gone = world.run(&["uninstall"]).await;
    let told = super::said(&gone);
    assert!(
        told.contains("deleted   PolicyReport reported-d/tiller-guard-audit\n"),
        "{told}"
    );
    world.remove_tiller("reported-d").await;
    world.undefine(&older).await;
    world.undefine(&open_reports()).await;
}
