//! Requests without end through the API server, each of which has to end with the policy's verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use kube::api::{Api, DynamicObject};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{World, soak, tiller};
use crate::suite::{Version, in_new_words, trial};

/// Clients that ask at once; more of them, and without a rest, in `make soak`.
const CLIENTS: u32 = 8;
const SOAKING_CLIENTS: u32 = 24;
/// How many milliseconds each of them rests between two requests.
const REST: u32 = 20;

/// How many ask at once.
pub(super) fn clients() -> u32 {
    soak(CLIENTS, SOAKING_CLIENTS)
}

/// Clients that ask until they are told to stop.
pub(super) struct Load {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
    clients: Vec<JoinHandle<Vec<String>>>,
    began: Instant,
}

impl Load {
    pub(super) fn start(world: &World) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::new(AtomicU32::new(0));
        let clients = (0..clients())
            .map(|_| {
                let pods = world.objects("", "v1", "Pod", "default");
                let version = world.cluster.version();
                tokio::spawn(ask(version, pods, Arc::clone(&stop), Arc::clone(&asked)))
            })
            .collect();
        Self {
            stop,
            asked,
            clients,
            began: Instant::now(),
        }
    }

    /// Lets this many more be asked.
    pub(super) async fn asks(&self, count: u32) {
        let until = self.asked.load(Ordering::Relaxed) + count;
        while self.asked.load(Ordering::Relaxed) < until {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops; how many were asked, and what the others were told in place of the verdict.
    #[expect(
        clippy::print_stdout,
        reason = "the numbers are what `make soak` is run for"
    )]
    pub(super) async fn stop(self) -> (u32, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for client in self.clients {
            failures.extend(client.await.unwrap());
        }
        let asked = self.asked.load(Ordering::Relaxed);
        let seconds = self.began.elapsed().as_secs_f64();
        println!(
            "{asked} requests in {seconds:.0} s, {:.0} a second; {} without the verdict",
            f64::from(asked) / seconds,
            failures.len()
        );
        (asked, failures)
    }

    /// Stops, and expects that nobody was told anything else.
    pub(super) async fn stop_without_failure(self) {
        let (asked, failures) = self.stop().await;
        assert!(asked > 50, "only {asked} were asked");
        assert!(
            failures.is_empty(),
            "{} of {asked} failed; the first: {}",
            failures.len(),
            failures[0]
        );
    }
}

async fn ask(
    version: Version,
    pods: Api<DynamicObject>,
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU32>,
) -> Vec<String> {
    let tiller = serde_json::from_value(tiller()).unwrap();
    let rest = Duration::from_millis(soak(REST, 0).into());
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let told = match trial(version, &pods, &tiller).await {
            Ok(_) => "let in".to_owned(),
            Err(kube::Error::Api(status)) => in_new_words(&status.message),
            Err(error) => error.to_string(),
        };
        if !told.contains("protected-namespace") {
            failures.push(told);
        }
        asked.fetch_add(1, Ordering::Relaxed);
        sleep(rest).await;
    }
    failures
}
