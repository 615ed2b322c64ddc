//! Command lines that say one thing to a person and another to Tiller.

use serde_json::{Value, json};

use super::{assert_no_unhardened_tiller, is_hardened, stored_with, tried_with};
use crate::api_server::World;
use crate::api_server::refuse::assert_refused;

/// The command line that takes the place of every other, but for what a Tiller may choose.
const CANONICAL: [&str; 10] = [
    "--listen=:44134",
    "--storage=secret",
    "--tls=true",
    "--tls-verify=true",
    "--tls-key=/etc/certs/tls.key",
    "--tls-cert=/etc/certs/tls.crt",
    "--tls-ca-cert=/etc/certs/ca.crt",
    "--history-max=0",
    "--trace=false",
    "--experimental-release=false",
];

/// Each of these comes out as the canonical command line.
async fn all_hardened(world: &World, launches: &[Value]) {
    for fields in launches {
        let stored = stored_with(world, fields).await;
        assert!(is_hardened(&stored), "{fields}: {stored:#}");
        assert_eq!(
            stored["spec"]["containers"][0]["args"],
            json!(CANONICAL),
            "{fields}"
        );
    }
    assert_no_unhardened_tiller(world).await;
}

fn args(words: &[&str]) -> Value {
    json!({ "args": words })
}

fn whole(words: &[&str]) -> Value {
    json!({ "command": words })
}

async fn all_refused(world: &World, launches: &[Value]) {
    for fields in launches {
        let answer = tried_with(world, fields).await;
        assert_refused(answer, "launch-unreadable", "/spec/containers/0");
    }
    assert_no_unhardened_tiller(world).await;
}

#[tokio::test]
async fn row_12_words_that_end_the_flags() {
    let world = World::create("row-12").await;
    let launches: Vec<Value> = ["--", "-", "", "positional", "/tiller"]
        .iter()
        .map(|word| args(&[word, "--storage=secret", "--tls-verify"]))
        .collect();
    all_hardened(&world, &launches).await;
}

#[tokio::test]
async fn row_13_flags_that_swallow_the_next() {
    let world = World::create("row-13").await;
    all_hardened(&world, &[args(&["--storage", "--tls-verify"])]).await;
    all_refused(
        &world,
        &[
            args(&["--tls-verify", "--listen"]),
            args(&["--storage"]),
            args(&["-v"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_14_later_duplicates() {
    let world = World::create("row-14").await;
    all_hardened(
        &world,
        &[
            args(&["--storage=secret", "--storage=memory"]),
            args(&["-storage=secret", "-storage", "configmap"]),
            args(&["--tls-verify", "-tls-verify=false"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_15_false_in_its_spellings() {
    let world = World::create("row-15").await;
    let spelt = ["0", "f", "F", "false", "FALSE", "False"];
    let mut launches: Vec<Value> = spelt
        .iter()
        .map(|word| args(&[&format!("--tls-verify={word}")]))
        .collect();
    launches.push(args(&["--tls-verify", "false", "--storage=secret"]));
    all_hardened(&world, &launches).await;
}

#[tokio::test]
async fn row_16_other_cas() {
    let world = World::create("row-16").await;
    all_hardened(
        &world,
        &[
            args(&["--tls-verify", "--tls-ca-cert="]),
            args(&["--tls-verify", "--tls-ca-cert=/tmp/ca.crt"]),
            args(&[
                "--tls-verify",
                "--tls-ca-cert",
                "/etc/ssl/certs/ca-certificates.crt",
            ]),
            args(&["--tls-verify", "--tls-key=/tmp/a", "--tls-cert=/tmp/b"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_17_tls_without_clients() {
    let world = World::create("row-17").await;
    all_hardened(
        &world,
        &[
            args(&["--tls"]),
            args(&["--tls=true", "--tls-verify=false"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_18_storage_by_another_case() {
    let world = World::create("row-18").await;
    let spelt = ["Secret", "secrets", "foo", "", "SECRET"];
    let launches: Vec<Value> = spelt
        .iter()
        .map(|word| args(&[&format!("--storage={word}")]))
        .collect();
    all_hardened(&world, &launches).await;
}

#[tokio::test]
async fn row_19_the_program_among_its_arguments() {
    let world = World::create("row-19").await;
    all_hardened(
        &world,
        &[
            args(&["/tiller", "--storage=secret"]),
            whole(&["/tiller", "--storage=secret"]),
            json!({ "command": ["/tiller"], "args": ["/tiller", "--tls-verify"] }),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_20_variables_in_words() {
    let world = World::create("row-20").await;
    all_refused(
        &world,
        &[
            args(&["$(FLAGS)"]),
            args(&["--storage=$(STORAGE)"]),
            args(&["--tls-verify=$(TILLER_DEPLOY_SERVICE_HOST)"]),
            whole(&["$(PROGRAM)"]),
            whole(&["/tiller", "$(FLAGS)"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_29_other_ports() {
    let world = World::create("row-29").await;
    all_hardened(
        &world,
        &[
            args(&["--listen=0.0.0.0:9999"]),
            args(&["--listen", ":1"]),
            args(&["--listen="]),
        ],
    )
    .await;
    let probes = args(&["--probe-listen=:9999"]);
    let stored = stored_with(&world, &probes).await;
    let words = stored["spec"]["containers"][0]["args"].to_string();
    assert!(words.contains("\"--probe-listen=:44135\""), "{words}");
}

#[tokio::test]
async fn row_30_debugging_and_delegation() {
    let world = World::create("row-30").await;
    all_hardened(
        &world,
        &[
            args(&["--trace"]),
            args(&["-trace=1"]),
            args(&["--experimental-release"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn row_66_flags_that_log_secrets() {
    let world = World::create("row-66").await;
    let dropped = [
        args(&["--vmodule=round_trippers=9"]),
        args(&["--log_file=/tmp/log"]),
        args(&["--log_backtrace_at=client.go:10"]),
    ];
    all_hardened(&world, &dropped).await;
    let stored = stored_with(&world, &args(&["-v", "9"])).await;
    let words = stored["spec"]["containers"][0]["args"].to_string();
    assert!(
        words.contains("\"--v=4\"") && !words.contains('9'),
        "{words}"
    );
}

#[tokio::test]
async fn row_57_storages_without_records() {
    let world = World::create("row-57").await;
    all_hardened(&world, &[args(&["--storage=memory"])]).await;
    // What is in the database would be hidden.
    let sql = args(&["--storage=sql", "--sql-dialect=postgres"]);
    let answer = tried_with(&world, &sql).await;
    assert_refused(answer, "storage-switch", "/spec/containers/0/args");
}
