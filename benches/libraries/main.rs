//! What is written by hand for reviews, beside the libraries that do the same: all in one run, in turns.
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

mod derived;

use std::hint::black_box;
use std::time::{Duration, Instant};

use k8s_openapi::api::apps::v1::Deployment;
use kube::core::admission::AdmissionReview;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tiller_guard::json::{ReadError, Reader, Source as _};
use tiller_guard::k8s::review::{Review, Webhook, answer};
use tiller_guard::policy::{Context, Knowledge, Policy, Settings, Timestamp};

const ROUNDS: usize = 200;
const EACH: u32 = 50;

/// A recorded review without the white space that an API server does not send.
fn as_sent(review: &str) -> Vec<u8> {
    let review: serde_json::Value = serde_json::from_str(review).unwrap();
    review.to_string().into_bytes()
}

/// What is timed, by its name.
type Timed<'a> = (&'static str, &'a dyn Fn());

/// The middle time of each, in microseconds.
fn middle_times(runs: &[Timed<'_>]) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(ROUNDS); runs.len()];
    for _ in 0..ROUNDS {
        for ((_, run), times) in runs.iter().zip(&mut times) {
            let start = Instant::now();
            (0..EACH).for_each(|_| run());
            times.push(start.elapsed() / EACH);
        }
    }
    let middle = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times.get(ROUNDS / 2).unwrap().as_secs_f64() * 1e6
    };
    times.into_iter().map(middle).collect()
}

#[expect(clippy::print_stdout, reason = "a benchmark tells what it measures")]
fn print(title: &str, runs: &[Timed<'_>]) {
    println!("{title}");
    for ((name, _), time) in runs.iter().zip(middle_times(runs)) {
        println!("  {time:7.2} µs  {name}");
    }
}

/// Reads a list as live reads do: the JSON of each object.
fn objects(list: &str) -> Result<Vec<Box<str>>, ReadError> {
    let mut found = Vec::new();
    let mut reader = Reader::new(list);
    reader.members(|name, value| match &**name {
        "items" => value.elements(|item| {
            found.push(item.raw()?.into());
            Ok(())
        }),
        _ => value.skip(),
    })?;
    Ok(found)
}

/// The same by `serde_json`.
#[derive(Deserialize)]
struct List {
    items: Vec<Box<RawValue>>,
}

/// A list of bindings as an API server sends it, with the fields that it manages.
fn bindings(count: usize) -> String {
    let binding = |number: usize| {
        json!({
            "metadata": {
                "name": format!("system:controller:number-{number}"),
                "uid": "7f07463a-e6ee-11f1-bca5-62761630122e",
                "resourceVersion": "101",
                "creationTimestamp": "2026-11-24T15:33:42Z",
                "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" },
                "annotations": { "rbac.authorization.kubernetes.io/autoupdate": "true" },
                "managedFields": [{
                    "manager": "kube-apiserver",
                    "operation": "Update",
                    "apiVersion": "rbac.authorization.k8s.io/v1",
                    "time": "2026-11-24T15:33:42Z",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {
                        "f:metadata": { "f:annotations": { ".": {}, "f:rbac.authorization.kubernetes.io/autoupdate": {} }, "f:labels": { ".": {}, "f:kubernetes.io/bootstrapping": {} } },
                        "f:roleRef": { "f:apiGroup": {}, "f:kind": {}, "f:name": {} },
                        "f:subjects": {},
                    },
                }],
            },
            "subjects": [{ "kind": "ServiceAccount", "name": format!("number-{number}"), "namespace": "kube-system" }],
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": format!("system:controller:number-{number}") },
        })
    };
    let items: Vec<_> = (0..count).map(binding).collect();
    json!({ "kind": "ClusterRoleBindingList", "metadata": { "resourceVersion": "1234" }, "items": items }).to_string()
}

fn tillers(body: &[u8]) {
    let (policy, settings, knowledge) =
        (Policy::default(), Settings::default(), Knowledge::default());
    let now = Context::at(Timestamp(0));
    let by_hand = || {
        drop(black_box(
            Review::read(Webhook::Mutate, black_box(body), &settings, &knowledge).unwrap(),
        ));
    };
    let derived = || {
        let review = serde_json::from_slice::<derived::TillerReview<'_>>(black_box(body));
        drop(black_box(review.unwrap()));
    };
    let of_kube = || {
        let review = serde_json::from_slice::<AdmissionReview<Deployment>>(black_box(body));
        drop(black_box(review.unwrap()));
    };
    let whole = || {
        let answer = answer(Webhook::Mutate, black_box(body), &policy, &now);
        drop(black_box(answer.unwrap()));
    };
    print(
        "the review of a Tiller's Deployment",
        &[
            ("read by hand", &by_hand),
            ("read by serde_json with derive", &derived),
            ("read by kube and k8s-openapi", &of_kube),
            ("read by hand, judged and answered", &whole),
        ],
    );
}

fn others(body: &[u8]) {
    let (settings, knowledge) = (Settings::default(), Knowledge::default());
    let by_hand = || {
        drop(black_box(
            Review::read(Webhook::Mutate, black_box(body), &settings, &knowledge).unwrap(),
        ));
    };
    let derived = || {
        let review = serde_json::from_slice::<derived::SkippedReview<'_>>(black_box(body));
        drop(black_box(review.unwrap()));
    };
    print(
        "the review of another Pod",
        &[
            ("skipped by hand, and answered", &by_hand),
            ("skipped by serde_json with derive", &derived),
        ],
    );
}

fn lists(list: &str) {
    let by_hand = || drop(black_box(objects(black_box(list)).unwrap()));
    let raw = || {
        let list = serde_json::from_str::<List>(black_box(list)).unwrap();
        drop(black_box(list.items));
    };
    print(
        &format!("a list of bindings, {} KB", list.len() / 1000),
        &[("split by hand", &by_hand), ("split by serde_json", &raw)],
    );
}

fn main() {
    tillers(&as_sent(include_str!(
        "../../tests/data/reviews/1.20-deployment-create.json"
    )));
    others(&as_sent(include_str!(
        "../../tests/data/reviews/1.20-other-pod-create.json"
    )));
    lists(&bindings(60));
}
