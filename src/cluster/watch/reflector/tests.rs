mod outage;

use std::collections::VecDeque;
use std::sync::Mutex;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request as HttpRequest, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::policy::WorkloadKind;
use crate::policy::rbac::RbacKind;

/// Of which nobody has to find out where they are.
const SERVICES: WatchedResource = WatchedResource::Services;

/// What an API server says, in order; the last for ever.
#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

// === impl Script ===

impl Script {
    fn new(answers: &[(u16, Vec<Value>)]) -> Self {
        let answers = answers.iter().map(|(status, lines)| {
            let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
            (*status, lines.join("\n"))
        });
        Self {
            answers: Arc::new(Mutex::new(answers.collect())),
            asked: Arc::default(),
        }
    }

    fn client(&self) -> Client {
        let script = self.clone();
        let service = tower::service_fn(move |request: HttpRequest<Body>| {
            script.asked.lock().unwrap().push(request.uri().to_string());
            let mut answers = script.answers.lock().unwrap();
            let (status, text) = if answers.len() > 1 {
                answers.pop_front().unwrap()
            } else {
                answers.front().unwrap().clone()
            };
            let body = Full::new(Bytes::from(text));
            async move { Response::builder().status(status).body(body) }
        });
        Client::new(service, "default")
    }

    fn run(
        &self,
        resource: WatchedResource,
    ) -> (mpsc::Receiver<(WatchedResource, StoreUpdate)>, Arc<Status>) {
        run_with(self.client(), resource)
    }

    /// Those that were asked, as far as what matters goes.
    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let words = ["continue", "watch", "resourceVersion", "limit"];
        let short = |uri: &String| {
            let parameters = uri.split_once('?').map_or("", |(_, rest)| rest);
            let kept = parameters
                .trim_start_matches('&')
                .split('&')
                .filter(|parameter| {
                    words
                        .iter()
                        .any(|word| parameter.starts_with(&format!("{word}=")))
                });
            kept.collect::<Vec<_>>().join(" ")
        };
        asked.iter().map(short).collect()
    }
}

/// A watch of this, by this client.
fn run_with(
    client: Client,
    resource: WatchedResource,
) -> (mpsc::Receiver<(WatchedResource, StoreUpdate)>, Arc<Status>) {
    let (sender, updates) = mpsc::channel(16);
    let status = Arc::new(Status::new());
    status.connected();
    let reflector = Reflector {
        resource,
        client,
        own_namespace: "tiller-guard".into(),
        turns: Arc::new(Semaphore::new(1)),
        updates: sender,
        status: Arc::clone(&status),
    };
    tokio::spawn(reflector.run());
    (updates, status)
}

fn role(name: &str, version: u32) -> Value {
    json!({ "metadata": { "name": name, "resourceVersion": version.to_string() } })
}

fn page(version: &str, continues: &str, items: &Value) -> Value {
    json!({
        "kind": "RoleList",
        "metadata": { "resourceVersion": version, "continue": continues },
        "items": items,
    })
}

fn event(kind: &str, object: &Value) -> Value {
    // The API server writes the type first.
    serde_json::from_str(&format!(r#"{{"type":"{kind}","object":{object}}}"#)).unwrap()
}

fn failure(code: u16) -> Value {
    json!({ "kind": "Status", "status": "Failure", "reason": "Expired", "message": "no", "code": code })
}

/// Told in a word.
fn word(update: &StoreUpdate) -> String {
    let name = |object: &Json| {
        let object: Value = serde_json::from_str(object.get()).unwrap();
        object["metadata"]["name"].as_str().unwrap().to_owned()
    };
    match update {
        StoreUpdate::Listing => "listing".to_owned(),
        StoreUpdate::Listed(objects) => objects.iter().map(name).collect::<Vec<_>>().join(","),
        StoreUpdate::Complete => "complete".to_owned(),
        StoreUpdate::Changed(object) => format!("+{}", name(object)),
        StoreUpdate::Gone(object) => format!("-{}", name(object)),
    }
}

fn metrics(status: &Status) -> String {
    let mut registry = prometheus_client::registry::Registry::default();
    status.register(&mut registry);
    let mut metrics = String::new();
    prometheus_client::encoding::text::encode(&mut metrics, &registry).unwrap();
    metrics
}

async fn told(
    update: &mut mpsc::Receiver<(WatchedResource, StoreUpdate)>,
    count: usize,
) -> Vec<String> {
    let mut told = Vec::new();
    for _ in 0..count {
        told.push(word(&update.recv().await.unwrap().1));
    }
    told
}

#[tokio::test(start_paused = true)]
async fn pages_then_changes_then_all_anew_when_the_version_is_too_old() {
    let bookmark =
        json!({ "kind": "Role", "apiVersion": "v1", "metadata": { "resourceVersion": "9" } });
    let script = Script::new(&[
        (200, vec![page("5", "more", &json!([role("a", 1)]))]),
        (200, vec![page("5", "", &json!([role("b", 2)]))]),
        (
            200,
            vec![
                event("ADDED", &role("c", 6)),
                event("MODIFIED", &role("a", 7)),
                event("DELETED", &role("b", 8)),
                event("BOOKMARK", &bookmark),
            ],
        ),
        (200, vec![event("ERROR", &failure(410))]),
        (200, vec![page("20", "", &Value::Null)]),
        (200, vec![]),
    ]);
    let (mut update, _status) = script.run(SERVICES);
    let told = told(&mut update, 10).await;
    let expected = [
        "listing", "a", "b", "complete", "+c", "+a", "-b", "listing", "", "complete",
    ];
    assert_eq!(told, expected);
    sleep(Duration::from_secs(5)).await;
    let asked = script.asked();
    assert_eq!(
        asked[..6],
        [
            "limit=100",
            "limit=100 continue=more",
            "watch=true resourceVersion=5",
            "watch=true resourceVersion=9",
            "limit=100",
            "watch=true resourceVersion=20",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_listed_anew() {
    let script = Script::new(&[
        (200, vec![page("5", "", &json!([role("a", 1)]))]),
        (
            200,
            vec![
                json!({ "type": "ADDED", "object": 5, "more": {} }),
                json!(["?"]),
            ],
        ),
        (200, vec![page("6", "", &json!([role("b", 6)]))]),
        (200, vec![]),
    ]);
    let (mut update, _status) = script.run(SERVICES);
    let expected = ["listing", "a", "complete", "listing", "b", "complete"];
    assert_eq!(told(&mut update, 6).await, expected);
}

/// An API server that is shutting down takes watches and ends them at once.
#[tokio::test(start_paused = true)]
async fn a_watch_that_ends_at_once_is_not_made_anew_in_haste() {
    let script = Script::new(&[(200, vec![page("5", "", &json!([]))]), (200, vec![])]);
    let (mut update, _status) = script.run(SERVICES);
    told(&mut update, 3).await;
    sleep(Duration::from_mins(10)).await;
    let asked = script.asked().len();
    assert!((100..160).contains(&asked), "{asked} requests");
}

/// The versions of before are too old to an API server that was started again.
#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_back_is_listed_from_soon() {
    let mut answers = vec![(200, vec![page("5", "", &json!([role("a", 1)]))])];
    answers.extend(vec![(503, vec![failure(503)]); 4]);
    answers.push((200, vec![event("ERROR", &failure(410))]));
    answers.push((200, vec![page("9", "", &json!([role("b", 2)]))]));
    answers.push((200, vec![]));
    let script = Script::new(&answers);
    let (mut update, _status) = script.run(SERVICES);
    told(&mut update, 3).await;
    while script.asked().len() < 6 {
        sleep(Duration::from_millis(10)).await;
    }
    let back = Instant::now();
    assert_eq!(told(&mut update, 3).await, ["listing", "b", "complete"]);
    assert!(
        back.elapsed() < Duration::from_secs(4),
        "{:?}",
        back.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_are_told_by_their_reason_and_waited_out() {
    for (code, reason) in [
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "absent"),
        (429, "throttled"),
        (500, "server"),
        (503, "server"),
    ] {
        let script = Script::new(&[
            (code, vec![failure(code)]),
            (200, vec![page("5", "", &json!([role("a", 1)]))]),
            (200, vec![]),
        ]);
        let began = Instant::now();
        let (mut update, status) = script.run(SERVICES);
        assert_eq!(told(&mut update, 1).await, ["listing"]);
        let again = told(&mut update, 3).await;
        assert_eq!(again, ["listing", "a", "complete"]);
        assert!(
            began.elapsed() >= Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        let metrics = metrics(&status);
        let line = format!("watch_errors_total{{resource=\"services\",reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
}

/// `CronJob` of `batch/v2alpha1` alone.
#[tokio::test(start_paused = true)]
async fn a_kind_is_found_in_whatever_version_is_served() {
    let none = json!({ "groupVersion": "batch/v1", "resources": [] });
    let cron_jobs = json!({
        "groupVersion": "batch/v2alpha1",
        "resources": [{
            "name": "cronjobs", "singularName": "", "namespaced": true, "kind": "CronJob",
            "verbs": ["list", "watch"],
        }],
    });
    let script = Script::new(&[
        (200, vec![none.clone()]),
        (404, vec![failure(404)]),
        (200, vec![cron_jobs]),
        (200, vec![page("5", "", &json!([]))]),
        (200, vec![]),
    ]);
    let (mut update, _status) = script.run(WatchedResource::Workloads(WorkloadKind::CronJob));
    assert_eq!(told(&mut update, 3).await, ["listing", "", "complete"]);
    let asked = script.asked.lock().unwrap().clone();
    assert_eq!(
        asked[..3],
        [
            "/apis/batch/v1",
            "/apis/batch/v1beta1",
            "/apis/batch/v2alpha1"
        ]
    );
    assert!(
        asked[3].starts_with("/apis/batch/v2alpha1/cronjobs?"),
        "{asked:?}"
    );

    let script = Script::new(&[(200, vec![none])]);
    let (mut update, _status) = script.run(WatchedResource::Workloads(WorkloadKind::CronJob));
    assert_eq!(told(&mut update, 2).await, ["listing", "complete"]);
}

/// An API server that starts has no group at first, and one without RBAC never.
#[tokio::test(start_paused = true)]
async fn a_group_that_is_not_served_is_looked_for_twice_before_there_is_none() {
    let roles = WatchedResource::Rbac(RbacKind::Role);
    let served = json!({
        "groupVersion": "rbac.authorization.k8s.io/v1",
        "resources": [{
            "name": "roles", "singularName": "", "namespaced": true, "kind": "Role", "verbs": ["list", "watch"],
        }],
    });
    let script = Script::new(&[
        (404, vec![failure(404)]),
        (200, vec![served]),
        (200, vec![page("5", "", &json!([role("a", 1)]))]),
        (200, vec![]),
    ]);
    let (mut update, _status) = script.run(roles);
    assert_eq!(told(&mut update, 3).await, ["listing", "a", "complete"]);

    let script = Script::new(&[(404, vec![failure(404)])]);
    let (mut update, status) = script.run(roles);
    assert_eq!(told(&mut update, 2).await, ["listing", "complete"]);
    assert_eq!(script.asked().len(), 2);
    status.listed(roles);
    let waits = status.waits_for().unwrap();
    assert!(
        waits.starts_with("the first list of clusterroles"),
        "{waits}"
    );
}

/// As Kubernetes 1.10 to 1.14 answer.
#[tokio::test(start_paused = true)]
async fn lists_of_metadata_without_a_version_are_told_at_once_and_watched_from_one_before() {
    let bare = |items: Value| json!({ "kind": "PartialObjectMetadataList", "items": items });
    for (items, listed) in [
        (json!([role("a", 2), role("b", 4)]), "a,b"),
        (Value::Null, ""),
    ] {
        let script = Script::new(&[
            (200, vec![bare(json!([role("a", 2)]))]),
            (200, vec![page("7", "more", &json!([role("a", 2)]))]),
            (200, vec![bare(items)]),
            (200, vec![event("ADDED", &role("c", 8))]),
            (200, vec![]),
        ]);
        let (mut update, _status) = script.run(WatchedResource::Records);
        let expected = ["listing", listed, "complete", "+c"];
        assert_eq!(told(&mut update, 4).await, expected);
        let asked = ["limit=100", "limit=1", "", "watch=true resourceVersion=7"];
        assert_eq!(script.asked()[..4], asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_never_tells_its_version_is_tried_again() {
    let (bare, version) = (
        json!({ "kind": "List", "items": [] }),
        page("7", "", &Value::Null),
    );
    let script = Script::new(&[
        (200, vec![bare.clone()]),
        (200, vec![bare.clone()]),
        (200, vec![version]),
        (200, vec![]),
    ]);
    let (mut update, _status) = script.run(WatchedResource::Records);
    assert_eq!(
        told(&mut update, 4).await,
        ["listing", "listing", "", "complete"]
    );
}
