//! An API server before Kubernetes 1.13 stores what it is told to try: nothing is sent to it.

use super::cluster::{World, assert_tells, done, make};
use super::proxy::{Fate, Proxy, run_at};

const VERSION: &str = r#"{"major":"1","minor":"12","gitVersion":"v1.12.10"}"#;

#[tokio::test]
async fn a_server_that_ignores_dry_runs_is_sent_none_by_any_command() {
    let world = World::create().await;
    done(make("d-old", &["--user=ada"]));
    let proxy = Proxy::start(world.client.clone(), |asked| {
        match &*asked[asked.len() - 1].path {
            "/version" => Fate::Says(VERSION),
            _ => Fate::Passes,
        }
    })
    .await;
    let kubeconfig = proxy.kubeconfig();
    for words in [
        &["install"][..],
        &[
            "provision",
            "d-new",
            "--tiller-namespace=d-new-t",
            "--target-namespace=d-new",
        ],
        &["provision", "renew"],
        &["provision", "renew", "d-old"],
        &["provision", "rotate", "d-old"],
        &["provision", "rotate", "d-old", "--now"],
        &["provision", "grant", "d-old", "--user=bob"],
        &["provision", "revoke", "d-old", "--user=ada"],
        &["deprovision", "d-old"],
        &["deprovision", "d-old", "--target-namespace=d-old"],
    ] {
        let words = [words, &["--dry-run=server"]].concat();
        let run = run_at(&kubeconfig, &words).await;
        assert_eq!(run.code, Some(2), "{words:?}: {}{}", run.stdout, run.stderr);
        assert_eq!(run.stdout, "", "{words:?}");
        assert_tells(
            &run.stderr,
            "error: Kubernetes 1.12 ignores --dry-run=server and stores the objects; it needs 1.13 or newer. Use \
             --dry-run=client\n",
        );
    }
    let asked = proxy.asked();
    assert!(asked.iter().all(|it| !it.writes()), "{asked:?}");
}
