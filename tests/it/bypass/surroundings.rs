//! Tiller's certificates, and its pod from within and without.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::core::Status;
use serde_json::{Value, json};
use tiller_guard::pki::team::TeamCa;

use super::{create, eventually, tiller};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster};
use crate::knowledge;
use crate::knowledge::teams::{guards_namespace, team};
use crate::suite::Feature;

/// The same namespace by another user, who may do everything there.
async fn by(world: &World, user: &str) -> World {
    let namespace = &world.namespace;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": { "name": user },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin" },
        "subjects": [{ "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user }],
    });
    knowledge::create(world, &binding).await.unwrap();
    World {
        client: cluster()
            .client_as(user, &["system:authenticated"])
            .await
            .unwrap(),
        namespace: namespace.clone(),
    }
}

fn ca() -> TeamCa {
    TeamCa::create(
        "a",
        std::time::SystemTime::now(),
        std::time::Duration::from_hours(24),
    )
    .unwrap()
}

fn certificates(name: &str, ca: &TeamCa) -> Value {
    json!({
        "metadata": { "name": name },
        "data": { "ca.crt": STANDARD.encode(ca.certificate().pem()), "tls.crt": "QQ==", "tls.key": "QQ==" },
    })
}

#[tokio::test]
async fn row_26_another_ca_in_the_right_secret() {
    let world = World::create("row-26").await;
    let (own, other) = (ca(), ca());
    let digits = own
        .certificate()
        .fingerprint()
        .0
        .map(|it| format!("{it:02x}"));
    let data = json!({
        "tiller-namespace": "row-26", "service-account": "tiller", "ca-fingerprint": digits.concat(),
    });
    let guard = guards_namespace().await;
    knowledge::create(&guard, &team("row-26", &data))
        .await
        .unwrap();
    let ann = by(&world, "ann").await;
    let write = |world: World, secret: Value| async move {
        create(&world, "", "v1", "Secret", &secret).await
    };
    // A name of its own each time, until the team is known.
    let refused = eventually("refusal of a strange CA", || async {
        let answer = write(
            World {
                client: world.client.clone(),
                namespace: world.namespace.clone(),
            },
            certificates("tiller-tls", &other),
        )
        .await;
        if answer.is_ok() {
            knowledge::delete(&world, "Secret", "tiller-tls").await;
        }
        answer.err()
    })
    .await;
    assert_refused(Err(refused), "certificate-authority", "/data/ca.crt");
    for name in ["tiller-tls", "tiller-secret"] {
        let answer = create(&ann, "", "v1", "Secret", &certificates(name, &own)).await;
        assert_refused(answer, "certificate-secret", "/data");
    }
    create(
        &world,
        "",
        "v1",
        "Secret",
        &certificates("tiller-tls", &own),
    )
    .await
    .unwrap();
    let patch = json!({ "data": { "ca.crt": certificates("", &other)["data"]["ca.crt"] } });
    let answer = knowledge::refused_change(&ann, "Secret", "tiller-tls", &patch).await;
    assert_refused(answer.clone(), "certificate-secret", "/data");
    assert_refused(answer, "certificate-authority", "/data/ca.crt");
    knowledge::delete(&guard, "ConfigMap", "row-26").await;
}

/// What the API server says to a connection; of those that are let in, that there is no node to connect to.
async fn connect(world: &World, resource: &str, target: &str) -> Result<Value, Box<Status>> {
    let namespace = &world.namespace;
    let url = format!("/api/v1/namespaces/{namespace}/{resource}");
    let url = url.replace("NAME", target);
    let request = hyper::Request::get(url)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .body(Vec::new())
        .unwrap();
    match world.client.request_text(request).await {
        Ok(text) => Ok(json!(text)),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => Ok(json!(error.to_string())),
    }
}

/// Whether a connection got as far as the pod, which has no node.
#[track_caller]
fn assert_let_in(answer: &Result<Value, Box<Status>>) {
    let refused = |status: &Status| {
        status.message.contains("tiller-guard.io") || status.message.contains("is forbidden: User")
    };
    assert!(!answer.as_ref().is_err_and(|it| refused(it)), "{answer:?}");
}

/// A Tiller by a name that tells nobody of it, once it is known, and another pod.
async fn with_tiller(namespace: &str) -> World {
    let world = World::create(namespace).await;
    let mut pod = tiller(&world);
    pod["metadata"]["name"] = json!("releases");
    create(&world, "", "v1", "Pod", &pod).await.unwrap();
    let mut web = super::web();
    web["metadata"]["name"] = json!("web");
    create(&world, "", "v1", "Pod", &web).await.unwrap();
    eventually("known Tiller", || async {
        let answer = connect(
            &world,
            "pods/NAME/exec?command=true&stdout=true",
            "releases",
        )
        .await;
        answer.err().filter(|it| it.message.contains("tiller-exec"))
    })
    .await;
    world
}

#[tokio::test]
async fn row_36_commands_in_tillers_pod() {
    if Feature::Connections.is_missing(cluster().version()) {
        return;
    }
    let world = with_tiller("row-36").await;
    for resource in [
        "pods/NAME/exec?command=%2Fhelm&command=ls&stdout=true",
        "pods/NAME/attach?stdin=true&stdout=true",
    ] {
        let answer = connect(&world, resource, "releases").await;
        assert_refused(
            answer,
            "tiller-exec",
            "exec or attach into Tiller's pod row-36/releases",
        );
        assert_let_in(&connect(&world, resource, "web").await);
    }
}

/// `kubectl cp` runs tar in the pod. Who reads its log and Secrets is for roles to say.
#[tokio::test]
async fn row_38_copies_of_keys() {
    if Feature::Connections.is_missing(cluster().version()) {
        return;
    }
    let world = with_tiller("row-38").await;
    let copy = "pods/NAME/exec?command=tar&command=cf&command=-&command=%2Fetc%2Fcerts&stdout=true";
    let answer = connect(&world, copy, "releases").await;
    assert_refused(answer, "tiller-exec", "exposes its TLS key");
}

#[tokio::test]
async fn row_37_connections_by_others() {
    if Feature::Connections.is_missing(cluster().version()) {
        return;
    }
    let world = with_tiller("row-37").await;
    let guard = guards_namespace().await;
    let (ann, bob) = (
        by(&world, "row-37-ann").await,
        by(&world, "row-37-bob").await,
    );
    let ways = [
        "pods/NAME/portforward?ports=44134",
        "pods/NAME:44135/proxy/metrics",
    ];
    for way in ways {
        assert_let_in(&connect(&bob, way, "releases").await);
    }
    let data =
        json!({ "tiller-namespace": "row-37", "service-account": "tiller", "users": "row-37-ann" });
    knowledge::create(&guard, &team("row-37", &data))
        .await
        .unwrap();
    for way in ways {
        let refused = eventually("refusal of a stranger", || async {
            connect(&bob, way, "releases")
                .await
                .err()
                .filter(|it| it.message.contains("tiller-guard.io"))
        })
        .await;
        assert_refused(
            Err(refused),
            "tiller-portforward",
            "row-37-bob is not a member of team row-37",
        );
        assert_let_in(&connect(&ann, way, "releases").await);
        assert_let_in(&connect(&bob, way, "web").await);
    }
    let service = "services/https:NAME:44134/proxy/";
    let answer = connect(&bob, service, "tiller-deploy").await;
    assert_refused(
        answer,
        "tiller-portforward",
        "row-37-bob is not a member of team row-37",
    );
    knowledge::delete(&guard, "ConfigMap", "row-37").await;
}
