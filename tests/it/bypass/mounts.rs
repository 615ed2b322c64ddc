//! Volumes that bring other certificates or credentials, and doors out of the pod.

use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, create, stored_with, tried, tried_with};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, kubernetes_from};

const MOUNTS: &str = "/spec/containers/0/volumeMounts";

/// A Tiller with these volumes and mounts.
async fn mounted(
    world: &World,
    volumes: &Value,
    mounts: &Value,
) -> Result<Value, Box<kube::core::Status>> {
    tried(world, |pod| {
        pod["spec"]["volumes"] = volumes.clone();
        pod["spec"]["containers"][0]["volumeMounts"] = mounts.clone();
    })
    .await
}

#[tokio::test]
async fn row_24_a_configuration_in_the_home_directory() {
    let world = World::create("row-24-home").await;
    let answer = mounted(
        &world,
        &json!([{ "name": "a", "configMap": { "name": "a" } }]),
        &json!([{ "name": "a", "mountPath": "/tmp/.kube" }]),
    )
    .await;
    assert_refused(answer, "volume-mounts", MOUNTS);
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_25_other_certificates() {
    let world = World::create("row-25").await;
    let mount = json!([{ "name": "a", "mountPath": "/etc/certs", "readOnly": true }]);
    for source in [
        json!({ "secret": { "secretName": "mine" } }),
        json!({ "secret": { "secretName": "tiller-tls", "items": [{ "key": "x", "path": "ca.crt" }] } }),
        json!({ "configMap": { "name": "mine" } }),
        json!({ "emptyDir": {} }),
        json!({ "projected": { "sources": [{ "secret": { "name": "tiller-tls" } }] } }),
        json!({ "hostPath": { "path": "/etc" } }),
    ] {
        let mut volume = source;
        volume["name"] = json!("a");
        let answer = mounted(&world, &json!([volume]), &mount).await;
        assert_refused(answer, "certificate-mount", MOUNTS);
    }
    let right = json!({ "name": "a", "secret": { "secretName": "tiller-tls" } });
    let other = json!({ "name": "b", "configMap": { "name": "mine" } });
    for mounts in [
        json!([
            { "name": "a", "mountPath": "/etc/certs" },
            { "name": "b", "mountPath": "/etc/certs/ca.crt", "subPath": "ca.crt" },
        ]),
        json!([{ "name": "a", "mountPath": "/etc/certs", "subPath": "x" }]),
        json!([
            { "name": "a", "mountPath": "/etc/certs" },
            { "name": "b", "mountPath": "/etc/../etc/certs/" },
        ]),
    ] {
        let answer = mounted(&world, &json!([right, other]), &mounts).await;
        assert_refused(answer, "certificate-mount", MOUNTS);
    }
    let over = json!([
        { "name": "a", "mountPath": "/etc/certs" },
        { "name": "b", "mountPath": "/etc" },
    ]);
    let answer = mounted(&world, &json!([right, other]), &over).await;
    assert_refused(answer, "volume-mounts", MOUNTS);
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_27_commands_beside_tiller() {
    let world = World::create("row-27").await;
    let exec = json!({ "exec": { "command": ["/tiller"] } });
    for fields in [
        json!({ "lifecycle": { "postStart": exec } }),
        json!({ "lifecycle": { "preStop": exec } }),
        json!({ "livenessProbe": exec }),
        json!({ "readinessProbe": exec }),
        json!({ "stdin": true }),
        json!({ "stdin": true, "tty": true }),
    ] {
        let answer = tried_with(&world, &fields).await;
        assert_refused(answer, "extra-commands", "/spec/containers/0");
    }
    let shared = tried(&world, |pod| {
        pod["spec"]["shareProcessNamespace"] = json!(true);
    });
    assert_refused(shared.await, "host-access", "/spec/shareProcessNamespace");
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_28_doors_to_the_node() {
    let world = World::create("row-28").await;
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        let answer = tried(&world, |pod| pod["spec"][field] = json!(true)).await;
        assert_refused(answer, "host-access", &format!("/spec/{field}"));
    }
    let port = json!({ "ports": [{ "containerPort": 44134, "hostPort": 44134 }] });
    let answer = tried_with(&world, &port).await;
    assert_refused(answer, "host-access", "/spec/containers/0/ports/0/hostPort");
    let privileged = json!({ "securityContext": { "privileged": true } });
    let stored = stored_with(&world, &privileged).await;
    let context = &stored["spec"]["containers"][0]["securityContext"];
    assert_ne!(context["privileged"], true, "{context}");
    let answer = mounted(
        &world,
        &json!([{ "name": "a", "hostPath": { "path": "/" } }]),
        &json!([{ "name": "a", "mountPath": "/host" }]),
    )
    .await;
    assert_refused(answer, "host-access", "/spec/volumes/0");
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_67_a_token_directory_of_ones_own() {
    let world = World::create("row-67").await;
    let token = json!({ "serviceAccountToken": { "path": "token" } });
    let root_ca = json!({ "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } });
    let place = json!({ "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "fieldPath": "metadata.namespace" } }] } });
    let mine = json!({ "configMap": { "name": "mine", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } });
    let renamed = json!({ "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "token" }] } });
    let elsewhere = json!({ "serviceAccountToken": { "path": "token", "audience": "mine" } });
    let label = json!({ "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": { "fieldPath": "metadata.labels['a']" } }] } });
    let secret = json!({ "secret": { "name": "mine" } });
    // Called as the token controller calls one, and of another type.
    let lookalike =
        json!({ "metadata": { "name": "tiller-token-x7k2p" }, "data": { "token": "eA==" } });
    create(&world, "", "v1", "Secret", &lookalike)
        .await
        .unwrap();
    let sources = [
        json!({ "projected": { "sources": [token, mine, place] } }),
        json!({ "projected": { "sources": [token, renamed, place] } }),
        json!({ "projected": { "sources": [elsewhere, root_ca, place] } }),
        json!({ "projected": { "sources": [token, root_ca, label] } }),
        json!({ "projected": { "sources": [token, root_ca, place, secret] } }),
        json!({ "projected": { "sources": [root_ca, place] } }),
        json!({ "configMap": { "name": "mine" } }),
        json!({ "secret": { "secretName": "tiller-token-x7k2p" } }),
    ];
    let directory = "/var/run/secrets/kubernetes.io/serviceaccount";
    let mount = json!([{ "name": "a", "mountPath": directory, "readOnly": true }]);
    for mut volume in sources {
        volume["name"] = json!("a");
        let answer = mounted(&world, &json!([volume]), &mount).await;
        assert_refused(answer, "volume-mounts", MOUNTS);
    }
    let volume = json!({ "name": "a", "projected": { "sources": [token, root_ca, place] } });
    let part = json!([{ "name": "a", "mountPath": directory, "subPath": "x" }]);
    let answer = mounted(&world, &json!([volume]), &part).await;
    assert_refused(answer, "volume-mounts", MOUNTS);
    // Before 1.12 the API server drops the token from the projection.
    if kubernetes_from(12) {
        let stored = mounted(&world, &json!([volume]), &mount).await.unwrap();
        let mounts = stored["spec"]["containers"][0]["volumeMounts"].to_string();
        assert!(mounts.contains(directory), "{mounts}");
    }
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_68_confinement_that_is_switched_off() {
    let world = World::create("row-68").await;
    let fields =
        json!({ "securityContext": { "seLinuxOptions": { "type": "spc_t" }, "runAsGroup": 0 } });
    let stored = stored_with(&world, &fields).await;
    let context = &stored["spec"]["containers"][0]["securityContext"];
    assert!(
        context.get("runAsGroup").is_none_or(|it| it == 65534),
        "{context}"
    );
    assert!(context["seLinuxOptions"].get("type").is_none(), "{context}");
    let answer = tried(&world, |pod| {
        pod["metadata"]["annotations"] = json!({
            "container.seccomp.security.alpha.kubernetes.io/tiller": "unconfined",
            "container.apparmor.security.beta.kubernetes.io/tiller": "unconfined",
        });
        pod["spec"]["securityContext"] = json!({
            "sysctls": [{ "name": "net.ipv4.ip_unprivileged_port_start", "value": "0" }],
            "supplementalGroups": [0],
        });
    })
    .await;
    // In 1.10 what a patch removes from a map stays (kubernetes#64255).
    if !kubernetes_from(11) {
        assert_refused(
            answer,
            "confinement",
            "/metadata/annotations/container.apparmor",
        );
        return;
    }
    let stored = answer.unwrap();
    let annotations = stored["metadata"]["annotations"].to_string();
    assert!(!annotations.contains("unconfined"), "{annotations}");
    let context = &stored["spec"]["securityContext"];
    assert!(context.get("sysctls").is_none(), "{context}");
    assert!(context.get("supplementalGroups").is_none(), "{context}");
}
