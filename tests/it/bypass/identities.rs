//! Who Tiller is: its account, the tokens of that, and what is done with it.

use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, create, eventually, list, tiller, tried, unmutated};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, cluster, kubernetes_from, status};
use crate::cluster::resource;
use crate::knowledge::{self, binding, refusal, role, wide_role};

#[tokio::test]
async fn row_31_other_accounts() {
    let world = World::create("row-31").await;
    let path = "/spec/serviceAccountName";
    for account in ["", "default"] {
        let answer = tried(&world, |pod| {
            pod["spec"]["serviceAccountName"] = json!(account);
        })
        .await;
        assert_refused(answer, "service-account", path);
    }
    // The token of another account, where that of Tiller's is looked for and elsewhere.
    for directory in [
        "/var/run/secrets/kubernetes.io/serviceaccount",
        "/var/run/secrets/token",
    ] {
        let answer = tried(&world, |pod| {
            pod["spec"]["volumes"] =
                json!([{ "name": "token", "secret": { "secretName": "admin-token-x7k2p" } }]);
            pod["spec"]["containers"][0]["volumeMounts"] =
                json!([{ "name": "token", "mountPath": directory }]);
        })
        .await;
        assert_refused(answer, "volume-mounts", "/spec/containers/0/volumeMounts");
    }
    assert_no_unhardened_tiller(&world).await;
}

/// Asks for a token of an account.
async fn token(
    world: &World,
    account: &str,
    spec: &Value,
) -> Result<Value, Box<kube::core::Status>> {
    let namespace = &world.namespace;
    let url = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let body = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec,
    });
    let request = hyper::Request::post(url)
        .header("content-type", "application/json")
        .body(serde_json::to_vec(&body).unwrap())
        .unwrap();
    match world.client.request(request).await {
        Ok(token) => Ok(token),
        Err(kube::Error::Api(status)) => Err(status),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn row_39_tokens() {
    let world = World::create("row-39").await;
    // Bound tokens are signed from 1.20 on in these tests.
    if kubernetes_from(20) {
        let answer = token(&world, "tiller", &json!({})).await;
        assert_refused(answer, "account-token", "/spec");
        // A controller makes the account when it comes to it.
        eventually("token of another account", || async {
            token(&world, "default", &json!({})).await.ok()
        })
        .await;
        let node = World {
            client: cluster()
                .client_as("system:node:a", &["system:nodes", "system:masters"])
                .await
                .unwrap(),
            namespace: world.namespace.clone(),
        };
        let answer = token(&node, "tiller", &json!({})).await;
        assert_refused(answer, "account-token", "/spec");
        let pod =
            json!({ "boundObjectRef": { "apiVersion": "v1", "kind": "Pod", "name": "none" } });
        // It is the API server's turn then: there is no such pod.
        let answer = token(&node, "tiller", &pod).await.unwrap_err();
        assert!(
            answer.message.contains("pods \"none\" not found"),
            "{answer:?}"
        );
    }
    let secret = |account: &str| {
        json!({
            "metadata": {
                "name": format!("{account}-mine"),
                "annotations": { "kubernetes.io/service-account.name": account },
            },
            "type": "kubernetes.io/service-account-token",
        })
    };
    let answer = create(&world, "", "v1", "Secret", &secret("tiller")).await;
    assert_refused(answer, "account-token", "service-account.name");
    create(&world, "", "v1", "Secret", &secret("default"))
        .await
        .unwrap();
    // Up to 1.23 a controller makes one for each account, which nobody keeps from doing so.
    if cluster().has_controllers() && !kubernetes_from(24) {
        eventually("the account's own token", || async {
            let secrets = list(&world, "", "v1", "Secret").await;
            secrets.into_iter().find(|it| {
                let name = it["metadata"]["name"].as_str().unwrap();
                name.starts_with("tiller-token-") && it["data"]["token"].is_string()
            })
        })
        .await;
    }
}

/// Whoever may impersonate others is anybody.
#[tokio::test]
async fn row_40_impersonation() {
    let world = World::create("row-40").await;
    knowledge::create(&world, &wide_role("anybody"))
        .await
        .unwrap();
    let answer = refusal(&world, &binding("anybody", "anybody", "tiller")).await;
    assert_refused(answer, "role-rights", "/roleRef");
}

/// What Tiller releases is asked for by its account, which is let off nothing.
#[tokio::test]
async fn row_48_what_tiller_makes_itself() {
    let world = unmutated("row-48").await;
    knowledge::create(&world, &role("charts", "apps", "deployments", &["create"]))
        .await
        .unwrap();
    let charts = binding("charts", "charts", "tiller");
    let bound = eventually("binding of a known role", || async {
        knowledge::create(&world, &charts).await.ok()
    });
    bound.await;
    let account = "system:serviceaccount:row-48:tiller";
    let groups = [
        "system:serviceaccounts",
        "system:serviceaccounts:row-48",
        "system:authenticated",
    ];
    let client = cluster().client_as(account, &groups).await.unwrap();
    let api: Api<DynamicObject> = Api::namespaced_with(
        client,
        &world.namespace,
        &resource("apps", "v1", "Deployment"),
    );
    let mut deployment = world.helm_init("2.17.0-sa-ns");
    deployment["spec"]["template"] = tiller(&world);
    let chart = serde_json::from_value(deployment).unwrap();
    let answer = status(api.create(&PostParams::default(), &chart).await);
    assert_refused(answer, "tls-disabled", "/spec/template/spec/containers/0");
    assert_no_unhardened_tiller(&world).await;
}

/// The pod was there before anybody knew the account for a Tiller's.
#[tokio::test]
async fn row_69_an_account_that_another_pod_runs_as() {
    let world = World::create("row-69").await;
    let account = json!({ "metadata": { "name": "deployer" } });
    create(&world, "", "v1", "ServiceAccount", &account)
        .await
        .unwrap();
    let web = json!({
        "metadata": { "name": "web" },
        "spec": {
            "serviceAccountName": "deployer",
            "automountServiceAccountToken": false,
            "containers": [{ "name": "web", "image": "web:1" }],
        },
    });
    create(&world, "", "v1", "Pod", &web).await.unwrap();
    let answer = tried(&world, |pod| {
        pod["spec"]["serviceAccountName"] = json!("deployer");
    })
    .await;
    assert_refused(answer, "service-account", "pod web, which is not a Tiller");
    assert_no_unhardened_tiller(&world).await;
}
