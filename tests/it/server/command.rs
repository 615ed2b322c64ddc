use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::server::client::{Client, PATIENCE, get};

/// `serve` with these arguments, and nothing in its environment.
pub(super) fn serve(arguments: &[&str]) -> Child {
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
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    signal(&child, "TERM").await;
    let draining = async {
        while let Some(line) = log.next_line().await.unwrap() {
            if line.contains("draining") {
                return;
            }
        }
        panic!("it has left");
    };
    timeout(PATIENCE, draining).await.unwrap();
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
        "error: pass a valid certificate and its key to --tls-cert-file and --tls-key-file: \
         cannot load the serving certificate: cannot read /nowhere/tls.crt: \
         No such file or directory (os error 2)\n"
    );
}

/// A folder of our own with a certificate for `serve`, and the arguments that name it.
fn certificate(name: &str) -> (PathBuf, Vec<String>) {
    let folder = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    std::fs::write(&certificate, pair.cert.pem()).unwrap();
    std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    let arguments = vec![
        format!("--tls-cert-file={}", certificate.display()),
        format!("--tls-key-file={}", key.display()),
        "--listen=127.0.0.1:0".to_owned(),
        "--drain-delay=0".to_owned(),
    ];
    (folder, arguments)
}

#[tokio::test]
async fn an_api_server_that_is_not_there_is_waited_for_and_named() {
    let (folder, mut arguments) = certificate("unreachable");
    let [nobody, health] = crate::cluster::free_ports().unwrap();
    let kubeconfig = folder.join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
         clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{nobody}'}}}}]\n\
         users: [{{name: a, user: {{token: none}}}}]\n\
         contexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    arguments.push(format!("--kubeconfig={}", kubeconfig.display()));
    arguments.push(format!("--health-address=127.0.0.1:{health}"));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut child = serve(&arguments);
    let address = format!("127.0.0.1:{health}").parse().unwrap();
    let expected = format!(
        "not ready: waiting for an answer: the API server at http://127.0.0.1:{nobody}/ does not answer\n"
    );
    for attempt in 0.. {
        assert!(attempt < 200, "not told");
        tokio::time::sleep(Duration::from_millis(50)).await;
        if TcpStream::connect(address).await.is_err() {
            continue;
        }
        let reply = get(address, "/readyz").await;
        assert_eq!(reply.status, 503);
        if reply.text() == expected {
            break;
        }
    }
    assert_eq!(get(address, "/livez").await.status, 200);
    signal(&child, "TERM").await;
    assert_eq!(exit_code(&mut child).await, Some(0));
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_kubeconfig_that_cannot_be_used_is_an_error_with_the_next_step() {
    let (folder, mut arguments) = certificate("kubeconfig");
    arguments.push("--kubeconfig=/nowhere/kubeconfig".to_owned());
    arguments.push("--health-address=127.0.0.1:0".to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut child = serve(&arguments);
    let mut told = String::new();
    let stderr = child.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut told).await.unwrap();
    assert_eq!(exit_code(&mut child).await, Some(2));
    let last = told.lines().last().unwrap();
    assert!(
        last.starts_with(
            "error: pass --without-cluster to run without a cluster: \
             cannot use the kubeconfig; check --kubeconfig and --context: "
        ),
        "{told}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn few_descriptors_are_told_of_once_and_survived() {
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
    assert!(warnings <= 1, "{told}");
    let fitted =
        "the limit of open files allows fewer connections than usual open_files=40 connections=10";
    assert_eq!(told.matches(fitted).count(), 1, "{told}");
}

#[tokio::test]
async fn certificates_are_asked_for() {
    let mut child = serve(&[]);
    assert_eq!(exit_code(&mut child).await, Some(2));
}
