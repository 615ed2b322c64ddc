use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_rustls::TlsConnector;

use crate::server::client::{Client, connector, request};

/// How many idle connections the API server keeps for a host.
const IDLE: usize = 25;
/// How long it waits for an answer: the `?timeout` of the request is longer.
const WAITS: Duration = Duration::from_secs(5);
/// The bytes of an object; each size is a third of all reviews.
const SIZES: [usize; 3] = [2_000, 70_000, 1_000_000];

/// An API server's way to ask: over the connection that was used last, or a new one.
#[derive(Clone)]
pub(super) struct Honest {
    address: SocketAddr,
    connector: TlsConnector,
    idle: Arc<Mutex<Vec<Client>>>,
    reviews: Arc<Vec<Review>>,
}

struct Review {
    request: String,
    name: String,
    allowed: bool,
}

/// How the reviews of a while were answered.
#[derive(Debug, Default)]
pub(super) struct Answered {
    pub(super) median: Duration,
    pub(super) p99: Duration,
    pub(super) longest: Duration,
    bad: Vec<String>,
}

// === impl Honest ===

impl Honest {
    pub(super) fn new(address: SocketAddr) -> Self {
        let reviews = SIZES.iter().flat_map(|size| {
            [
                ("nginx", "default", true),
                ("ghcr.io/helm/tiller:v2.17.0", "kube-system", false),
            ]
            .map(|(image, namespace, allowed)| Review::new(*size, image, namespace, allowed))
        });
        Self {
            address,
            connector: connector(),
            idle: Arc::default(),
            reviews: Arc::new(reviews.collect()),
        }
    }

    /// So many reviews a second, whether they are answered or not.
    pub(super) async fn ask(&self, rate: u32, time: Duration) -> Answered {
        let begin = Instant::now();
        let every = Duration::from_secs(1) / rate;
        let mut asked = Vec::new();
        for number in 0.. {
            let due = begin + every * number;
            if due > begin + time {
                break;
            }
            sleep_until(due).await;
            let this = self.clone();
            asked.push(tokio::spawn(async move { this.review(number, due).await }));
        }
        let (mut times, mut bad) = (Vec::new(), Vec::new());
        for answer in asked {
            match answer.await.unwrap() {
                Ok(took) => times.push(took),
                Err(why) => bad.push(why),
            }
        }
        times.sort_unstable();
        let rank = |percent: usize| times.get(times.len() * percent / 100).copied();
        Answered {
            median: rank(50).unwrap_or_default(),
            p99: rank(99).unwrap_or_default(),
            longest: times.last().copied().unwrap_or_default(),
            bad,
        }
    }

    /// One review; how long after it was due its answer came, or what was wrong with that.
    async fn review(&self, number: u32, due: Instant) -> Result<Duration, String> {
        let index = usize::try_from(number).unwrap() % self.reviews.len();
        let review = &self.reviews[index];
        let answered = timeout_at(due + WAITS, self.exchange(review)).await;
        let took = due.elapsed();
        let told = |why: &str| format!("{}: {why} after {took:?}", review.name);
        answered
            .map_err(|_| told("no answer in time"))?
            .map_err(|why| told(&why))?;
        Ok(took)
    }

    async fn exchange(&self, review: &Review) -> Result<(), String> {
        let mut client = match self.kept() {
            Some(client) => client,
            None => Client::connect_over(self.address, &self.connector)
                .await
                .map_err(|error| format!("cannot connect: {error}"))?,
        };
        let sent = client.send(&review.request).await;
        let reply = client.reply().await;
        let reply = reply.ok_or_else(|| format!("broke off; sending: {sent:?}"))?;
        let text = String::from_utf8_lossy(&reply.body);
        if reply.status != 200 {
            return Err(format!("{} {}", reply.status, text.trim_end()));
        }
        let expected = format!(
            r#""response":{{"uid":"{}","allowed":{}"#,
            review.name, review.allowed
        );
        if !text.contains(&expected) {
            return Err(text.into_owned());
        }
        let mut idle = self.idle.lock().unwrap();
        if !reply.is_last() && idle.len() < IDLE {
            idle.push(client);
        }
        Ok(())
    }

    /// A connection that was not closed meanwhile: Go's client notices.
    fn kept(&self) -> Option<Client> {
        let mut idle = self.idle.lock().unwrap();
        loop {
            let mut client = idle.pop()?;
            if client.stream.read(&mut [0]).now_or_never().is_none() {
                return Some(client);
            }
        }
    }
}

// === impl Answered ===

impl Answered {
    /// The median, the 99th percentile and the longest.
    pub(super) fn times(&self) -> String {
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        format!(
            "{:.1}, {:.1} and {:.1} ms",
            millis(self.median),
            millis(self.p99),
            millis(self.longest)
        )
    }

    /// What was wrong with answers, each kind once.
    pub(super) fn bad(&self) -> Vec<String> {
        let shown = self.bad.iter().take(5).cloned();
        let more = self.bad.len().saturating_sub(5);
        shown
            .chain((more > 0).then(|| format!("and {more} more")))
            .collect()
    }
}
// === impl Review ===

impl Review {
    fn new(size: usize, image: &str, namespace: &str, allowed: bool) -> Self {
        let name = format!("{namespace}-{size}");
        let filler = "x".repeat(size);
        let body = format!(
            r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{{"uid":"{name}","kind":{{"group":"","version":"v1","kind":"Pod"}},"resource":{{"group":"","version":"v1","resource":"pods"}},"namespace":"{namespace}","operation":"CREATE","userInfo":{{"username":"somebody"}},"object":{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"some","namespace":"{namespace}","annotations":{{"filler":"{filler}"}}}},"spec":{{"containers":[{{"name":"some","image":"{image}"}}]}}}}}}}}"#
        );
        Self {
            request: request(&body),
            name,
            allowed,
        }
    }
}
