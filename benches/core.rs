//! The parts of a review: decode, decide, and all of it with the answer encoded.
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::hint::black_box;
use std::sync::LazyLock;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::value::RawValue;
use tiller_guard::json::Reader;
use tiller_guard::k8s::read;
use tiller_guard::k8s::review::{Webhook, answer};
use tiller_guard::policy::rbac::{Account, RbacKind};
use tiller_guard::policy::{
    Context, Knowledge, Object, Policy, Settings, TillerUse, Timestamp, WorkloadKind, decide,
};

static TILLER: LazyLock<String> = LazyLock::new(|| {
    as_sent(include_str!(
        "../tests/data/reviews/1.20-deployment-create.json"
    ))
});
static OTHER: LazyLock<String> = LazyLock::new(|| {
    as_sent(include_str!(
        "../tests/data/reviews/1.20-other-pod-create.json"
    ))
});

static NOW: LazyLock<Context<'static>> = LazyLock::new(|| Context::at(Timestamp(0)));

/// A recorded review without the white space that an API server does not send.
fn as_sent(review: &str) -> String {
    serde_json::from_str::<serde_json::Value>(review)
        .unwrap()
        .to_string()
}

#[derive(serde::Deserialize)]
struct Review<'a> {
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(serde::Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

fn parts(criterion: &mut Criterion) {
    let settings = Settings::default();
    let review: Review<'_> = serde_json::from_str(&TILLER).unwrap();
    let object = review.request.object.get();
    let read = || read(WorkloadKind::Deployment, Reader::new(object)).unwrap();
    criterion.bench_function("decode a Tiller Deployment", |bencher| {
        bencher.iter(|| black_box(read()));
    });
    let tiller = read();
    criterion.bench_function("decide on it", |bencher| {
        bencher.iter(|| black_box(decide(black_box(&tiller), &settings, &NOW)));
    });
}

fn whole(criterion: &mut Criterion) {
    let policy = Policy::default();
    for (name, webhook, body) in [
        (
            "harden a Tiller Deployment",
            Webhook::Mutate,
            TILLER.as_bytes(),
        ),
        (
            "refuse an unhardened one",
            Webhook::Validate,
            TILLER.as_bytes(),
        ),
        ("pass an unrelated Pod", Webhook::Validate, OTHER.as_bytes()),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| answer(webhook, black_box(body), &policy, &NOW).unwrap());
        });
    }
}

/// A cluster with so many namespaces: in each a Tiller's account, its role and its binding.
fn cluster(namespaces: usize) -> Knowledge {
    (0..namespaces).fold(Knowledge::default(), |knowledge, number| {
        let namespace = format!("team-{number}");
        let role = serde_json::json!({
            "metadata": { "name": "tiller-manager", "namespace": namespace },
            "rules": [{ "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"] }],
        });
        let binding = serde_json::json!({
            "metadata": { "name": "tiller-binding", "namespace": namespace },
            "roleRef": { "kind": "Role", "name": "tiller-manager" },
            "subjects": [{ "kind": "ServiceAccount", "name": "deployer", "namespace": namespace }],
        });
        let role = read(RbacKind::Role, &role).unwrap();
        let binding = read(RbacKind::RoleBinding, &binding).unwrap();
        let account = Account {
            namespace: &namespace,
            name: "deployer",
        };
        let tiller = TillerUse {
            account,
            kind: WorkloadKind::Deployment,
            workload: "tiller-deploy",
        };
        knowledge.with(&role).with(&binding).with_tiller(tiller)
    })
}

/// The kilobytes that are resident.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap()
}

#[expect(clippy::print_stdout, reason = "a benchmark tells what it measures")]
fn known(criterion: &mut Criterion) {
    let settings = Settings::default();
    let binding = serde_json::json!({
        "metadata": { "name": "tiller-binding", "namespace": "team-7" },
        "roleRef": { "kind": "Role", "name": "tiller-manager" },
        "subjects": [{ "kind": "ServiceAccount", "name": "deployer", "namespace": "team-7" }],
    });
    let binding = read(RbacKind::RoleBinding, &binding).unwrap();
    let review: Review<'_> = serde_json::from_str(&TILLER).unwrap();
    let object = review.request.object.get();
    let mut deployment = read(WorkloadKind::Deployment, Reader::new(object)).unwrap();
    if let Object::Workload(workload) = &mut deployment {
        workload.namespace = Some("team-7".into());
        workload.pod.service_account_name = "deployer".into();
    }
    for namespaces in [20, 20_000] {
        let before = resident();
        let knowledge = cluster(namespaces);
        let context = Context::new(NOW.now, &knowledge);
        println!(
            "{namespaces} bindings, roles and Tillers: {} KiB",
            resident() - before
        );
        criterion.bench_function(
            &format!("decide on a binding, {namespaces} known"),
            |bencher| {
                bencher.iter(|| decide(black_box(&binding), &settings, &context));
            },
        );
        criterion.bench_function(
            &format!("decide on a Tiller, {namespaces} known"),
            |bencher| {
                bencher.iter(|| black_box(decide(black_box(&deployment), &settings, &context)));
            },
        );
        criterion.bench_function(
            &format!("learn of a binding, {namespaces} known"),
            |bencher| {
                bencher.iter(|| knowledge.with(black_box(&binding)));
            },
        );
    }
}

criterion_group!(benches, parts, whole, known);
criterion_main!(benches);
