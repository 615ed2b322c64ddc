//! The parts of a review: decode, decide, and all of it with the answer encoded.
#![expect(clippy::unwrap_used, reason = "a benchmark may stop")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::value::RawValue;
use tiller_guard::k8s::review::{Webhook, answer};
use tiller_guard::k8s::subject;
use tiller_guard::policy::{Context, Kind, Policy, Settings, Timestamp, decide};

const TILLER: &[u8] = include_bytes!("../tests/data/reviews/1.20-deployment-create.json");
const OTHER: &[u8] = include_bytes!("../tests/data/reviews/1.20-other-pod-create.json");

const NOW: Context = Context { now: Timestamp(0) };

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
    let review: Review<'_> = serde_json::from_slice(TILLER).unwrap();
    let object = review.request.object.get();
    let read = || {
        subject(
            Kind::Deployment,
            &mut serde_json::Deserializer::from_str(object),
        )
        .unwrap()
    };
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
        ("harden a Tiller Deployment", Webhook::Mutate, TILLER),
        ("refuse an unhardened one", Webhook::Validate, TILLER),
        ("pass an unrelated Pod", Webhook::Validate, OTHER),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| answer(webhook, black_box(body), &policy, &NOW).unwrap());
        });
    }
}

criterion_group!(benches, parts, whole);
criterion_main!(benches);
