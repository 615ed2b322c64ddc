//! `make bench`: 10,000 release records of 20 KB, listed, moved and migrated, and a cluster of 50,000 pods audited, beside the
//! same requests by a bare client.
#![expect(clippy::print_stdout, reason = "it reports")]

#[path = "../../tests/cluster/mod.rs"]
pub mod cluster;

mod audit;
mod client;
mod records;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use client::{Bare, text};
use cluster::{Cluster, User};
use records::{RECORDS, RELEASES, REVISIONS, Records};

const PROGRAM: &str = env!("CARGO_BIN_EXE_tiller-guard");
const SECRETS: &str = "/api/v1/namespaces/bench/secrets";
const BARE: &str = "/api/v1/namespaces/bare/secrets";
const TILLERS: &str = "labelSelector=OWNER%3DTILLER";
/// What `list` may take in the time of its requests, and what `move` and `migrate` may take in that of their writes.
const LIST_MOST: f64 = 1.5;
const WRITE_MOST: f64 = 2.0;
/// What `list` may hold, in KiB.
const MEMORY: u64 = 64 << 10;

/// What a run of the program took.
struct Took {
    time: Duration,
    /// The most that it held, in KiB.
    memory: u64,
}

fn main() -> Result<()> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(measure())
}

async fn measure() -> Result<()> {
    let mut compared = releases().await?;
    compared.push(audit::measure().await?);
    let slow = compared.iter().filter(|it| !**it).count();
    ensure!(slow == 0, "{slow} of {} take too long", compared.len());
    Ok(())
}

async fn releases() -> Result<Vec<bool>> {
    let cluster = Cluster::start().await?;
    let bare = Bare(cluster.client(User::Admin).await?);
    for name in ["bench", "bare"] {
        bare.namespace(name).await?;
    }
    fill(&bare, RELEASES).await?;
    Ok(vec![
        list(&cluster, &bare).await?,
        moved(&cluster, &bare).await?,
        migrated(&cluster, &bare).await?,
    ])
}

/// Makes the records of so many releases.
async fn fill(bare: &Bare, releases: usize) -> Result<()> {
    let (mut records, mut sizes) = (Records::new()?, 0);
    for first in (0..releases).step_by(50) {
        let mut maps = Vec::new();
        for release in first..first + 50 {
            for revision in 1..=REVISIONS {
                maps.push(records.config_map(release, revision)?);
            }
        }
        let size = |map: &Value| text(map, "/data/release").map_or(0, str::len);
        sizes += maps.iter().map(size).sum::<usize>();
        bare.create("configmaps", &maps).await?;
    }
    let records = releases * REVISIONS;
    println!("{records} records of {} bytes each", sizes / records);
    Ok(())
}

/// The best of three runs of each, in turn.
async fn list(cluster: &Cluster, bare: &Bare) -> Result<bool> {
    let (mut plain, mut best) = (Duration::MAX, Duration::MAX);
    let mut memory = 0;
    for _ in 0..3 {
        let mut took = Duration::ZERO;
        for resource in ["configmaps", "secrets"] {
            took += bare
                .list(&format!("/api/v1/{resource}?{TILLERS}"), |_| Ok(()))
                .await?;
        }
        plain = plain.min(took);
        let took = run(cluster, &["releases", "list", "-A", "-o", "json"])?;
        best = best.min(took.time);
        memory = memory.max(took.memory);
    }
    println!("releases list -A holds {} MiB at most", memory >> 10);
    ensure!(memory <= MEMORY, "more than {} MiB", MEMORY >> 10);
    Ok(compare(
        "releases list -A",
        best,
        "the same pages",
        plain,
        LIST_MOST,
    ))
}

async fn moved(cluster: &Cluster, bare: &Bare) -> Result<bool> {
    let took = run(
        cluster,
        &[
            "releases",
            "move",
            "--to=secrets",
            "-n",
            "bench",
            "--timeout=600",
        ],
    )?;
    let mut plain = Duration::ZERO;
    let (mut all, mut names) = (Vec::new(), Vec::new());
    bare.list(&format!("{SECRETS}?{TILLERS}"), |page| {
        for object in items(page)? {
            names.push(
                text(&object, "/metadata/name")
                    .context("no name")?
                    .to_owned(),
            );
            all.push(elsewhere(object));
        }
        Ok(())
    })
    .await?;
    ensure!(all.len() == RECORDS, "{} records were moved", all.len());
    plain += bare.create("secrets", &all).await?;
    plain += bare.delete(BARE, &names).await?;
    println!("releases move holds {} MiB at most", took.memory >> 10);
    Ok(compare(
        "releases move",
        took.time,
        "the same creates and deletes",
        plain,
        WRITE_MOST,
    ))
}

async fn migrated(cluster: &Cluster, bare: &Bare) -> Result<bool> {
    let took = run(
        cluster,
        &["releases", "migrate", "--to=helm3", "-n", "bench"],
    )?;
    let mut plain = Duration::ZERO;
    for selector in ["owner%3Dhelm", "OWNER%3DMIGRATED"] {
        let mut count = 0;
        let mut pages = Vec::new();
        bare.list(&format!("{SECRETS}?labelSelector={selector}"), |page| {
            pages.push(page.to_owned());
            Ok(())
        })
        .await?;
        for page in pages {
            let objects: Vec<Value> = items(&page)?.into_iter().map(elsewhere).collect();
            count += objects.len();
            plain += bare.create("secrets", &objects).await?;
        }
        ensure!(
            count == RECORDS,
            "{count} records were migrated: {selector}"
        );
    }
    let mut names = Vec::new();
    for release in 0..RELEASES {
        let revisions = 1..=REVISIONS;
        names.extend(revisions.map(|revision| format!("release-{release}.v{revision}.migrated")));
    }
    plain += bare.delete(SECRETS, &names).await?;
    println!("releases migrate holds {} MiB at most", took.memory >> 10);
    Ok(compare(
        "releases migrate",
        took.time,
        "the same creates and deletes",
        plain,
        WRITE_MOST,
    ))
}

/// Whether it took no more than so many times the time of the same requests.
fn compare(what: &str, took: Duration, beside: &str, plain: Duration, most: f64) -> bool {
    let (took, plain) = (took.as_secs_f64(), plain.as_secs_f64());
    let ratio = took / plain;
    println!(
        "{what}: {took:.2} s; {beside} by a bare client: {plain:.2} s; {ratio:.2} times, at most {most}"
    );
    ratio <= most
}

/// The objects of a page, without the larger part of their metadata.
fn items(page: &str) -> Result<Vec<Value>> {
    let mut list: Value = serde_json::from_str(page)?;
    let items = list.get_mut("items").and_then(Value::as_array_mut);
    Ok(std::mem::take(items.context("no items")?))
}

/// An object for the namespace of the bare client.
fn elsewhere(object: Value) -> Value {
    let mut object = object;
    let labels = object.pointer("/metadata/labels").cloned();
    let name = object.pointer("/metadata/name").cloned();
    if let Some(metadata) = object.get_mut("metadata") {
        *metadata = serde_json::json!({ "namespace": "bare", "name": name, "labels": labels });
    }
    object
}

/// The most memory that a process held, in KiB, by its file `status`.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

/// Runs the program, and looks at its memory until it ends.
fn run(cluster: &Cluster, words: &[&str]) -> Result<Took> {
    let begin = Instant::now();
    let mut child = Command::new(PROGRAM)
        .args(words)
        .arg(format!("--kubeconfig={}", cluster.kubeconfig().display()))
        .stdout(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let ended = loop {
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        memory = memory.max(peak(&text).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(5));
    };
    // Findings are an exit code of their own.
    ensure!(
        matches!(ended.code(), Some(0 | 1)),
        "{} ended with {ended}",
        words.join(" ")
    );
    Ok(Took {
        time: begin.elapsed(),
        memory,
    })
}
