//! A migration among Tiller's own writes, failures and kills, a thousand times: no release is ever lost.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof};
use proptest::test_runner::{TestCaseError, TestRunner};
use serde_json::json;
use tiller_guard::cluster::releases::{Effect, Migrate, Restore, Restored, State};
use tiller_guard::cluster::{Cluster, Reach};
use tiller_guard::releases::hapi::Release;
use tiller_guard::releases::helm3::read_object;
use tiller_guard::releases::{Migration, decode};
use tokio::sync::Notify;

use super::model_server::{Fate, Key, Model, Store, key, start};
use super::model_tiller::{Tiller, Truth, is_purged};
use super::recordings;
use crate::offline::Folder;

pub(super) const TILLER: &str = "tiller";
pub(super) const TARGET: &str = "target";
/// By which a run keeps others away.
const LOCK: &str = "tiller-guard-releases";
pub(super) const RELEASES: usize = 3;

/// What happens before a request is answered.
#[derive(Debug, Clone, Copy)]
enum Event {
    Nothing,
    /// Tiller upgrades a release: it supersedes the newest revision that it sees, and records another one.
    Upgrade(usize),
    /// Tiller purges a release: it deletes all revisions that it sees.
    Purge(usize),
    Fail(u16),
    LoseAnswer,
    /// The migration is killed.
    Kill,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        480 => Just(Event::Nothing),
        96 => (0..RELEASES).prop_map(Event::Upgrade),
        24 => (0..RELEASES).prop_map(Event::Purge),
        48 => Just(Event::Kill),
        32 => prop_oneof![Just(403), Just(409), Just(422)].prop_map(Event::Fail),
        // What comes next waits for a moment.
        1 => Just(Event::LoseAnswer),
    ]
}

/// What is lost: whatever Tiller recorded is there, and what Tiller no longer sees Helm 3 has.
fn lost(store: &Store, truth: &Truth) -> Option<String> {
    truth.iter().find_map(|(record, (text, status))| {
        let aside = format!("{record}.migrated");
        let there = |name: &str| {
            let object = store.objects.get(&key("configmaps", TILLER, name));
            object.is_some_and(|it| it["data"]["release"] == *text)
        };
        if there(record) {
            return None;
        }
        if !there(&aside) {
            return Some(format!("Tiller's {record} is nowhere"));
        }
        let secret = format!("sh.helm.release.v1.{record}");
        let there = store.objects.get(&key("secrets", TARGET, &secret));
        let there = there.and_then(read_object);
        let wanted = if *status == 1 {
            "deployed"
        } else {
            "superseded"
        };
        let is_there = there.is_some_and(|it| it["info"]["status"] == wanted);
        (!is_there).then(|| format!("Helm 3's {secret} is not {wanted}"))
    })
}

/// What a run needs beside the events.
struct Place {
    cluster: Cluster,
    model: Arc<Mutex<Model>>,
    release: Release,
}

impl Place {
    async fn start(folder: &Folder) -> Self {
        let model = Arc::new(Mutex::new(Model::default()));
        let address = start(Arc::clone(&model)).await;
        let kubeconfig = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{ "name": "c", "cluster": { "server": format!("http://{address}") } }],
            "users": [{ "name": "u", "user": {} }],
            "contexts": [{ "name": "x", "context": { "cluster": "c", "user": "u" } }],
            "current-context": "x",
        });
        let reach = Reach {
            kubeconfig: Some(Path::new(&folder.file("kubeconfig", kubeconfig.to_string())).into()),
            ..Reach::default()
        };
        let name = "2.17.0-configmap-k8s1.20/plain";
        let recording = recordings()
            .into_iter()
            .find(|it| it.name() == name)
            .unwrap();
        let text = recording.value["records"][0]["data"]["release"].clone();
        Self {
            cluster: Cluster::connect_patiently(&reach).await.unwrap(),
            model,
            release: decode(text.as_str().unwrap().as_bytes()).unwrap(),
        }
    }

    /// Migrates once. What was not done.
    async fn migrate(&self) -> Vec<String> {
        let plan = Migrate {
            namespace: TILLER.to_owned(),
            releases: Vec::new(),
            migration: Migration {
                minor: 20,
                map_apis: false,
                max: None,
            },
            keep: false,
            stops_tiller: false,
            timeout: Duration::from_mins(1),
            effect: Effect::Write,
            waits: |_| {},
        };
        let (mut undone, mut migrated) = (Vec::new(), BTreeSet::new());
        let listed = plan
            .run(&self.cluster, |outcome| {
                if matches!(outcome.state, State::Migrated { .. }) {
                    let is_first = migrated.insert(outcome.release.clone());
                    assert!(is_first, "{} is migrated twice in one run", outcome.release);
                }
                if !matches!(outcome.state, State::Migrated { .. } | State::Already) {
                    undone.push(outcome.release);
                }
            })
            .await;
        undone.extend(listed.err().map(|error| error.to_string()));
        undone
    }

    /// Records releases, and has all of this happen: an event before each request that comes.
    fn begin(&self, events: Vec<Event>, killed: &Arc<Notify>) -> Arc<Mutex<Seen>> {
        let mut model = self.locked();
        *model = Model::default();
        let mut seen = Seen {
            left: events.len(),
            ..Seen::default()
        };
        let mut tiller = Tiller {
            model: &self.release,
            store: &mut model.store,
            truth: &mut seen.truth,
        };
        for which in 0..RELEASES {
            tiller.record(&format!("r{which}"), 1, 1);
            tiller.upgrade(which);
        }
        let seen = Arc::new(Mutex::new(seen));
        let (release, killed, shared) =
            (self.release.clone(), Arc::clone(killed), Arc::clone(&seen));
        let mut events = events.into_iter();
        model.between = Some(Box::new(move |store| {
            let mut seen = shared.lock().unwrap();
            let Seen {
                truth,
                lost: found,
                left,
                looked,
            } = &mut *seen;
            *left = left.saturating_sub(1);
            let mut tiller = Tiller {
                model: &release,
                store,
                truth,
            };
            let fate = match events.next().unwrap_or(Event::Nothing) {
                Event::Nothing => Fate::Passes,
                Event::Upgrade(which) => {
                    tiller.upgrade(which);
                    Fate::Passes
                }
                Event::Purge(which) => {
                    tiller.purge(which);
                    Fate::Passes
                }
                Event::Fail(code) => Fate::Fails(code),
                Event::LoseAnswer => Fate::AnswerLost,
                Event::Kill => {
                    killed.notify_one();
                    Fate::Passes
                }
            };
            if found.is_none() && *looked != store.version {
                *found = lost(store, truth);
                *looked = store.version;
            }
            fate
        }));
        seen
    }

    /// Migrates while all of this happens, and then undisturbed; nothing is lost, what is done is not done again, and Tiller can have
    /// back all of it.
    async fn survives(&self, events: Vec<Event>, ignores_versions: bool) -> Result<(), String> {
        let killed = Arc::new(Notify::new());
        let seen = self.begin(events, &killed);
        self.locked().store.ignores_versions = ignores_versions;
        while seen.lock().unwrap().left > 0 {
            tokio::select! {
                _done = self.migrate() => {}
                () = killed.notified() => {}
            }
        }
        self.locked().between = None;
        let undone = self.migrate().await;
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        let migrated = self.locked().store.clone();
        if let Some(lost) = seen.lost.or_else(|| lost(&migrated, &seen.truth)) {
            return Err(lost);
        }
        // Of one that Tiller has purged meanwhile something may be aside.
        let is_purged = |release: &String| is_purged(&seen.truth, release);
        assert!(undone.iter().all(is_purged), "{undone:?}");
        // A run that was killed leaves its lock, until there is something to do again.
        let is_record = |it: &(&Key, &serde_json::Value)| it.0.0 == "configmaps" && it.0.2 != LOCK;
        let owners = migrated.objects.iter().filter(is_record);
        let mut owners = owners.map(|it| &it.1["metadata"]["labels"]["OWNER"]);
        assert!(owners.all(|it| it == "MIGRATED"), "{migrated:?}");
        assert_eq!(self.migrate().await, undone);
        assert_eq!(self.locked().store, migrated);
        for (record, (text, _)) in &seen.truth {
            let aside = format!("{record}.migrated");
            let object = &migrated.objects[&key("configmaps", TILLER, &aside)];
            assert_eq!(object["data"]["release"], *text, "{record}");
        }
        self.is_given_back(&seen.truth).await
    }

    /// Gives back all of it.
    async fn is_given_back(&self, truth: &Truth) -> Result<(), String> {
        let plan = Restore {
            namespace: TILLER.to_owned(),
            releases: Vec::new(),
            dry_run: false,
            waits: |_| {},
        };
        let restored = plan.run(&self.cluster, |release, restored| {
            // What is left of one that is purged comes back only if it is named.
            assert!(
                matches!(restored, Restored::Done { .. }) || is_purged(truth, release),
                "{release} {restored:?}"
            );
        });
        restored.await.map_err(|error| error.to_string())?;
        let store = &self.locked().store;
        for (record, (text, _)) in truth {
            let object = &store.objects[&key("configmaps", TILLER, record)];
            assert_eq!(object["data"]["release"], *text, "{record}");
            assert_eq!(object["metadata"]["labels"]["OWNER"], "TILLER");
        }
        let is_left = |(key, object): (&Key, &serde_json::Value)| {
            if key.2 == LOCK {
                return false;
            }
            let labels = &object["metadata"]["labels"];
            let release = if key.0 == "secrets" {
                &labels["name"]
            } else {
                &labels["NAME"]
            };
            labels["OWNER"] != "TILLER" && !is_purged(truth, release.as_str().unwrap())
        };
        assert!(!store.objects.iter().any(is_left), "{store:?}");
        Ok(())
    }

    fn locked(&self) -> MutexGuard<'_, Model> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was seen while events happened.
#[derive(Debug, Default)]
struct Seen {
    truth: Truth,
    lost: Option<String>,
    /// Events to come.
    left: usize,
    /// The version of the store that was looked at last.
    looked: u64,
}

#[test]
fn nothing_is_lost_in_a_thousand_migrations() {
    assert_eq!(runs(1000, false), Ok(()));
}

/// What the runs find if the API server does not look at versions.
#[test]
fn the_runs_see_what_is_lost() {
    let found = runs(1000, true).unwrap_err();
    assert!(found.contains("Tiller's r"), "{found}");
}

/// Runs so many migrations. The first that loses something.
fn runs(cases: u32, ignores_versions: bool) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let folder = Folder::new();
    let place = runtime.block_on(Place::start(&folder));
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: if ignores_versions { 0 } else { 200 },
        ..ProptestConfig::default()
    };
    let ran = TestRunner::new(config).run(&vec(event(), 0..80), |events| {
        let survived = runtime.block_on(place.survives(events, ignores_versions));
        survived.map_err(TestCaseError::fail)
    });
    ran.map_err(|error| error.to_string())
}
