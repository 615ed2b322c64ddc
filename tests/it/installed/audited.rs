//! Audits by the pods themselves: of two replicas one audits, and the other does once that one is gone.

use std::time::Duration;

use kube::api::PostParams;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::World;
use super::service::Replica;
use crate::metrics::assert_accepted;

pub(super) const FINDING: &str =
    "tiller_guard_audit_findings{rule=\"service-account\",mode=\"enforce\"} ";
const INCOMPLETE: &str = "tiller_guard_audit_incomplete ";
const WORDS: [&str; 1] = ["--audit-interval=1"];

impl Replica {
    /// What it shows of audits.
    async fn audit(&self) -> Vec<String> {
        let told = self.metrics().await;
        let lines = told.lines().filter(|it| it.contains("tiller_guard_audit_"));
        lines.map(ToOwned::to_owned).collect()
    }

    /// Waits until a line about audits begins so.
    pub(super) async fn until_audited(&self, start: &str) {
        let end = Instant::now() + Duration::from_mins(1);
        while !self.audit().await.iter().any(|it| it.starts_with(start)) {
            let log = self.server.log();
            assert!(
                Instant::now() < end,
                "{start} in {:?}\n{log}",
                self.audit().await
            );
            sleep(Duration::from_millis(200)).await;
        }
    }
}

impl World {
    async fn install_auditing(&self) {
        let words = [
            "install",
            self.service_port,
            "--wait=0",
            "--audit-interval=1",
        ];
        let installed = self.run(&words).await;
        assert_eq!(
            installed.status.code(),
            Some(0),
            "{}",
            super::said(&installed)
        );
    }

    pub(super) async fn add_namespace(&self, name: &str) {
        let namespaces = self.objects("", "v1", "Namespace", "");
        let object = json!({ "metadata": { "name": name } });
        let object = serde_json::from_value(object).unwrap();
        namespaces
            .create(&PostParams::default(), &object)
            .await
            .unwrap();
    }
}

/// With the rights that `install --audit-interval` gives, and no others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_replica_audits_and_its_death_hands_over() {
    let world = World::enter().await;
    world.add_tiller("audited-a").await;
    world.install_auditing().await;
    let mut service = world.serve(2, &WORDS).await;
    let has_leases = world.cluster.version() >= (1, 12);

    let end = Instant::now() + Duration::from_mins(1);
    let auditor = loop {
        let mut auditing = Vec::new();
        for (index, replica) in service.replicas.iter().enumerate() {
            if !replica.audit().await.is_empty() {
                auditing.push(index);
            }
        }
        if let (Some(first), true) = (auditing.first(), has_leases || auditing.len() == 2) {
            assert!(!has_leases || auditing.len() == 1, "{auditing:?}");
            break *first;
        }
        assert!(Instant::now() < end, "{}", service.replicas[0].server.log());
        sleep(Duration::from_millis(100)).await;
    };
    let other = 1 - auditor;
    service.replicas[auditor].until_audited(FINDING).await;
    service.replicas[auditor]
        .until_audited(&format!("{INCOMPLETE}0"))
        .await;
    assert_accepted(&service.replicas[auditor].metrics().await);
    if has_leases {
        assert_eq!(service.replicas[other].audit().await, [""; 0]);
        let gone = service.remove(auditor);
        gone.end("KILL").await;
        let left = &service.replicas[0];
        left.until_audited(FINDING).await;
        assert_accepted(&left.metrics().await);
    }

    // A list that fails does not read as clean.
    let left = service.replicas.last().unwrap();
    let role = world.objects("rbac.authorization.k8s.io", "v1", "ClusterRole", "");
    let mut rules = role.get("tiller-guard").await.unwrap();
    let kept = rules.data["rules"].as_array_mut().unwrap();
    kept.retain(|rule| rule["resources"] != json!(["ingresses"]));
    role.replace("tiller-guard", &PostParams::default(), &rules)
        .await
        .unwrap();
    left.until_audited(&format!("{INCOMPLETE}1")).await;
    left.until_logged("the audit is incomplete").await;
    left.until_audited(FINDING).await;

    let gone = world.run(&["uninstall"]).await;
    let told = super::said(&gone);
    assert_eq!(
        told.contains("deleted   Lease tiller-guard/tiller-guard"),
        has_leases,
        "{told}"
    );
    world.remove_tiller("audited-a").await;
}
