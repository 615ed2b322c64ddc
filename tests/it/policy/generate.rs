//! Workloads as no person would write them, out of the words that matter.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::{Just, Strategy, any};
use proptest::sample::select;
use serde_json::{Map, Value, json};
use tiller_guard::policy::WorkloadKind;

const IMAGES: [&str; 11] = [
    "ghcr.io/helm/tiller:v2.17.0",
    "gcr.io/kubernetes-helm/tiller:v2.7.2",
    "gcr.io/kubernetes-helm/tiller:v2.9.1",
    "gcr.io/kubernetes-helm/tiller:v2.13.0",
    "gcr.io/kubernetes-helm/tiller:v2.6.2",
    "gcr.io/kubernetes-helm/tiller:v2.1.0",
    "ghcr.io/helm/tiller:canary",
    "localhost:5000/tiller@sha256:00",
    "example/web:v1",
    "",
    "::@/\u{e9}",
];
const WORDS: [&str; 44] = [
    "/tiller",
    "sh",
    "-c",
    "--",
    "-",
    "",
    "serve",
    "--storage=secret",
    "--storage=Secret",
    "--storage",
    "secret",
    "-storage=sql",
    "--tls",
    "--tls=false",
    "--tls-verify",
    "--tls-verify=0",
    "--tls-verify=yes",
    "-tls-verify",
    "false",
    "--tls-ca-cert=",
    "--tls-ca-cert=/etc/certs/ca.crt",
    "--tls-key=/etc/certs/tls.key",
    "--tls-cert=/tmp/x",
    "--listen=:44134",
    "--listen=localhost:44134",
    "--listen=127.0.0.9:1",
    "--listen",
    "-l",
    "--trace",
    "--trace=true",
    "--experimental-release",
    "--history-max=20",
    "--history-max=x",
    "--history-max=-1",
    "--probe-listen=:1",
    "--probe=false",
    "-v",
    "4",
    "--v=2",
    "--log_dir=$$(X)",
    "--listen=$(X)",
    "---x",
    "--=",
    "--version",
];
const VARIABLES: [&str; 9] = [
    "TILLER_NAMESPACE",
    "TILLER_HISTORY_MAX",
    "TILLER_TLS_ENABLE",
    "TILLER_TLS_VERIFY",
    "TILLER_TLS_CERTS",
    "HOME",
    "KUBECONFIG",
    "TILLER_STORAGE",
    "",
];
const VALUES: [&str; 9] = [
    "",
    "1",
    "0",
    "team",
    "kube-system",
    "/etc/certs",
    "/tmp",
    "200",
    "$(X)",
];
const PATHS: [&str; 9] = [
    "/etc/certs",
    "/etc/certs/",
    "/etc//certs/ca.crt",
    "/tmp",
    "/tmp/",
    "/tmp/.kube",
    "/",
    "relative",
    "/var/run/secrets/kubernetes.io/serviceaccount",
];
const VOLUMES: [&str; 5] = ["tiller-certs", "tmp", "token", "tmp-1", "gone"];

/// A kind and an object of it.
pub(crate) fn workload() -> impl Strategy<Value = (WorkloadKind, Value)> {
    let metadata = (of(select(&["team", "kube-system", ""])), any::<bool>());
    (select(&WorkloadKind::ALL), metadata, template()).prop_map(
        |(kind, (namespace, named), template)| {
            let mut metadata = Map::new();
            if named {
                metadata.insert("name".into(), "tiller-deploy".into());
            }
            if let Some(namespace) = namespace {
                metadata.insert("namespace".into(), namespace.into());
            }
            (kind, object(kind, &Value::Object(metadata), template))
        },
    )
}

/// An object of a kind around a pod template.
pub(crate) fn object(kind: WorkloadKind, metadata: &Value, template: Value) -> Value {
    match kind {
        WorkloadKind::Pod => {
            let mut pod = template;
            let own = pod["metadata"].take();
            pod["metadata"] = own;
            for (key, value) in metadata.as_object().into_iter().flatten() {
                pod["metadata"][key] = value.clone();
            }
            pod
        }
        WorkloadKind::PodTemplate => json!({ "metadata": metadata, "template": template }),
        WorkloadKind::CronJob => json!({
            "metadata": metadata,
            "spec": { "jobTemplate": { "spec": { "template": template } } },
        }),
        _ => json!({ "metadata": metadata, "spec": { "template": template } }),
    }
}

fn template() -> impl Strategy<Value = Value> {
    (
        any::<bool>(),
        of(select(&["docker/default", "runtime/default", "unconfined"])),
        pod(),
    )
        .prop_map(|(labelled, seccomp, spec)| {
            let mut metadata = Map::new();
            if labelled {
                metadata.insert("labels".into(), json!({ "app": "helm", "name": "tiller" }));
            }
            if let Some(profile) = seccomp {
                metadata.insert(
                    "annotations".into(),
                    json!({ "seccomp.security.alpha.kubernetes.io/pod": profile }),
                );
            }
            json!({ "metadata": metadata, "spec": spec })
        })
}

fn pod() -> impl Strategy<Value = Value> {
    (
        vec(container(), 1..3),
        of(vec(container(), 0..2)),
        of(vec(volume(), 0..4)),
        (of(account()), of(account())),
        of(any::<bool>()),
        of(security_context()),
    )
        .prop_map(
            |(containers, init, volumes, (name, alias), host_network, context)| {
                fields([
                    ("containers", Some(containers.into())),
                    ("initContainers", init.map(Value::from)),
                    ("volumes", volumes.map(Value::from)),
                    ("serviceAccountName", name.map(Value::from)),
                    ("serviceAccount", alias.map(Value::from)),
                    ("hostNetwork", host_network.map(Value::from)),
                    ("securityContext", context),
                ])
            },
        )
}

fn account() -> impl Strategy<Value = &'static str> {
    select(&["tiller", "default", ""])
}

fn container() -> impl Strategy<Value = Value> {
    let launch = (of(vec(select(&WORDS), 0..3)), of(vec(word(), 0..6)));
    let mounts = (of(vec(mount(), 0..4)), of(select(&["", "/data"])));
    (
        select(&IMAGES),
        launch,
        of(vec(variable(), 0..7)),
        mounts,
        of(security_context()),
        of(any::<bool>()),
        (
            of(Just(json!([{ "configMapRef": { "name": "c" } }]))),
            of(ports()),
            of(probe()),
        ),
    )
        .prop_map(
            |(
                image,
                (command, args),
                env,
                (mounts, directory),
                context,
                tty,
                (env_from, ports, probe),
            )| {
                fields([
                    (
                        "name",
                        Some(if tty.is_some() { "tiller" } else { "web" }.into()),
                    ),
                    ("image", Some(image.into())),
                    ("ports", ports),
                    ("livenessProbe", probe),
                    ("command", command.map(Value::from)),
                    ("args", args.map(Value::from)),
                    ("env", env.map(Value::from)),
                    ("envFrom", env_from),
                    ("volumeMounts", mounts.map(Value::from)),
                    ("workingDir", directory.map(Value::from)),
                    ("securityContext", context),
                    ("tty", tty.map(Value::from)),
                ])
            },
        )
}

fn ports() -> impl Strategy<Value = Value> {
    vec(select(&[44134, 44135, 80]), 0..3).prop_map(|ports| {
        ports
            .into_iter()
            .map(|port| json!({ "containerPort": port }))
            .collect()
    })
}

fn probe() -> impl Strategy<Value = Value> {
    select(&[44135, 80])
        .prop_map(|port| json!({ "httpGet": { "path": "/liveness", "port": port } }))
}

fn word() -> impl Strategy<Value = String> {
    proptest::prop_oneof![
        9 => select(&WORDS).prop_map(str::to_owned),
        1 => "[-=a-z$()\u{e9}\u{0}/ ]{0,12}",
    ]
}

fn variable() -> impl Strategy<Value = Value> {
    (select(&VARIABLES), select(&VALUES), 0..8_u8).prop_map(|(name, value, source)| match source {
        0 => json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } }),
        1 => json!({
            "name": name,
            "valueFrom": { "fieldRef": { "fieldPath": "metadata.namespace" } },
        }),
        _ => json!({ "name": name, "value": value }),
    })
}

fn volume() -> impl Strategy<Value = Value> {
    (select(&VOLUMES), 0..6_u8).prop_map(|(name, source)| match source {
        0 => json!({ "name": name }),
        1 => json!({ "name": name, "emptyDir": {} }),
        2 => json!({ "name": name, "hostPath": { "path": "/" } }),
        3 => json!({ "name": name, "secret": { "secretName": "mine" } }),
        4 => json!({ "name": name, "secret": { "secretName": "tiller-tls", "defaultMode": 256 } }),
        _ => json!({ "name": name, "secret": { "secretName": "tiller-tls" } }),
    })
}

fn mount() -> impl Strategy<Value = Value> {
    (
        select(&VOLUMES),
        select(&PATHS),
        of(any::<bool>()),
        of(Just("ca.crt")),
    )
        .prop_map(|(name, path, read_only, part)| {
            fields([
                ("name", Some(name.into())),
                ("mountPath", Some(path.into())),
                ("readOnly", read_only.map(Value::from)),
                ("subPath", part.map(Value::from)),
            ])
        })
}

fn security_context() -> impl Strategy<Value = Value> {
    (
        of(select(&[0_i64, 1000, 65534])),
        of(any::<bool>()),
        of(any::<bool>()),
        of(any::<bool>()),
        of(select(&["ALL", "NET_RAW"])),
        of(select(&["RuntimeDefault", "Unconfined"])),
    )
        .prop_map(
            |(user, non_root, privileged, escalation, dropped, seccomp)| {
                fields([
                    ("runAsUser", user.map(Value::from)),
                    ("runAsNonRoot", non_root.map(Value::from)),
                    ("privileged", privileged.map(Value::from)),
                    ("allowPrivilegeEscalation", escalation.map(Value::from)),
                    (
                        "capabilities",
                        dropped.map(|name| json!({ "drop": [name] })),
                    ),
                    (
                        "seccompProfile",
                        seccomp.map(|kind| json!({ "type": kind })),
                    ),
                ])
            },
        )
}

fn fields<const COUNT: usize>(fields: [(&str, Option<Value>); COUNT]) -> Value {
    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}
