//! A team that is taken away.

use kube::api::ListParams;
use serde_json::json;

use super::cluster::{World, assert_tells, command, done, make, provision, refused};
use crate::offline::Run;

fn deprovision(team: &str, words: &[&str]) -> Run {
    command(&["deprovision", team], words)
}

/// A record of a release, as Tiller keeps it.
async fn release(world: &World, namespace: &str, name: &str) {
    let record = json!({ "stringData": { "release": "x" }, "metadata": { "labels": { "OWNER": "TILLER" } } });
    world.apply("v1", "Secret", namespace, name, record).await;
}

#[tokio::test]
async fn a_team_is_taken_away_but_for_its_namespaces_and_releases() {
    let world = World::create().await;
    let two = ["--user=ada", "--target-namespace=p-gone-2"];
    done(make("p-gone", &two));
    release(&world, "p-gone-t", "shop.v1").await;
    let told = refused(make("p-gone", &["--user=ada"]), 2);
    assert_tells(&told, "deprovision p-gone --target-namespace p-gone-2");
    // An option that is left out keeps what there is.
    let again = done(provision(&["p-gone", "--no-wait"]));
    assert_eq!(again, "p-gone: nothing to change; 21 objects\n");
    let dropped = deprovision(
        "p-gone",
        &["--target-namespace=p-gone-2", "--yes", "--no-wait"],
    );
    assert_tells(&done(dropped), "RoleBinding p-gone-2/tiller-p-gone deleted");

    let told = refused(deprovision("p-gone", &[]), 2);
    assert_tells(&told, "  Deployment p-gone-t/tiller-deploy\n");
    assert_tells(&told, "cannot ask without a terminal: pass --yes");
    assert!(!told.contains("Namespace"), "{told}");
    // What is not there is not named.
    assert!(!told.contains("p-gone-2"), "{told}");

    let gone = done(deprovision("p-gone", &["--yes"]));
    assert_eq!(gone.matches(" deleted\n").count(), 16, "{gone}");
    assert_tells(&gone, "p-gone: the namespaces p-gone-t and p-gone stay\n");
    let stays = "1 release stays recorded, in 1 Secret of p-gone-t: tiller-guard releases list -n p-gone-t\n";
    assert_tells(&gone, &format!("p-gone: {stays}"));
    assert_tells(&told, stays);
    let record = world.secret("p-gone-t", "shop.v1").await;
    assert_eq!(record["metadata"]["labels"]["OWNER"], "TILLER");
    assert_eq!(world.labelled("p-gone").await, Vec::<String>::new());
    let again = refused(deprovision("p-gone", &["--yes"]), 2);
    assert_tells(&again, "there is no team \"p-gone\"");
}

#[tokio::test]
async fn records_of_releases_go_when_that_is_asked_for_and_nothing_else_of_others() {
    let world = World::create().await;
    done(make("p-records", &[]));
    release(&world, "p-records-t", "shop.v1").await;
    release(&world, "p-records-t", "shop.v2").await;
    // Not in Tiller's namespace, and not Tiller's.
    release(&world, "p-records", "shop.v1").await;
    let own = json!({ "stringData": { "password": "x" } });
    world.apply("v1", "Secret", "p-records-t", "own", own).await;

    let listed = refused(deprovision("p-records", &["--delete-releases"]), 2);
    assert_tells(
        &listed,
        "  Secret p-records-t/shop.v1\n  Secret p-records-t/shop.v2\n  ConfigMap tiller-guard/p-records\n",
    );
    let tried = done(deprovision(
        "p-records",
        &["--delete-releases", "--yes", "--dry-run"],
    ));
    assert_tells(
        &tried,
        "p-records: Secret p-records-t/shop.v1 deleted (dry run)\n",
    );
    assert_eq!(
        secrets(&world, "p-records-t").await,
        ["own", "shop.v1", "shop.v2", "tiller-tls"]
    );

    let gone = done(deprovision("p-records", &["--delete-releases", "--yes"]));
    // Tiller goes first; the registration last, so that a run that was killed can be run again.
    assert!(
        gone.starts_with("p-records: Deployment p-records-t/tiller-deploy deleted\n"),
        "{gone}"
    );
    assert_tells(
        &gone,
        "p-records: Secret p-records-t/shop.v1 deleted\n\
         p-records: Secret p-records-t/shop.v2 deleted\n\
         p-records: ConfigMap tiller-guard/p-records deleted\n\
         p-records: the namespaces p-records-t and p-records stay\n",
    );
    assert_eq!(secrets(&world, "p-records-t").await, ["own"]);
    assert_eq!(secrets(&world, "p-records").await, ["shop.v1"]);
    assert_eq!(world.labelled("p-records").await, Vec::<String>::new());
}

/// The names of a namespace's Secrets but for accounts' tokens.
async fn secrets(world: &World, namespace: &str) -> Vec<String> {
    let parameters = ListParams::default().fields("type!=kubernetes.io/service-account-token");
    let found = world.api("v1", "Secret", namespace).list(&parameters).await;
    let names = found.unwrap().items.into_iter();
    names.filter_map(|it| it.metadata.name).collect()
}
