//! Tillers that are started in other ways than by their program's name, under an image that tells nothing.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, create_pod, web};
use crate::api_server::refuse::assert_refused;
use crate::api_server::{World, kubernetes_from, status};
use crate::suite::skip;

/// A pod that looks like any other, with these fields of its container set otherwise.
pub(super) fn pod(name: &str, fields: &Value) -> Value {
    let mut pod = web();
    pod["metadata"]["name"] = json!(name);
    pod["spec"]["containers"][0]["image"] = json!("example/tools:1");
    super::set(&mut pod, fields);
    pod
}

pub(super) async fn assert_all_refused(world: &World, tries: &[Value]) {
    for (number, fields) in tries.iter().enumerate() {
        let answer = create_pod(world, &pod(&format!("web-{number}"), fields)).await;
        assert_refused(answer, "image-repository", "/spec/containers/0/image");
    }
    assert_no_unhardened_tiller(world).await;
}

#[tokio::test]
async fn row_60_scripts_in_variables() {
    let world = World::create("row-60").await;
    let script =
        json!([{ "name": "SCRIPT", "value": "set -e\ntiller -listen localhost:44134 &\nhelm ls" }]);
    let tries = [
        json!({ "command": ["/bin/sh"], "args": ["-c", "$(SCRIPT)"], "env": script }),
        json!({ "command": ["sh", "-c", "eval \"$SCRIPT\""], "env": script }),
        json!({ "command": ["sh", "-c", "exec $T"], "env": [{ "name": "T", "value": "/tiller" }] }),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_61_programs_put_together_from_variables() {
    let world = World::create("row-61").await;
    let parts = json!([{ "name": "A", "value": "til" }, { "name": "B", "value": "ler" }]);
    let tries = [
        json!({ "command": ["/$(A)$(B)"], "env": parts }),
        json!({ "command": ["/$(A)ler"], "env": parts }),
        json!({ "command": ["/til$(B)"], "env": parts }),
        json!({ "command": ["/$(A)ll$(B)"], "env": [{ "name": "A", "value": "ti" }, { "name": "B", "value": "er" }] }),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_62_programs_that_start_others() {
    let world = World::create("row-62").await;
    let tries = [
        json!({ "command": ["tini", "--", "/tiller"] }),
        json!({ "command": ["sh", "-c", "exec \"$@\"", "--", "/tiller"] }),
        json!({ "command": ["sh", "-c", "helm init --client-only && (tiller &) && helm ls"] }),
        json!({ "command": ["bash", "-c", "sh <<EOF\nexec tiller\nEOF"] }),
        json!({ "command": ["python3", "-c", "import os; os.execv('/tiller', ['tiller'])"] }),
        json!({ "args": ["helm", "tiller", "run", "team-a", "--", "helm", "ls"] }),
    ];
    assert_all_refused(&world, &tries).await;
}

/// The files of Tiller's image in a pod of another one.
#[tokio::test]
async fn row_63_image_volumes() {
    // On by default from 1.35 on; before, an API server drops the field.
    if !kubernetes_from(35) {
        skip("no image volumes");
        return;
    }
    let world = World::create("row-63").await;
    let mut pod = pod(
        "web",
        &json!({ "command": ["/opt/run"], "volumeMounts": [{ "name": "t", "mountPath": "/opt" }] }),
    );
    pod["spec"]["volumes"] =
        json!([{ "name": "t", "image": { "reference": "ghcr.io/helm/tiller:v2.17.0" } }]);
    let answer = create_pod(&world, &pod).await;
    assert_refused(answer, "launch-unreadable", "/spec/containers/0/command");
    assert_no_unhardened_tiller(&world).await;
}

/// What Helm's client looks for, given to a pod that runs already.
#[tokio::test]
async fn row_64_labels_put_on_later() {
    let world = World::create("row-64").await;
    create_pod(&world, &pod("web", &json!({}))).await.unwrap();
    let pods = world.objects("", "v1", "Pod");
    let labels = |labels: Value| Patch::Merge(json!({ "metadata": { "labels": labels } }));
    let parameters = PatchParams::default();
    let harmless = labels(json!({ "seen": "yes" }));
    status(pods.patch("web", &parameters, &harmless).await).unwrap();
    let tillers = labels(json!({ "app": "helm", "name": "tiller" }));
    let answer = status(pods.patch("web", &parameters, &tillers).await);
    assert_refused(answer, "image-repository", "/spec/containers/0/image");
    assert_no_unhardened_tiller(&world).await;
}

#[tokio::test]
async fn row_74_lines_that_prepare_their_start() {
    let world = World::create("row-74").await;
    let line = |line: &str| json!({ "command": ["bash", "-c", line] });
    let tries = [
        line("for b in foo tiller; do $b --listen=:9000; done"),
        line("run() { \"$@\"; }; run tiller --listen=:9000"),
        line("set -- tiller; exec \"$@\""),
        line("cat > /run <<EOF\nexec tiller\nEOF\nsh /run"),
        line("echo 'exec tiller' > /run; bash < /run"),
        line("cp /tiller /web; exec /web"),
        line("ln -s /tiller /usr/bin/web && web"),
        line("((/tiller))"),
        line("x=${X#\"}\"}; tiller"),
        line("exec {fd}>/log tiller"),
        line("coproc NAME { tiller; }"),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_75_starters_by_their_bare_names() {
    let world = World::create("row-75").await;
    let tries = [
        json!({ "command": ["dockerize", "-wait", "tcp://db:5432", "tiller"] }),
        json!({ "command": ["vault-env", "tiller"] }),
        json!({ "command": ["/init", "tiller"] }),
        json!({ "command": ["start-stop-daemon", "--start", "--exec", "/tiller"] }),
        json!({ "command": ["awk", "BEGIN { system(\"tiller\") }"] }),
        json!({ "command": ["go", "run", "./cmd/tiller"] }),
        json!({ "command": ["su", "-s", "/tiller", "nobody"] }),
        json!({ "command": ["tcsh", "-c", "tiller"] }),
        json!({ "command": ["envconsul", "-prefix", "app", "tiller"] }),
        json!({ "command": ["parallel", ":::", "tiller"] }),
        json!({ "command": ["retry", "5", "tiller"] }),
        json!({ "command": ["direnv", "exec", "/app", "tiller"] }),
        json!({ "command": ["bwrap", "--ro-bind", "/", "/", "tiller"] }),
    ];
    assert_all_refused(&world, &tries).await;
}

#[tokio::test]
async fn row_73_hooks_probes_and_scripts() {
    let world = World::create("row-73").await;
    let start =
        json!({ "exec": { "command": ["sh", "-c", "nohup /opt/tiller --listen=:9000 &"] } });
    let tries = [
        json!({ "lifecycle": { "postStart": start } }),
        json!({ "lifecycle": { "preStop": start } }),
        json!({ "livenessProbe": start }),
        json!({ "readinessProbe": { "exec": { "command": ["/tiller"] } } }),
        json!({
            "env": [{ "name": "SCRIPT", "value": "exec /tiller" }],
            "lifecycle": { "postStart": { "exec": { "command": ["sh", "-c", "$SCRIPT"] } } },
        }),
    ];
    assert_all_refused(&world, &tries).await;
    let mut early = pod("early", &json!({}));
    early["spec"]["initContainers"] = json!([{
        "name": "prepare", "image": "example/tools:1", "command": ["sh", "-c"],
        "args": ["fetch -o /data/tiller example.com/t && /data/tiller"],
    }]);
    let answer = create_pod(&world, &early).await;
    assert_refused(answer, "image-repository", "/spec/initContainers/0/image");
    assert_no_unhardened_tiller(&world).await;
    // What only looks whether one answers is none.
    let looks = json!({
        "lifecycle": { "postStart": { "exec": { "command": ["sh", "-c", "helm init --service-account tiller"] } } },
        "readinessProbe": { "exec": { "command": ["nc", "-z", "tiller-deploy.team", "44134"] } },
    });
    create_pod(&world, &pod("looks", &looks)).await.unwrap();
}
