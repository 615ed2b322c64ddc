//! API servers that answer oddly: the request is named, and what still works goes on.

use std::path::Path;
use std::time::{Duration, Instant};

use super::eventually;
use crate::api_server::cluster;
use crate::cluster::{Folder, Guard, User};
use crate::offline::run;
use crate::provision::proxy::{Fate, Proxy};
use crate::server::client::{get, metric};
use crate::suite::Feature;

/// An API server that is asked through a proxy, which answers some paths itself.
pub(super) async fn odd(answer: impl Fn(&str) -> Fate + Send + Sync + 'static) -> Proxy {
    let client = cluster().client(User::Admin).await.unwrap();
    Proxy::start(client, move |asked| answer(&asked[asked.len() - 1].path)).await
}

pub(super) fn guard_at(proxy: &Proxy) -> (Guard, Folder) {
    let folder = Folder::create().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_tiller-guard"));
    let kubeconfig = proxy.kubeconfig();
    let kubeconfig = Some(Path::new(&kubeconfig));
    let (version, ca) = (cluster().version(), cluster().ca());
    let started = Guard::start(program, &["serve"], version, kubeconfig, ca, &folder);
    (started.unwrap(), folder)
}

async fn ready(guard: &Guard) {
    eventually("ready guard", || async {
        let listens = std::net::TcpStream::connect(guard.health).is_ok();
        (listens && get(guard.health, "/readyz").await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_list_that_is_forbidden_is_named_and_the_others_go_on() {
    let proxy = odd(|path| match path {
        "/apis/apps/v1/statefulsets" => Fate::Fails(403),
        _ => Fate::Passes,
    })
    .await;
    let (guard, _folder) = guard_at(&proxy);
    eventually("line in the log", || async {
        let log = guard.server.log();
        log.contains("path=\"/apis/apps/v1/statefulsets\"")
            .then_some(())
    })
    .await;
    for (resource, synced) in [
        ("statefulsets", 0),
        ("pods", 1),
        ("roles", 1),
        ("records", 1),
    ] {
        let line = format!("tiller_guard_watch_synced{{resource=\"{resource}\"}} {synced}");
        metric(guard.health, &line).await;
    }
    // The first lists of all others are done by then.
    let expected = "not ready: waiting for the first list of statefulsets (forbidden)\n";
    eventually("word of the one that is missing", || async {
        let told = get(guard.health, "/readyz").await.body;
        (told == expected.as_bytes()).then_some(())
    })
    .await;
}

/// Nothing else is taken for a list without objects, which would forget what is known.
#[tokio::test]
async fn an_answer_that_is_no_list_is_no_empty_list() {
    for text in [
        "{}",
        r#"{"kind":"ClusterRoleBindingList","items":null}"#,
        r#"{"kind":"Status","status":"Failure","code":403,"items":[]}"#,
    ] {
        let answer = move |path: &str| match path.split('?').next() {
            Some("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings") => Fate::Says(text),
            _ => Fate::Passes,
        };
        let proxy = odd(answer).await;
        let (guard, _folder) = guard_at(&proxy);
        let expected =
            b"not ready: waiting for the first list of clusterrolebindings (malformed)\n";
        eventually("word of the one that is missing", || async {
            let listens = std::net::TcpStream::connect(guard.health).is_ok();
            (listens && get(guard.health, "/readyz").await.body == expected).then_some(())
        })
        .await;
        // Without a version it cannot be watched, and is a list.
        if text.contains("BindingList") {
            continue;
        }
        let (exit, told) = told_through(answer, &["audit"]).await;
        assert!(told.contains("unknown: clusterrolebindings: "), "{told}");
        assert!(matches!(exit, Some(1 | 3)), "{exit:?}: {told}");
    }
}

/// The client would log them whole, and an object may be a Secret.
#[tokio::test]
async fn answers_that_cannot_be_read_are_not_logged() {
    let proxy = odd(|path| match path {
        "/apis/apps/v1/statefulsets" => Fate::Says(
            r#"{"kind":"StatefulSetList","metadata":{"resourceVersion":"1"},"items":["very-private","#,
        ),
        "/apis/apps/v1/daemonsets" => {
            Fate::Says(r#"{"kind":"DaemonSetList","metadata":"very-private","items":[]}"#)
        }
        _ => Fate::Passes,
    })
    .await;
    let (guard, _folder) = guard_at(&proxy);
    let told = eventually("lines in the log", || async {
        let log = guard.server.log();
        let told = ["statefulsets", "daemonsets"];
        let all = told.map(|it| log.contains(&format!("path=\"/apis/apps/v1/{it}\"")));
        all.into_iter().all(|it| it).then_some(log)
    })
    .await;
    assert!(
        told.contains("the answer is not what Kubernetes sends"),
        "{told}"
    );
    assert!(!told.contains("very-private"), "{told}");
}

#[tokio::test]
async fn without_the_group_of_roles_there_are_none() {
    let proxy = odd(|path| match path {
        it if it.starts_with("/apis/rbac.authorization.k8s.io") => Fate::Fails(404),
        _ => Fate::Passes,
    })
    .await;
    let (guard, _folder) = guard_at(&proxy);
    ready(&guard).await;
    metric(guard.health, "tiller_guard_known_roles 0").await;
    eventually("line in the log", || async {
        let log = guard.server.log();
        log.contains("this API server does not serve it")
            .then_some(())
    })
    .await;
}

/// `serve` and the commands.
#[tokio::test]
async fn a_version_that_nobody_can_read_is_told_from_what_is_served() {
    let proxy = odd(|path| match path {
        "/version" => Fate::Says(r#"{"gitVersion":"of our own"}"#),
        _ => Fate::Passes,
    })
    .await;
    let (guard, _folder) = guard_at(&proxy);
    ready(&guard).await;
    let words = [
        "doctor".to_owned(),
        "--pre".to_owned(),
        format!("--kubeconfig={}", proxy.kubeconfig()),
    ];
    let told = tokio::task::spawn_blocking(move || {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run(&words, b"")
    });
    let told = told.await.unwrap();
    let expected = "‼ api-server: GET /version gave gitVersion \"of our own\"; taken for about 1.";
    assert!(told.stdout.starts_with(expected), "{}", told.stdout);
}

#[tokio::test]
async fn a_version_that_cannot_be_got_ends_no_check() {
    let answer = |path: &str| match path {
        "/version" => Fate::Fails(500),
        _ => Fate::Passes,
    };
    let (exit, told) = told_through(answer, &["doctor", "--pre"]).await;
    let expected =
        "‼ api-server: GET /version gave made up by the test (HTTP 500); taken for about 1.";
    assert!(told.starts_with(expected), "{told}");
    assert!(told.contains(" names-free: "), "{told}");
    assert!(matches!(exit, Some(0 | 1)), "{exit:?}: {told}");
}

#[tokio::test]
async fn what_is_no_api_server_is_told_by_the_request_that_it_does_not_know() {
    let proxy = odd(|_| Fate::Fails(404)).await;
    let option = format!("--kubeconfig={}", proxy.kubeconfig());
    let told = tokio::task::spawn_blocking(move || run(&["doctor", &option], b""));
    let told = told.await.unwrap();
    assert_eq!(told.code, Some(4), "{}", told.stderr);
    let expected = format!(
        "error: the API server at http://{}/ gives no usable answer to GET /apis: ",
        proxy.address
    );
    assert!(told.stderr.starts_with(&expected), "{}", told.stderr);
}

/// What a command says through a proxy, which answers some paths itself, and its exit code.
pub(super) async fn told_through(
    answer: impl Fn(&str) -> Fate + Send + Sync + 'static,
    words: &[&str],
) -> (Option<i32>, String) {
    let proxy = odd(answer).await;
    let option = format!("--kubeconfig={}", proxy.kubeconfig());
    let words: Vec<String> = words
        .iter()
        .map(ToString::to_string)
        .chain([option])
        .collect();
    let told = tokio::task::spawn_blocking(move || {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        run(&words, b"")
    });
    let told = told.await.unwrap();
    let text = format!("{}{}", told.stdout, told.stderr);
    for types in ["ApiError", "Status {", "Some(", "Error:"] {
        assert!(!text.contains(types), "{text}");
    }
    (told.code, text)
}

#[tokio::test]
async fn an_answer_to_one_list_is_told_with_the_request_and_the_next_step() {
    for (code, step) in [
        (401, "log in again"),
        (404, "kubectl api-resources"),
        (500, "look at the log of the API server"),
    ] {
        let answer = move |path: &str| match path {
            "/api/v1/serviceaccounts"
            | "/api/v1/namespaces/tiller-guard/configmaps/tiller-guard-policy" => Fate::Fails(code),
            _ => Fate::Passes,
        };
        let (_, told) = told_through(answer, &["audit"]).await;
        let line = told
            .lines()
            .find(|it| it.starts_with("unknown: serviceaccounts: "));
        let line = line.unwrap_or_else(|| panic!("{told}"));
        assert!(line.contains(&format!("(HTTP {code}); ")), "{line}");
        assert!(line.contains(step), "{line}");
        // To 404 it is an installation without a policy.
        if code == 404 {
            continue;
        }
        let (exit, told) = told_through(answer, &["install", "--yes", "--dry-run=client"]).await;
        assert_ne!(exit, Some(0), "{told}");
        assert!(
            told.starts_with("error: cannot read the installed policy: "),
            "{told}"
        );
        assert!(told.contains(step), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[tokio::test]
async fn a_missing_group_of_webhooks_is_told_as_that() {
    let answer = |path: &str| match path {
        it if it.starts_with("/apis/admissionregistration.k8s.io") => Fate::NotServed,
        _ => Fate::Passes,
    };
    let (exit, told) = told_through(answer, &["doctor", "--pre"]).await;
    assert_eq!(exit, Some(1), "{told}");
    let line = told
        .lines()
        .find(|it| it.starts_with("✗ webhooks-served: admissionregistration.k8s.io/"));
    assert!(
        line.is_some_and(|it| it.contains(" is not served: ")),
        "{told}"
    );
}

#[tokio::test]
async fn a_kind_that_is_not_served_is_no_write_conflict() {
    if Feature::DryRun.is_missing(cluster().version()) {
        return;
    }
    let answer = |path: &str| match path {
        it if it.contains("poddisruptionbudgets") => Fate::NotServed,
        _ => Fate::Passes,
    };
    let words = [
        "install",
        "--yes",
        "--dry-run=server",
        "--namespace=odd-kinds",
    ];
    let (exit, told) = told_through(answer, &words).await;
    assert_ne!(exit, Some(0), "{told}");
    let expected = "error: cannot create PodDisruptionBudget odd-kinds/tiller-guard: the API server does not serve \
                    PodDisruptionBudget of policy/v1";
    assert!(told.lines().any(|it| it.starts_with(expected)), "{told}");
}

#[tokio::test]
async fn another_major_version_has_what_the_newest_known_has() {
    let answer = |path: &str| match path {
        "/version" => Fate::Says(r#"{"major":"2","minor":"0","gitVersion":"v2.0.1"}"#),
        _ => Fate::Passes,
    };
    let (_, told) = told_through(answer, &["doctor", "--pre"]).await;
    assert!(
        told.starts_with("‼ api-server: Kubernetes 2.0 answers"),
        "{told}"
    );
}

#[tokio::test]
async fn tillers_that_cannot_be_listed_are_not_said_to_be_none() {
    let answer = |path: &str| match path {
        "/apis/apps/v1/statefulsets" => Fate::Fails(403),
        _ => Fate::Passes,
    };
    let (exit, told) = told_through(answer, &["doctor", "--pre"]).await;
    assert!(matches!(exit, Some(1 | 4)), "{exit:?}: {told}");
    assert!(told.contains("‼ tillers: found "), "{told}");
    assert!(told.contains("\n  unknown   statefulsets: "), "{told}");
    let hint = "use an account that may list workloads";
    assert!(told.contains(hint), "{told}");
    // No account changes this.
    for (fate, step) in [
        (Fate::Fails(500), "look at the log of the API server"),
        (Fate::Lost, "connection"),
    ] {
        let answer = move |path: &str| match path {
            "/apis/apps/v1/statefulsets" => fate,
            _ => Fate::Passes,
        };
        let (_, told) = told_through(answer, &["doctor", "--pre"]).await;
        assert!(told.contains("\n  unknown   statefulsets: "), "{told}");
        assert!(told.contains(step), "{told}");
        assert!(!told.contains(hint), "{told}");
    }
}

/// No command waits long in silence.
#[tokio::test]
async fn an_overloaded_server_is_named_within_seconds() {
    for words in [
        &["doctor"][..],
        &["install", "--yes"],
        &["uninstall"],
        &["version"],
    ] {
        let start = Instant::now();
        let (exit, told) = told_through(|_| Fate::Fails(429), words).await;
        let took = start.elapsed();
        assert_eq!(exit, Some(4), "{told}");
        assert!(
            told.contains("(HTTP 429); the API server is overloaded"),
            "{told}"
        );
        assert!(took < Duration::from_secs(10), "{words:?} took {took:?}");
    }
}
