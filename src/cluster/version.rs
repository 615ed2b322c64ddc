//! Which Kubernetes an API server is.

use std::fmt;
use std::time::Duration;

use hyper::Request;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIGroupList;
use kube::Client;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::sleep;
use tracing::warn;

use super::told::said;

/// What is served, in the versions of groups, from which Kubernetes 1.x on; the newest first.
///
/// Source: the release notes of Kubernetes 1.10 to 1.36, and the published API of 1.37 (`k8s-openapi`).
const SINCE: [(&str, u16); 10] = [
    ("resource.k8s.io/v1", 34),
    ("flowcontrol.apiserver.k8s.io/v1", 29),
    ("autoscaling/v2", 23),
    ("policy/v1", 21),
    ("flowcontrol.apiserver.k8s.io/v1beta1", 20),
    ("certificates.k8s.io/v1", 19),
    ("discovery.k8s.io/v1beta1", 17),
    ("admissionregistration.k8s.io/v1", 16),
    ("coordination.k8s.io/v1", 14),
    ("coordination.k8s.io/v1beta1", 12),
];
/// The oldest that is known.
const OLDEST: u16 = 10;
/// The newest that is known: by its published API; no server of it was tried.
pub(super) const NEWEST: u16 = 37;
/// Between two looks at the groups of an API server that does not say it is healthy.
const LOOK: Duration = Duration::from_secs(1);
/// Looks in a row that have to tell the same. One that starts adds groups within a second or two.
const STEADY: u32 = 8;

/// How often `/version` is asked again that fails.
const FAILURES: u32 = 2;
/// The most characters of an odd answer that are repeated.
const SHOWN: usize = 120;

/// The version of an API server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KubernetesVersion {
    /// Always 1, so far.
    major: u16,
    /// 10 to 37 are known to this build.
    minor: u16,
}

/// The version of an API server, and how it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) version: KubernetesVersion,
    /// What `GET /version` gave where that is no version: this one is then guessed from the API groups.
    pub(super) guessed: Option<String>,
}

/// A request that an API server does not answer as Kubernetes does.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) path: &'static str,
    pub(super) source: kube::Error,
}

/// The answer to `/version`, as far as it counts.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Told {
    git_version: String,
    /// Empty where a distribution does not set them.
    major: String,
    minor: String,
}

// === impl KubernetesVersion ===

impl KubernetesVersion {
    /// Asks an API server. One that does not say, or says what nobody can read, is known by what it serves: asked until it
    /// is healthy, since one that starts serves little at first, or until its answer stays the same.
    pub(super) async fn ask(client: &Client) -> Result<Asked, Unanswered> {
        const PATH: &str = "/version";
        let mut failures = 0;
        let gave = loop {
            match get::<Told>(client, PATH).await {
                Ok(told) => match told.version() {
                    Some(version) => {
                        let guessed = None;
                        return Ok(Asked { version, guessed });
                    }
                    None => break told.to_string(),
                },
                // One that starts may fail for a moment.
                Err(source) if has_failed(&source) && failures < FAILURES => failures += 1,
                Err(source) if is_odd(&source) => break without_lines(&given(&source)),
                Err(source) => return Err(Unanswered { path: PATH, source }),
            }
            sleep(LOOK).await;
        };
        let version = Self::by_groups(client).await?;
        warn!(path = PATH, gave, %version, "the version is guessed from the API groups that are served");
        let guessed = Some(gave);
        Ok(Asked { version, guessed })
    }

    async fn by_groups(client: &Client) -> Result<Self, Unanswered> {
        const PATH: &str = "/apis";
        let (mut last, mut steady) = (None, 0);
        loop {
            // Healthy is who serves all groups that it has: the check `autoregister-completion`.
            let is_healthy = match Request::get("/healthz").body(Vec::new()) {
                Ok(request) => client.request_text(request).await.is_ok(),
                Err(_) => false,
            };
            let groups = get(client, PATH).await;
            let groups = groups.map_err(|source| Unanswered { path: PATH, source })?;
            let version = Self {
                major: 1,
                minor: at_least(&groups),
            };
            steady = if last.replace(version) == Some(version) {
                steady + 1
            } else {
                0
            };
            if is_healthy || steady >= STEADY {
                return Ok(version);
            }
            sleep(LOOK).await;
        }
    }

    /// Reads `gitVersion` of `/version`, such as `v1.20.2` or `v1.27.3-gke.100`. `v0.0.0-master+$Format:%h$` is what a
    /// server calls itself that was built from source without the version's flags.
    fn read(git_version: &str) -> Option<Self> {
        let mut numbers = git_version.strip_prefix('v')?.split(['.', '-', '+']);
        let mut number = || numbers.next()?.parse().ok();
        let (major, minor) = (number()?, number()?);
        (major > 0).then_some(Self { major, minor })
    }

    /// The x of the Kubernetes 1.x whose API it has, as far as this build knows: of a 2.0, that of the newest known.
    pub fn known_minor(self) -> u16 {
        if self.major > 1 { NEWEST } else { self.minor }
    }

    /// Whether it is Kubernetes 1.`minor` or later.
    pub fn is_from(self, minor: u16) -> bool {
        self >= Self { major: 1, minor }
    }
}

/// `1.20`.
impl fmt::Display for KubernetesVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.major, self.minor)
    }
}

// === impl Told ===

impl Told {
    fn version(&self) -> Option<KubernetesVersion> {
        let Self {
            git_version,
            major,
            minor,
        } = self;
        // `20+` is a distribution's.
        let fields = format!("v{major}.{}", minor.trim_end_matches('+'));
        KubernetesVersion::read(git_version).or_else(|| KubernetesVersion::read(&fields))
    }
}

/// `gitVersion "banana"`, as people are shown it.
impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.git_version.as_str() {
            "" => formatter.write_str("no gitVersion"),
            text => {
                let text = without_lines(text);
                write!(formatter, "gitVersion \"{}\"", text.escape_debug())
            }
        }
    }
}

/// What an odd answer is, in words.
fn given(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(_) => said(error),
        _ => "something other than a version in JSON".to_owned(),
    }
}

/// The beginning of a text of others, on one line.
fn without_lines(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").chars().take(SHOWN).collect()
}

/// The x of Kubernetes 1.x that an API server with these groups is at least.
fn at_least(groups: &APIGroupList) -> u16 {
    let served = |wanted: &str| {
        let mut versions = groups.groups.iter().flat_map(|group| &group.versions);
        versions.any(|version| version.group_version == wanted)
    };
    SINCE
        .into_iter()
        .find(|(wanted, _)| served(wanted))
        .map_or(OLDEST, |(_, minor)| minor)
}

async fn get<T: DeserializeOwned>(client: &Client, path: &'static str) -> kube::Result<T> {
    let request = Request::get(path).body(Vec::new());
    client
        .request(request.map_err(kube::Error::HttpError)?)
        .await
}

/// Whether somebody answered who may answer something else better: not one who is overloaded, or asks who we are.
fn is_odd(error: &kube::Error) -> bool {
    match error {
        kube::Error::Api(status) => {
            has_failed(error) || matches!(status.code, 400 | 403..=428 | 430..=499)
        }
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => true,
        _ => false,
    }
}

/// Whether an API server, or what is before it, fails at this request; not one that is overloaded or starts (503, 504).
fn has_failed(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 500..=502))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http_body_util::Full;
    use hyper::body::Bytes;
    use hyper::{Request as HttpRequest, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;

    fn groups(versions: &[&str]) -> Value {
        let versions: Vec<_> = versions
            .iter()
            .map(|it| json!({ "groupVersion": it, "version": "v" }))
            .collect();
        json!({ "groups": [{ "name": "g", "versions": versions }] })
    }

    /// An API server that answers a path, asked for the count-th time, with this.
    fn server(
        answer: impl Fn(&str, usize) -> (u16, Value) + Send + Sync + 'static,
    ) -> (Client, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let (answer, count) = (Arc::new(answer), Arc::clone(&asked));
        let service = tower::service_fn(move |request: HttpRequest<Body>| {
            let turn = match request.uri().path() {
                "/apis" => count.fetch_add(1, Ordering::Relaxed),
                _ => count.load(Ordering::Relaxed),
            };
            let (status, body) = answer(request.uri().path(), turn);
            let body = Full::new(Bytes::from(body.to_string()));
            async move { Response::builder().status(status).body(body) }
        });
        (Client::new(service, "default"), asked)
    }

    const NAMELESS: &str = "v0.0.0-master+$Format:%h$";

    #[test]
    fn versions_of_distributions_are_read() {
        let read = |text| KubernetesVersion::read(text).map(|version| version.to_string());
        assert_eq!(read("v1.10.13").as_deref(), Some("1.10"));
        assert_eq!(read("v1.27.3-gke.100").as_deref(), Some("1.27"));
        assert_eq!(read("v1.36+k3s").as_deref(), Some("1.36"));
        for none in ["1.20.2", "v1.x", NAMELESS, "", "openshift"] {
            assert_eq!(read(none), None, "{none}");
        }
        let told = |git_version: &str, major: &str, minor: &str| Told {
            git_version: git_version.to_owned(),
            major: major.to_owned(),
            minor: minor.to_owned(),
        };
        let odd = told("openshift-3.11", "1", "11+").version().unwrap();
        assert_eq!(odd.to_string(), "1.11");
        assert_eq!(told(NAMELESS, "", "").version(), None);
        assert!(KubernetesVersion::read("v1.22.0").unwrap().is_from(16));
        assert!(!KubernetesVersion::read("v1.9.11").unwrap().is_from(16));
        let next = told("v2.0.3", "2", "0").version().unwrap();
        assert_eq!((next.to_string().as_str(), next.known_minor()), ("2.0", 37));
        assert!(next.is_from(28));
        assert_eq!(odd.known_minor(), 11);
    }

    #[test]
    fn the_newest_group_tells() {
        let minor =
            |versions: &[&str]| at_least(&serde_json::from_value(groups(versions)).unwrap());
        assert_eq!(minor(&["apps/v1"]), 10);
        assert_eq!(minor(&["coordination.k8s.io/v1", "apps/v1"]), 14);
        let of_20 = [
            "admissionregistration.k8s.io/v1",
            "certificates.k8s.io/v1",
            "flowcontrol.apiserver.k8s.io/v1beta1",
            "policy/v1beta1",
        ];
        assert_eq!(minor(&of_20), 20);
    }

    /// Whatever is said of the version, or not said.
    #[tokio::test(start_paused = true)]
    async fn what_is_served_tells_where_the_version_does_not() {
        let nameless = format!("gitVersion {NAMELESS:?}");
        for (status, version, gave) in [
            (
                200,
                json!({ "gitVersion": NAMELESS, "major": "0", "minor": "0" }),
                nameless.as_str(),
            ),
            (
                200,
                json!({ "gitVersion": "un\nknown" }),
                "gitVersion \"un known\"",
            ),
            (200, json!({}), "no gitVersion"),
            (
                200,
                json!("<html>"),
                "something other than a version in JSON",
            ),
            (403, json!({ "message": "no", "code": 403 }), "no"),
            (
                500,
                json!({ "message": "no", "code": 500 }),
                "no (HTTP 500)",
            ),
        ] {
            let (client, _) = server(move |path, _| match path {
                "/version" => (status, version.clone()),
                "/apis" => (200, groups(&["policy/v1"])),
                _ => (200, json!("ok")),
            });
            let Asked { version, guessed } = KubernetesVersion::ask(&client).await.unwrap();
            assert_eq!(version.to_string(), "1.21");
            assert_eq!(guessed.as_deref(), Some(gave));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_starts_is_asked_until_it_is_healthy() {
        let (client, asked) = server(|path, turn| match path {
            "/version" => (200, json!({ "gitVersion": NAMELESS })),
            "/apis" if turn < 3 => (200, groups(&["apps/v1"])),
            "/apis" => (200, groups(&["resource.k8s.io/v1"])),
            _ if turn < 3 => (500, json!("autoregister-completion failed")),
            _ => (200, json!("ok")),
        });
        let found = KubernetesVersion::ask(&client).await.unwrap();
        assert_eq!(found.version.to_string(), "1.34");
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    /// Who may not see its health, or whose etcd is slow.
    #[tokio::test(start_paused = true)]
    async fn one_that_is_never_healthy_is_taken_by_what_it_serves_for_long() {
        let begin = Instant::now();
        let (client, _) = server(|path, _| match path {
            "/version" => (200, json!({ "gitVersion": NAMELESS })),
            "/apis" => (200, groups(&["coordination.k8s.io/v1"])),
            _ => (403, json!("forbidden")),
        });
        let found = KubernetesVersion::ask(&client).await.unwrap();
        assert_eq!(found.version.to_string(), "1.14");
        assert_eq!(begin.elapsed(), LOOK * STEADY);
    }

    #[tokio::test]
    async fn a_request_that_is_not_answered_is_named() {
        for (path, code) in [("/version", 401), ("/version", 503), ("/apis", 404)] {
            let (client, _) = server(move |asked, _| match asked {
                it if it == path => (code, json!({ "message": "no", "code": code })),
                _ => (200, json!({ "gitVersion": NAMELESS })),
            });
            let error = KubernetesVersion::ask(&client).await.unwrap_err();
            assert_eq!(error.path, path);
        }
    }
}
