//! How objects get into a cluster, against a real API server.

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tiller_guard::cluster::apply::{
    Applied, ApplyError, Change, Desired, Effect, Expects, Foreign, Writer,
};
use tiller_guard::cluster::{Cluster, Reach};

use crate::api_server::{World, cluster, value};
use crate::suite::Feature;

const OWNER: &[&str] = &["app.kubernetes.io/managed-by", "tiller-guard.io/team"];

async fn writer(effect: Effect, expects: Expects) -> Writer {
    let reach = Reach {
        kubeconfig: Some(cluster().kubeconfig()),
        ..Reach::default()
    };
    Writer {
        cluster: Cluster::connect(&reach).await.unwrap(),
        owner: OWNER,
        adopt: false,
        effect,
        expects,
    }
}

fn role(world: &World, team: &str, verbs: &[&str]) -> Desired {
    Desired {
        object: json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {
                "namespace": world.namespace,
                "name": "people",
                "labels": { "app.kubernetes.io/managed-by": "tiller-guard", "tiller-guard.io/team": team },
            },
            "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": verbs }],
        }),
        foreign: Foreign::Refuse,
    }
}

async fn stored(world: &World) -> Option<Value> {
    let roles = world.objects("rbac.authorization.k8s.io", "v1", "Role");
    roles
        .get_opt("people")
        .await
        .unwrap()
        .map(|role| value(&role))
}

fn word(applied: &Result<Applied, ApplyError>) -> String {
    match applied {
        Ok(applied) => format!("{} {}", applied.object, applied.change.as_str()),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn an_object_is_made_kept_and_brought_up_to_date() {
    let world = World::create("apply-life").await;
    for (expects, verbs, done) in [
        (Expects::Absent, ["get"], "created"),
        (Expects::Absent, ["get"], "unchanged"),
        (Expects::Present, ["get"], "unchanged"),
        (Expects::Present, ["list"], "updated"),
        (Expects::Absent, ["get"], "updated"),
    ] {
        let writer = writer(Effect::Write, expects).await;
        let applied = writer.apply(&role(&world, "a", &verbs)).await;
        assert_eq!(word(&applied), format!("Role apply-life/people {done}"));
        assert_eq!(
            stored(&world).await.unwrap()["rules"][0]["verbs"],
            json!(verbs)
        );
    }
    let writer = writer(Effect::Write, Expects::Present).await;
    let Change::Updated { before } = writer
        .apply(&role(&world, "a", &["watch"]))
        .await
        .unwrap()
        .change
    else {
        panic!("not updated")
    };
    assert_eq!(before["rules"][0]["verbs"], json!(["get"]));
    assert_eq!(before["metadata"].get("uid"), None);
    let model = role(&world, "a", &[]).object;
    assert_eq!(
        word(&writer.delete(&model).await),
        "Role apply-life/people deleted"
    );
    assert_eq!(
        word(&writer.delete(&model).await),
        "Role apply-life/people absent"
    );
}

#[tokio::test]
async fn what_others_have_made_is_left_alone_unless_adopted() {
    let world = World::create("apply-foreign").await;
    let mut writer = writer(Effect::Write, Expects::Absent).await;
    writer.apply(&role(&world, "a", &["get"])).await.unwrap();

    let other = role(&world, "b", &["list"]);
    let refused = "Role apply-foreign/people already exists and was not made by tiller-guard (its label tiller-guard.io/team is \"a\"); pass --adopt to take it over";
    assert_eq!(word(&writer.apply(&other).await), refused);
    let stays = "Role apply-foreign/people was not made by tiller-guard (its label tiller-guard.io/team is \"a\")";
    assert_eq!(word(&writer.delete(&other.object).await), stays);
    let tolerant = Desired {
        foreign: Foreign::Leave,
        ..other.clone()
    };
    assert_eq!(
        word(&writer.apply(&tolerant).await),
        "Role apply-foreign/people left as it is"
    );
    assert_eq!(
        stored(&world).await.unwrap()["rules"][0]["verbs"],
        json!(["get"])
    );

    writer.adopt = true;
    assert_eq!(
        word(&writer.apply(&other).await),
        "Role apply-foreign/people updated"
    );
    assert_eq!(
        stored(&world).await.unwrap()["metadata"]["labels"]["tiller-guard.io/team"],
        "b"
    );
}

#[tokio::test]
async fn neither_a_look_nor_a_dry_run_stores_anything() {
    if Feature::DryRun.is_missing(cluster().version()) {
        return;
    }
    let world = World::create("apply-dry").await;
    for effect in [Effect::Look, Effect::ServerDryRun] {
        let writer = writer(effect, Expects::Absent).await;
        let applied = writer.apply(&role(&world, "a", &["get"])).await;
        assert_eq!(word(&applied), "Role apply-dry/people created");
        assert_eq!(stored(&world).await, None);
    }
    let real = writer(Effect::Write, Expects::Absent).await;
    real.apply(&role(&world, "a", &["get"])).await.unwrap();
    for effect in [Effect::Look, Effect::ServerDryRun] {
        let writer = writer(effect, Expects::Present).await;
        let changed = role(&world, "a", &["list"]);
        assert_eq!(
            word(&writer.apply(&changed).await),
            "Role apply-dry/people updated"
        );
        assert_eq!(
            word(&writer.delete(&changed.object).await),
            "Role apply-dry/people deleted"
        );
        assert_eq!(
            stored(&world).await.unwrap()["rules"][0]["verbs"],
            json!(["get"])
        );
    }
    let mut elsewhere = role(&world, "a", &["get"]);
    elsewhere.object["metadata"]["namespace"] = json!("apply-not-there-yet");
    let dry = writer(Effect::ServerDryRun, Expects::Absent).await;
    assert_eq!(
        word(&dry.apply(&elsewhere).await),
        "Role apply-not-there-yet/people created"
    );
    assert!(word(&real.apply(&elsewhere).await).contains("its namespace does not exist"));
}

#[tokio::test]
async fn the_second_of_two_at_once_sees_what_the_first_did() {
    let world = World::create("apply-at-once").await;
    let writer = writer(Effect::Write, Expects::Absent).await;
    let many = vec![role(&world, "a", &["get"]); 20];
    let applied: Vec<_> = writer.apply_all(&many).collect().await;
    let created = applied
        .iter()
        .filter(|it| word(it).ends_with("created"))
        .count();
    let unchanged = applied
        .iter()
        .filter(|it| word(it).ends_with("unchanged"))
        .count();
    assert_eq!((created, unchanged), (1, 19), "{applied:#?}");
}

#[tokio::test]
async fn what_the_api_server_does_not_accept_is_told_with_its_words() {
    let world = World::create("apply-invalid").await;
    let writer = writer(Effect::Write, Expects::Absent).await;
    let mut invalid = role(&world, "a", &["get"]);
    invalid.object["rules"][0]["verbs"] = json!([]);
    let error = word(&writer.apply(&invalid).await);
    assert!(
        error.starts_with("cannot create Role apply-invalid/people: ") && error.contains("verbs"),
        "{error}"
    );
    // The guard itself refuses this one.
    let mut tiller = world.helm_init("2.17.0-sa-ns");
    tiller["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
    let tiller = Desired {
        object: tiller,
        foreign: Foreign::Refuse,
    };
    let error = word(&writer.apply(&tiller).await);
    assert!(
        error.starts_with(
            "no right to create Deployment apply-invalid/tiller-deploy: admission webhook"
        ) && error.contains("host-access"),
        "{error}"
    );
}
