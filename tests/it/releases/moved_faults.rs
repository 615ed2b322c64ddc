//! What networks, API servers, Tillers and kills do to `move`.

use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::migrated::migrated;
use super::moved::{all, create, found, kubeconfig, moved, records_of, world};
use crate::api_server::World;
use crate::provision::proxy::{Asked, Fate, Proxy, killed_after};

macro_rules! each_request_meets_once {
    ($($name:ident: $namespace:literal, $fate:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let world = world($namespace, "plain").await;
            let proxy = Proxy::once_each(world.client.clone(), $fate).await;
            let run = moved(&proxy.kubeconfig(), $namespace, &["--to=secrets"]).await;
            assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
            assert_eq!(found(&world).await, all("plain", "Secret"));
        }
    )*};
}

each_request_meets_once! {
    a_conflict: "move-409", Fate::Fails(409);
    an_overloaded_server: "move-429", Fate::Fails(429);
    a_failing_server: "move-500", Fate::Fails(500);
    a_lost_connection: "move-lost", Fate::Lost;
    a_lost_answer: "move-answer", Fate::AnswerLost;
}

/// The first copy cannot be stored, and then the first old record not set aside, and so on.
#[tokio::test]
async fn what_fails_for_good_loses_nothing() {
    let world = world("move-422", "plain").await;
    for (method, code) in [
        ("POST", 422),
        ("POST", 403),
        ("PATCH", 403),
        ("PATCH", 500),
        ("DELETE", 403),
    ] {
        let fate = move |asked: &[Asked]| {
            let last = asked.last().unwrap();
            if last.method == method {
                Fate::Fails(code)
            } else {
                Fate::Passes
            }
        };
        let proxy = Proxy::start(world.client.clone(), fate).await;
        let run = moved(&proxy.kubeconfig(), "move-422", &["--to=secrets"]).await;
        assert_eq!(
            run.code,
            Some(4),
            "{method} {code}: {}{}",
            run.stdout,
            run.stderr
        );
        assert!(run.stderr.contains("made up by the test"), "{}", run.stderr);
        assert!(run.stderr.contains("/plain.v"), "{}", run.stderr);
        let texts = all("plain", "ConfigMap");
        let now = found(&world).await;
        for text in texts.values() {
            assert!(now.values().any(|it| it == text), "{method} {code}");
        }
    }
    let run = moved(&kubeconfig(), "move-422", &["--to=secrets"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
}

/// Killed after each of its writes, and run again.
#[tokio::test]
async fn killed_anywhere_it_takes_up_where_it_ended() {
    let world = world("move-killed", "plain").await;
    for writes in 0..12 {
        let words = ["releases", "move", "-n", "move-killed", "--to=secrets"];
        let _ended = killed_after(writes, world.client.clone(), &words).await;
        let now = found(&world).await;
        for text in all("plain", "ConfigMap").values() {
            assert!(now.values().any(|it| it == text), "{writes}");
        }
        // Every other time it is finished, and the next begins anew.
        if writes % 2 == 1 {
            let run = moved(&kubeconfig(), "move-killed", &["--to=secrets"]).await;
            assert_eq!(run.code, Some(0), "{}", run.stderr);
            assert_eq!(found(&world).await, all("plain", "Secret"));
            let back = moved(&kubeconfig(), "move-killed", &["--to=configmaps"]).await;
            assert_eq!(back.code, Some(0), "{}", back.stderr);
            assert_eq!(found(&world).await, all("plain", "ConfigMap"));
        }
    }
}

/// A Tiller that nobody stopped writes a revision while the copies are made, and deletes another.
#[tokio::test]
async fn what_tiller_writes_meanwhile_is_taken_along() {
    let world = world("move-between", "plain").await;
    let new = records_of("desc").remove(0);
    let client = world.client.clone();
    let fate = move |asked: &[Asked]| {
        let (last, before) = asked.split_last().unwrap();
        let is_first = |it: &&Asked| it.writes();
        if last.writes() && before.iter().find(is_first).is_none() {
            let (client, new) = (client.clone(), new.clone());
            tokio::spawn(async move {
                let world = World {
                    client,
                    namespace: "move-between".to_owned(),
                };
                create(&world, new).await;
                let maps = world.objects("", "v1", "ConfigMap");
                let _gone = maps
                    .delete("plain.v2", &DeleteParams::default())
                    .await
                    .unwrap();
            });
            return Fate::Slow;
        }
        Fate::Passes
    };
    let proxy = Proxy::start(world.client.clone(), fate).await;
    let run = moved(
        &proxy.kubeconfig(),
        "move-between",
        &["--to=secrets", "--keep"],
    )
    .await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let now = found(&world).await;
    let tillers: Vec<_> = now.keys().filter(|it| it.ends_with("TILLER")).collect();
    assert_eq!(
        tillers,
        [
            "Secret desc.v1 TILLER",
            "Secret plain.v1 TILLER",
            "Secret plain.v3 TILLER",
            "Secret plain.v4 TILLER"
        ],
        "{}",
        run.stdout
    );
}

/// After a move, Tiller ran with its old storage for a while, where it saw no release, and somebody installed one again. Its record has
/// the name of an old one, which Tiller writes over if it was kept.
#[tokio::test]
async fn a_tiller_that_went_back_costs_no_release() {
    for (namespace, words) in [
        ("move-went", &["--to=secrets"][..]),
        ("move-went-keep", &["--to=secrets", "--keep"]),
    ] {
        let world = world(namespace, "plain").await;
        let run = moved(&kubeconfig(), namespace, words).await;
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let mut again = records_of("plain").remove(0);
        again["data"] = records_of("plain").remove(1)["data"].clone();
        if words.len() == 1 {
            create(&world, again).await;
        } else {
            let name = again["metadata"]["name"].as_str().unwrap().to_owned();
            let maps = world.objects("", "v1", "ConfigMap");
            let there = maps.get(&name).await.unwrap();
            let labels = again["metadata"]["labels"].clone();
            again["metadata"] = json!({
                "name": name, "labels": labels, "resourceVersion": there.metadata.resource_version,
            });
            let again = serde_json::from_value(again).unwrap();
            let replaced = maps.replace(&name, &PostParams::default(), &again).await;
            let _replaced = replaced.unwrap();
        }
        let before = found(&world).await;
        for to in ["--to=secrets", "--to=configmaps"] {
            let run = moved(&kubeconfig(), namespace, &[to]).await;
            assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
            let told =
                "1 in both storages, with another content in each: plain.v1; if Tiller went back";
            assert!(run.stderr.contains(told), "{}", run.stderr);
            assert_eq!(found(&world).await, before);
        }
    }
}

#[tokio::test]
async fn a_record_with_other_keys_is_named_and_kept() {
    let world = world("move-keys", "plain").await;
    let mut other = records_of("desc").remove(0);
    other["data"]["note"] = json!("mine");
    create(&world, other).await;
    let before = found(&world).await;
    let run = moved(&kubeconfig(), "move-keys", &["--to=secrets"]).await;
    assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
    let told = "1 with other keys than `release`, which Tiller drops when it writes the record: desc.v1: note; remove these keys";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    assert_eq!(found(&world).await, before);
}

/// What Tiller does not find, though it is labelled for it, does not stay behind unnoticed.
#[tokio::test]
async fn records_that_are_labelled_in_another_spelling_are_named() {
    let namespace = "move-spelling";
    let world = world(namespace, "plain").await;
    let maps = world.objects("", "v1", "ConfigMap");
    let label = async |name: &str, owner: Value, other: Value| {
        let labels = json!({ "OWNER": owner, "owner": other });
        let patch = Patch::Merge(json!({ "metadata": { "labels": labels } }));
        let _labelled = maps
            .patch(name, &PatchParams::default(), &patch)
            .await
            .unwrap();
    };
    label("plain.v1", json!("tiller"), Value::Null).await;
    label("plain.v2", Value::Null, json!("TILLER")).await;
    let named = "ConfigMap move-spelling/plain.v1, ConfigMap move-spelling/plain.v2";
    for words in [&["--to=secrets", "--dry-run"][..], &["--to=secrets"]] {
        let run = moved(&kubeconfig(), namespace, words).await;
        assert_eq!(run.code, Some(1), "{}{}", run.stdout, run.stderr);
        let told = format!(
            "error: 2 without the label OWNER=TILLER, which Tiller does not find: {named}; label them or delete them, as `tiller-guard \
             releases list -n {namespace}` says, and run this again\n"
        );
        assert_eq!(run.stderr, told);
    }
    let migration = migrated(&kubeconfig(), namespace, &["--check"]).await;
    assert_eq!(migration.code, Some(1), "{}", migration.stderr);
    let told = format!(
        "no label OWNER=TILLER: {named}; label or delete them, as `tiller-guard releases list -n {namespace}` says"
    );
    assert!(migration.stdout.contains(&told), "{}", migration.stdout);
    for name in ["plain.v1", "plain.v2"] {
        label(name, json!("TILLER"), Value::Null).await;
    }
    let run = moved(&kubeconfig(), namespace, &["--to=secrets"]).await;
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(found(&world).await, all("plain", "Secret"));
}

/// Tiller reads a record whose fields stand there with their defaults, or twice, or that it does not know.
#[tokio::test]
async fn a_record_that_is_encoded_in_another_way_moves_as_it_is() {
    let namespace = "move-encoded";
    let world = world(namespace, "plain").await;
    for (name, first) in [
        ("web.v1", &b"\x42\x00"[..]),
        ("web.v2", b"\x0a\x01a\xa0\x06\x01\x38\x00"),
    ] {
        let mut other = records_of("desc").remove(0);
        let text = other["data"]["release"].as_str().unwrap();
        let message = tiller_guard::releases::message(text.as_bytes()).unwrap();
        let text = tiller_guard::releases::compress(&[first, &message].concat()).unwrap();
        other["data"]["release"] = json!(text);
        other["metadata"]["name"] = json!(name);
        create(&world, other).await;
    }
    let before = found(&world).await;
    let run = moved(&kubeconfig(), namespace, &["--to=secrets"]).await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let after = found(&world).await.into_iter();
    let after: Vec<_> = after
        .map(|(key, text)| (key.replace("Secret", "ConfigMap"), text))
        .collect();
    assert_eq!(after, before.clone().into_iter().collect::<Vec<_>>());
    let back = moved(&kubeconfig(), namespace, &["--to=configmaps"]).await;
    assert_eq!(back.code, Some(0), "{}{}", back.stdout, back.stderr);
    assert_eq!(found(&world).await, before);
}
