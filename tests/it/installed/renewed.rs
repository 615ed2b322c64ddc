//! The CronJob that `install --renew-certificates` brings, carried out with its own account.

use std::fs;
use std::time::{Duration, SystemTime};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tiller_guard::pki::team::{Server, TeamCa};
use tiller_guard::provision::CHECKSUM_ANNOTATION;

use super::{World, said};
use crate::cluster::Folder;

const ACCOUNT: &str = "system:serviceaccount:tiller-guard:renew-certificates";
/// Less than a third is left of what began ten minutes ago.
const SHORT: Duration = Duration::from_mins(4);

/// The arguments of a workload's container.
fn arguments(pod: &Value) -> Vec<String> {
    let words = pod["containers"][0]["args"].as_array().unwrap().iter();
    words.map(|it| it.as_str().unwrap().to_owned()).collect()
}

/// Gives Tiller a certificate that is due.
async fn make_due(world: &World) {
    let secret = world.secrets().get("team-renewed-ca").await.unwrap();
    let file = |name: &str| &secret.data.as_ref().unwrap()[name].0;
    let ca = TeamCa::read(file("tls.crt"), file("tls.key")).unwrap();
    let place = Server {
        namespace: "renewed-t",
        cluster_domain: "cluster.local",
    };
    let due = ca.issue_server(place, SystemTime::now(), SHORT);
    let due = due.unwrap();
    let data = json!({ "data": {
        "tls.crt": BASE64_STANDARD.encode(due.certificate.pem()),
        "tls.key": BASE64_STANDARD.encode(due.key.pem().as_bytes()),
    } });
    let secrets = world.objects("", "v1", "Secret", "renewed-t");
    let (parameters, data) = (PatchParams::default(), Patch::Merge(&data));
    let patched = secrets.patch("tiller-tls", &parameters, &data).await;
    drop(patched.unwrap());
}

async fn checksum(world: &World) -> Value {
    let tillers = world.objects("apps", "v1", "Deployment", "renewed-t");
    let tiller = tillers.get("tiller-deploy").await.unwrap();
    tiller.data["spec"]["template"]["metadata"]["annotations"][CHECKSUM_ANNOTATION].clone()
}

#[tokio::test]
async fn the_cron_job_renews_with_its_own_account_and_nobody_elses_rights() {
    let world = World::enter().await;
    let install = ["install", world.service_port, "--wait=0"];
    let with = [&install[..], &["--renew-certificates"]].concat();
    let installed = world.run(&with).await;
    assert_eq!(installed.status.code(), Some(0), "{}", said(&installed));
    let version = if world.cluster.version() >= (1, 21) {
        "v1"
    } else {
        "v1beta1"
    };
    let jobs = world.objects("batch", version, "CronJob", "tiller-guard");
    let job = jobs.get("renew-certificates").await.unwrap();
    let job = arguments(&job.data["spec"]["jobTemplate"]["spec"]["template"]["spec"]);
    let deployments = world.objects("apps", "v1", "Deployment", "tiller-guard");
    let serving = deployments.get("tiller-guard").await.unwrap();
    let serving = arguments(&serving.data["spec"]["template"]["spec"]);
    let known = serving.iter().find(|it| it.starts_with("--administrator="));

    let policies = world.objects("", "v1", "ConfigMap", "tiller-guard");
    let policy = policies.get("tiller-guard-policy").await.unwrap();
    let folder = Folder::create().unwrap();
    let policy = policy.data["data"]["policy.yaml"].as_str().unwrap();
    let policy = folder.write("policy.yaml", policy).unwrap();
    let job: Vec<_> = job
        .iter()
        .map(|word| word.replace("/etc/tiller-guard/policy.yaml", &policy))
        .collect();
    let job: Vec<_> = job.iter().map(String::as_str).collect();
    let kubeconfig = world.cluster.kubeconfig_as(ACCOUNT).unwrap();
    let renew = || World::run_with(&kubeconfig, &job);

    let service = world.serve(1, &[known.unwrap()]).await;
    world.until_told("protected-namespace").await;
    let words = [
        "provision",
        "renewed",
        "--tiller-namespace=renewed-t",
        "--target-namespace=renewed",
        "--user=ada",
        "--no-wait",
    ];
    let made = world.run(&words).await;
    assert_eq!(made.status.code(), Some(0), "{}", said(&made));
    let told = renew().await;
    assert_eq!(said(&told), "renewed: nothing is due\n");

    let before = checksum(&world).await;
    make_due(&world).await;
    let told = renew().await;
    assert_eq!(told.status.code(), Some(0), "{}", said(&told));
    for line in [
        "renewed: this restarts Tiller",
        "renewed: Secret renewed-t/tiller-tls updated",
        "renewed: Deployment renewed-t/tiller-deploy updated",
    ] {
        assert!(said(&told).contains(line), "{}", said(&told));
    }
    assert_ne!(checksum(&world).await, before);

    // The pods that answer have no access to the CAs.
    let reads = World::run_with(&world.kubeconfig_of_guard, &["provision", "certs"]).await;
    assert_eq!(reads.status.code(), Some(4), "{}", said(&reads));

    // A guard that was not told of the account knows no such administrator.
    drop(service);
    let service = world.serve(1, &[]).await;
    world.until_told("protected-namespace").await;
    make_due(&world).await;
    let told = renew().await;
    assert_eq!(told.status.code(), Some(4), "{}", said(&told));
    assert!(
        said(&told).contains("is not an administrator"),
        "{}",
        said(&told)
    );

    let gone = world.run(&["deprovision", "renewed", "--yes"]).await;
    assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
    drop(service);
    fs::remove_file(&policy).unwrap();
    for words in [&install[..], &["uninstall"]] {
        let before = world.run(&with).await;
        assert_eq!(before.status.code(), Some(0), "{}", said(&before));
        let gone = world.run(words).await;
        assert_eq!(gone.status.code(), Some(0), "{}", said(&gone));
        for object in [
            "CronJob tiller-guard/renew-certificates",
            "ClusterRole tiller-guard-renew-certificates",
        ] {
            let line = format!("deleted   {object}\n");
            assert!(said(&gone).contains(&line), "{}", said(&gone));
        }
        assert!(jobs.get_opt("renew-certificates").await.unwrap().is_none());
    }
}
