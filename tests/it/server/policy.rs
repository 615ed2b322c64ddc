use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Duration, Instant, sleep, timeout};

use super::command::serve;
use crate::offline::Folder;
use crate::server::client::{Client, PATIENCE, metric};

const HEAD: &str = "apiVersion: tiller-guard.io/v1\nkind: Policy\n";
const REVIEW: &str = include_str!("../../data/reviews/1.20-deployment-create.json");

fn policy(body: &str) -> String {
    format!("{HEAD}{body}")
}

/// `serve` on free ports, judging by a policy file.
fn spawn(file: &str, more: &[&str]) -> Child {
    let own = [
        "--standalone",
        "--listen=127.0.0.1:0",
        "--health-address=127.0.0.1:0",
        "--policy",
        file,
        "--policy-reload-interval=0.1",
    ];
    serve(&[&own, more].concat())
}

/// A process that serves, and where.
struct Guard {
    child: Child,
    address: SocketAddr,
    health: SocketAddr,
}

impl Guard {
    async fn start(file: &str, more: &[&str]) -> Self {
        let mut child = spawn(file, more);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(PATIENCE, lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let after = |scheme: &str| {
            let rest = line.split(scheme).nth(1).unwrap();
            rest.split([' ', ')']).next().unwrap().parse().unwrap()
        };
        Self {
            address: after("https://"),
            health: after("http://"),
            child,
        }
    }

    /// What the validating webhook decides on a recorded Tiller.
    async fn decision(&self, review: &str) -> String {
        let mut client = Client::connect(self.address).await.unwrap();
        let reply = client.review(review).await.unwrap();
        let review: Value = serde_json::from_slice(&reply.body).unwrap();
        let decision = &review["response"]["auditAnnotations"]["decision"];
        decision.as_str().unwrap_or("unconcerned").to_owned()
    }

    async fn becomes(&self, decision: &str) {
        let begin = Instant::now();
        loop {
            let now = self.decision(REVIEW).await;
            if now == decision {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "{now} and not {decision}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn reloaded(&self, result: &str, count: usize) {
        let line = format!(r#"tiller_guard_policy_reloads_total{{result="{result}"}} {count}"#);
        metric(self.health, &line).await;
    }

    /// Ends it; what it logged.
    async fn log(mut self) -> String {
        let process = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-s", "TERM", &process]).status();
        assert!(kill.await.unwrap().success());
        let mut told = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        timeout(PATIENCE, stderr.read_to_string(&mut told))
            .await
            .unwrap()
            .unwrap();
        told
    }
}

#[tokio::test]
async fn a_changed_file_counts_and_a_bad_one_leaves_the_last_good() {
    let folder = Folder::new();
    let file = folder.file("policy.yaml", policy("mode: audit\n"));
    let guard = Guard::start(&file, &[]).await;
    assert_eq!(guard.decision(REVIEW).await, "audited");

    folder.file("policy.yaml", policy("mode: warn\n"));
    guard.becomes("warned").await;
    guard.reloaded("loaded", 1).await;

    folder.file("policy.yaml", policy("mode: enforced\n"));
    guard.reloaded("malformed", 1).await;
    assert_eq!(guard.decision(REVIEW).await, "warned");

    fs::remove_file(&file).unwrap();
    guard.reloaded("unreadable", 1).await;
    assert_eq!(guard.decision(REVIEW).await, "warned");

    folder.file("policy.yaml", vec![b'#'; 1024 * 1024 + 1]);
    guard.reloaded("malformed", 2).await;
    assert_eq!(guard.decision(REVIEW).await, "warned");

    folder.file("policy.yaml", policy("mode: forbid\n"));
    guard.becomes("refused").await;
    guard.reloaded("loaded", 2).await;

    let told = guard.log().await;
    let kept = "policy not reloaded; keeping the last good one";
    assert_eq!(told.matches(kept).count(), 3, "{told}");
    let problem = format!("{file}:3:1: there is no mode");
    assert!(told.contains(&problem), "{told}");
    assert!(told.contains("loaded the changed policy"), "{told}");
}

/// As kubelet's `AtomicWriter` updates a mounted `ConfigMap`: a new folder, and `..data` renamed onto it.
fn swap(folder: &Path, round: usize, mode: &str) {
    let data = folder.join(format!("..round_{round}"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("policy.yaml"), policy(&format!("mode: {mode}\n"))).unwrap();
    symlink(data.file_name().unwrap(), folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if round == 0 {
        symlink("..data/policy.yaml", folder.join("policy.yaml")).unwrap();
    } else {
        fs::remove_dir_all(folder.join(format!("..round_{}", round - 1))).unwrap();
    }
}

#[tokio::test]
async fn each_swap_of_a_mounted_config_map_counts() {
    let folder = Folder::new();
    let path = folder.path();
    swap(Path::new(&path), 0, "audit");
    let guard = Guard::start(&format!("{path}/policy.yaml"), &[]).await;
    for (round, (mode, decision)) in [
        ("warn", "warned"),
        ("forbid", "refused"),
        ("audit", "audited"),
    ]
    .into_iter()
    .enumerate()
    {
        swap(Path::new(&path), round + 1, mode);
        guard.becomes(decision).await;
    }
    guard.reloaded("loaded", 3).await;
}

#[tokio::test]
async fn options_count_on_top_of_every_file() {
    let folder = Folder::new();
    let file = folder.file("policy.yaml", policy("mode: enforce\n"));
    let namespace = serde_json::from_str::<Value>(REVIEW).unwrap()["request"]["namespace"]
        .as_str()
        .unwrap()
        .to_owned();
    let guard = Guard::start(&file, &["--protected-namespace", &namespace]).await;
    for mode in ["warn", "audit"] {
        folder.file("policy.yaml", policy(&format!("mode: {mode}\n")));
        guard
            .becomes(if mode == "warn" { "warned" } else { "audited" })
            .await;
    }
    let told = guard.log().await;
    let judged: Vec<_> = told
        .lines()
        .filter(|line| line.contains("rules="))
        .collect();
    assert!(judged.len() > 1, "{told}");
    for line in judged {
        assert!(line.contains("rules=protected-namespace,"), "{line}");
    }
}

const EXPIRED: &str = "mode: audit
exceptions:
- rule: tracing
  object: {kind: Deployment, namespace: team-a, name: tiller-deploy}
  reason: until the migration
  expires: 2020-12-31
";

/// An API server whose webhook does not start because a day has passed lets nothing in.
#[tokio::test]
async fn an_expired_exception_is_told_and_keeps_nothing_from_counting() {
    let folder = Folder::new();
    let file = folder.file("policy.yaml", policy(EXPIRED));
    let guard = Guard::start(&file, &[]).await;
    assert_eq!(guard.decision(REVIEW).await, "audited");
    folder.file("policy.yaml", policy(&EXPIRED.replace("audit", "warn")));
    guard.becomes("warned").await;
    guard.reloaded("expired", 1).await;
    let told = guard.log().await;
    assert_eq!(
        told.matches("8:3: this exception has expired; ").count(),
        2,
        "{told}"
    );
}

#[tokio::test]
async fn a_bad_file_fails_at_start_with_its_lines() {
    let folder = Folder::new();
    let file = folder.file("policy.yaml", policy("mode: enforced\nmodes: 1\n"));
    let failure = |file: String| async move {
        let mut child = spawn(&file, &[]);
        let mut told = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut told).await.unwrap();
        let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
        (status.code(), told)
    };
    let (code, told) = failure(file.clone()).await;
    assert_eq!(code, Some(2));
    let begin = format!("error: the policy file is invalid:\n{file}:4:1: unknown key \"modes\"");
    assert!(told.starts_with(&begin), "{told}");
    assert!(told.contains(&format!(
        "\n{file}:3:1: there is no mode \"enforced\"; use audit"
    )));

    let (code, told) = failure("/nowhere/policy.yaml".to_owned()).await;
    assert_eq!(code, Some(2));
    assert_eq!(
        told,
        "error: pass a readable file to --policy: cannot read /nowhere/policy.yaml: \
         No such file or directory (os error 2)\n"
    );
}

#[tokio::test]
async fn who_breaks_the_glass_is_warned_of_and_counted() {
    let folder = Folder::new();
    let body = "mode: forbid\nbreakGlass: {groups: [on-call]}\n";
    let file = folder.file("policy.yaml", policy(body));
    let guard = Guard::start(&file, &[]).await;
    let mut review: Value = serde_json::from_str(REVIEW).unwrap();
    review["request"]["userInfo"] = serde_json::json!({ "username": "ada", "groups": ["on-call"] });
    assert_eq!(guard.decision(&review.to_string()).await, "break-glass");
    let counted = r#"tiller_guard_admission_requests_total{webhook="validate",kind="Deployment",decision="break-glass",mode="forbid",code="200"} 1"#;
    metric(guard.health, counted).await;
    let told = guard.log().await;
    let line = told
        .lines()
        .find(|line| line.contains("break-glass"))
        .unwrap();
    assert!(
        line.contains("WARN") && line.contains("user=\"ada\""),
        "{line}"
    );
    assert!(line.contains("rules=tiller-forbidden,"), "{line}");
}
