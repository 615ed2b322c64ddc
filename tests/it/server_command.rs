use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::server_client::{Client, PATIENCE};

fn serve(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tiller-guard"))
        .arg("serve")
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

const STANDALONE: [&str; 5] = [
    "--standalone",
    "--listen",
    "127.0.0.1:0",
    "--health-address",
    "127.0.0.1:0",
];

async fn signal(child: &Child, name: &str) {
    let process = child.id().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-s", name, &process])
            .status()
            .await
            .unwrap()
            .success()
    );
}

async fn exit_code(child: &mut Child) -> Option<i32> {
    timeout(PATIENCE, child.wait())
        .await
        .unwrap()
        .unwrap()
        .code()
}

/// The first line on stdout, and the address in it.
async fn announced(child: &mut Child) -> (String, String) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line())
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let address = line
        .split("https://")
        .nth(1)
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .to_owned();
    (line, address)
}

#[tokio::test]
async fn standalone_says_how_to_try_it_and_leaves_when_asked() {
    let mut child = serve(&STANDALONE);
    let (line, address) = announced(&mut child).await;
    let (_, command) = line.split_once("try: ").unwrap();
    assert!(command.starts_with("curl -k --tlsv1.3 "), "{command}");
    assert!(
        command.ends_with(&format!("https://{address}/validate")),
        "{command}"
    );

    let review = command
        .split_once("--data '")
        .unwrap()
        .1
        .split_once("' https")
        .unwrap()
        .0;
    let mut client = Client::connect(address.parse().unwrap()).await.unwrap();
    let reply = client.review(review).await.unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains(r#""uid":"1""#), "{}", reply.text());
    assert!(
        reply.text().contains(r#""allowed":false"#),
        "{}",
        reply.text()
    );

    signal(&child, "TERM").await;
    assert_eq!(exit_code(&mut child).await, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_the_drain() {
    let mut child = serve(&[&STANDALONE[..], &["--drain-delay", "20"]].concat());
    announced(&mut child).await;
    signal(&child, "TERM").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(child.try_wait().unwrap().is_none());
    signal(&child, "INT").await;
    assert_eq!(exit_code(&mut child).await, Some(130));
}

#[tokio::test]
async fn a_missing_certificate_is_named_with_the_next_step() {
    let mut child = serve(&[
        "--tls-cert-file",
        "/nowhere/tls.crt",
        "--tls-key-file",
        "/nowhere/tls.key",
    ]);
    let mut told = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .await
        .unwrap();
    assert_eq!(exit_code(&mut child).await, Some(2));
    assert_eq!(
        told,
        "tiller-guard: give --tls-cert-file and --tls-key-file a valid certificate and its key: \
         cannot load the serving certificate: cannot read /nowhere/tls.crt: \
         No such file or directory (os error 2)\n"
    );
}

#[tokio::test]
async fn running_out_of_descriptors_is_survived_without_haste() {
    let limited = format!(
        "ulimit -n 40; exec {} serve \"$@\"",
        env!("CARGO_BIN_EXE_tiller-guard")
    );
    let mut child = Command::new("sh")
        .args(["-c", &limited, "sh"])
        .args(STANDALONE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (_, address) = announced(&mut child).await;
    let mut strangers = Vec::new();
    for _ in 0..80 {
        strangers.push(TcpStream::connect(&address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(strangers);
    let client = timeout(PATIENCE, Client::connect(address.parse().unwrap()))
        .await
        .unwrap();
    assert!(client.unwrap().review("{}").await.is_some());

    signal(&child, "TERM").await;
    assert_eq!(exit_code(&mut child).await, Some(0));
    let mut told = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .await
        .unwrap();
    let warnings = told.matches("cannot accept connections").count();
    assert!((1..=20).contains(&warnings), "{told}");
}

#[tokio::test]
async fn certificates_are_asked_for() {
    let mut child = serve(&[]);
    assert_eq!(exit_code(&mut child).await, Some(2));
}
