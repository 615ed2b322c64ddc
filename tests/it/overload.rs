//! Slow and greedy clients beside honest reviews: none of these goes unanswered, none is allowed that must not be, and
//! the guard stays within its memory and its descriptors.

/// What stays resident.
mod bursts;
/// What an API server sends.
mod honest;
/// The guard as a process of its own.
mod process;
/// Clients that mean no good.
mod slow;

use std::time::Duration;

use honest::Honest;
use process::Guard;
use slow::{Kind, Slow};

use crate::server::client::{Client, Reply, get};

/// What the process may keep resident: half of what the Deployment gives it. A program that is not optimised is larger
/// by itself.
const RESIDENT: usize = if cfg!(debug_assertions) { 76 } else { 64 } << 20;

/// How long and how hard.
#[derive(Debug, Clone, Copy)]
struct Form {
    /// Reviews a second.
    rate: u32,
    /// For each measurement.
    time: Duration,
    /// What reviews may take more than three times as long as without slow senders.
    slack: Duration,
}

/// For every run of the tests, on a machine that does other things as well.
const SHORT: Form = Form {
    rate: 30,
    time: Duration::from_secs(3),
    slack: Duration::from_secs(3),
};

/// For `make soak`. A third of the reviews are of each size: 71 MB a second, for which the server takes an eighth of a core
/// where nobody is slow.
const LONG: Form = Form {
    rate: 200,
    time: Duration::from_mins(1),
    slack: Duration::ZERO,
};

/// Reviews alone, and then beside so many slow clients.
#[expect(
    clippy::print_stdout,
    reason = "the numbers are what `make soak` is run for"
)]
async fn withstands(form: Form, descriptors: Option<u32>, kinds: &'static [Kind], count: usize) {
    let guard = Guard::start(descriptors).await;
    let honest = Honest::new(guard.address);
    let alone = honest.ask(form.rate, form.time).await;
    let slow = Slow::start(guard.address, kinds, count);
    // The last of them is there.
    tokio::time::sleep(form.time / 3).await;
    let health = guard.watch_health();
    let beside = honest.ask(form.rate, form.time).await;
    let health = health.await;
    slow.stop();
    let resident = guard.most_resident();
    println!(
        "{count} slow, median, 99 of 100 and longest: alone {}, beside them {}; health asked {} times; {} KiB resident",
        alone.times(),
        beside.times(),
        health.asked,
        resident >> 10
    );
    assert_eq!(alone.bad(), Vec::<String>::new(), "alone");
    assert_eq!(beside.bad(), Vec::<String>::new(), "beside {count}");
    assert_eq!(health.failed, 0, "of {}", health.asked);
    assert!(health.asked > 0);
    assert!(
        beside.p99 <= alone.p99 * 3 + form.slack
            && beside.median <= alone.median * 3 + form.slack / 4,
        "alone {}, beside {count} {}",
        alone.times(),
        beside.times()
    );
    assert!(resident <= RESIDENT, "{} KiB", resident >> 10);
}

/// What is answered to a review that goes on for so many bytes and breaks off there, if it announced more.
async fn answer_to(sent: usize, announced: usize) -> Reply {
    let guard = Guard::start(None).await;
    let mut client = Client::connect(guard.address).await.unwrap();
    let head = format!(
        "POST /validate?timeout=10s HTTP/1.1\r\nhost: guard\r\ncontent-type: application/json\r\n\
         content-length: {announced}\r\n\r\n"
    );
    let rest = " ".repeat(sent - slow::BEGINNING.len());
    client.send(&head).await.unwrap();
    client.send(slow::BEGINNING).await.unwrap();
    client.send(&rest).await.unwrap();
    client.reply().await.unwrap()
}

#[tokio::test]
async fn what_does_not_arrive_or_is_too_large_is_denied_under_its_own_uid() {
    const MIB: usize = 1 << 20;
    for (sent, announced, code) in [
        (200, MIB, 503),
        (MIB / 2, MIB, 503),
        (20 * MIB, 20 * MIB, 413),
    ] {
        let reply = answer_to(sent, announced).await;
        assert_eq!(reply.status, 200);
        assert!(reply.is_last(), "{}", reply.head);
        let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        let response = &answer["response"];
        assert_eq!(
            (&response["uid"], &response["allowed"]),
            (&"slow".into(), &false.into())
        );
        assert_eq!(response["status"]["code"], code, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_who_announce_large_bodies_take_no_room() {
    withstands(SHORT, None, &[Kind::Announced], 5).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slow_of_all_kinds_push_nobody_out() {
    withstands(SHORT, None, &Kind::ALL, 50).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn few_descriptors_are_shared_out() {
    withstands(SHORT, Some(192), &[Kind::Silent], 120).await;
}

/// So few that they run out before there are as many connections as there may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_silent_go_when_descriptors_run_out() {
    let guard = Guard::start(Some(16)).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(Client::connect(guard.address).await.unwrap());
    }
    for _ in 0..3 {
        let mut client = Client::connect(guard.address).await.unwrap();
        let reply = client.review(slow::INNOCENT).await.unwrap();
        assert_eq!(reply.status, 200);
        assert!(process::ready(guard.health).await.unwrap());
    }
    let metrics = get(guard.health, "/metrics").await.body;
    let metrics = String::from_utf8(metrics).unwrap();
    let shed = r#"tiller_guard_admission_shed_total{reason="descriptors"}"#;
    assert!(metrics.contains(shed), "{metrics}");
    let log = guard.end().await;
    assert_eq!(log.matches("cannot accept connections").count(), 1, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes two minutes for each number of slow senders; `make soak` runs it"]
async fn slow_senders_for_a_minute() {
    for count in [5, 50, 511] {
        withstands(LONG, None, &[Kind::Announced], count).await;
        withstands(LONG, None, &Kind::ALL, count).await;
    }
    withstands(LONG, Some(256), &[Kind::Silent], 243).await;
    withstands(LONG, Some(256), &Kind::ALL, 511).await;
}
