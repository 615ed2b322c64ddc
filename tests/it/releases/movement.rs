//! A move among Tiller's own writes, kills and conflicts: nothing is ever lost.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use tiller_guard::releases::movement::{Contents, Digest, Kept, Next, Owner, Progress, Step, next};

/// An object of a storage, in a model of the API server.
#[derive(Debug, Clone)]
struct Stored {
    text: u32,
    owner: Owner,
    is_copy: bool,
    version: u64,
}

/// What happens beside the move.
#[derive(Debug, Clone)]
enum Event {
    /// Tiller writes a record, as whole objects without a condition.
    Write(usize),
    /// Tiller deletes a record.
    Delete(usize),
    /// The move is killed and run again.
    Kill,
    /// A step of the move fails.
    Fail,
    /// The move does a step.
    Step,
}

#[derive(Debug, Default)]
struct World {
    source: BTreeMap<String, Stored>,
    target: BTreeMap<String, Stored>,
    /// What Tiller has recorded last.
    truth: BTreeMap<String, u32>,
    clock: u64,
    progress: Progress,
    planned: Vec<(String, Step)>,
    is_done: bool,
}

fn contents(stored: &BTreeMap<String, Stored>) -> Contents {
    let kept = |it: &Stored| Kept {
        owner: it.owner,
        is_copy: it.is_copy,
        version: it.version.to_string(),
        digest: Digest::of(&it.text.to_le_bytes()),
    };
    stored
        .iter()
        .map(|(name, it)| (name.clone(), kept(it)))
        .collect()
}

impl World {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Write(_) | Event::Delete(_) if self.progress.switched => {}
            Event::Write(which) => {
                let (name, version) = (format!("r{which}.v1"), self.tick());
                let text = u32::try_from(version).unwrap();
                self.truth.insert(name.clone(), text);
                let stored = Stored {
                    text,
                    owner: Owner::Tiller,
                    is_copy: false,
                    version,
                };
                self.source.insert(name, stored);
            }
            Event::Delete(which) => {
                let name = format!("r{which}.v1");
                // A release that is aside is not found by Tiller, and so it deletes none.
                let owner = self.source.get(&name).map(|it| it.owner);
                if owner == Some(Owner::Tiller) {
                    self.source.remove(&name);
                    self.truth.remove(&name);
                }
            }
            Event::Kill => {
                let switched = self.progress.switched;
                self.progress = Progress {
                    switched,
                    ..Progress::default()
                };
                self.planned.clear();
            }
            Event::Fail => {
                self.planned.pop();
            }
            Event::Step => self.step(),
        }
    }

    fn step(&mut self) {
        if let Some((name, step)) = self.planned.pop() {
            return self.execute(&name, &step);
        }
        match next(
            &contents(&self.source),
            &contents(&self.target),
            &self.progress,
        ) {
            Ok(Next::Steps(steps)) => self.planned = steps.into_iter().collect(),
            Ok(Next::Switch) => self.progress.switched = true,
            Ok(Next::Done) => self.is_done = true,
            Err(conflict) => panic!("{conflict}"),
        }
    }

    fn execute(&mut self, name: &str, step: &Step) {
        let version = self.tick();
        match step {
            Step::Create | Step::Replace(_) => {
                let Some(from) = self.source.get(name).filter(|it| it.owner == Owner::Tiller)
                else {
                    return;
                };
                let is_as_planned = match (step, self.target.get(name)) {
                    (Step::Replace(at), Some(there)) => there.version.to_string() == *at,
                    (Step::Create, None) => true,
                    _ => false,
                };
                if is_as_planned {
                    let text = from.text;
                    self.progress
                        .copied
                        .insert(name.to_owned(), Digest::of(&text.to_le_bytes()));
                    let copy = Stored {
                        text,
                        owner: Owner::Tiller,
                        is_copy: true,
                        version,
                    };
                    self.target.insert(name.to_owned(), copy);
                }
            }
            Step::SetAside(at) => {
                if let Some(there) = self
                    .source
                    .get_mut(name)
                    .filter(|it| it.version.to_string() == *at)
                {
                    (there.owner, there.version) = (Owner::Aside, version);
                }
            }
            Step::Retract(at) => {
                if let Some(there) = self
                    .target
                    .get_mut(name)
                    .filter(|it| it.version.to_string() == *at)
                {
                    (there.owner, there.version) = (Owner::Aside, version);
                }
            }
            Step::Delete(at) => {
                if self
                    .source
                    .get(name)
                    .is_some_and(|it| it.version.to_string() == *at)
                {
                    self.source.remove(name);
                }
            }
        }
    }

    fn assert_nothing_is_lost(&self) {
        for (name, text) in &self.truth {
            let is_in = |stored: &BTreeMap<String, Stored>| {
                stored.get(name).is_some_and(|it| it.text == *text)
            };
            assert!(
                is_in(&self.source) || is_in(&self.target),
                "{name}: {self:?}"
            );
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0_usize..6).prop_map(Event::Write),
        1 => (0_usize..6).prop_map(Event::Delete),
        1 => Just(Event::Kill),
        1 => Just(Event::Fail),
        8 => Just(Event::Step),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_whatever_comes_between(events in vec(event(), 0..120)) {
        let mut world = World::default();
        for which in 0..4 {
            world.happen(&Event::Write(which));
        }
        for event in &events {
            world.happen(event);
            world.assert_nothing_is_lost();
        }
        // Nobody comes between any more.
        world.is_done = false;
        for _ in 0..200 {
            world.step();
            world.assert_nothing_is_lost();
        }
        assert!(world.is_done, "{world:?}");
        for (name, text) in &world.truth {
            let moved = &world.target[name];
            assert_eq!((moved.text, moved.owner), (*text, Owner::Tiller), "{name}: {world:?}");
        }
        let left = world.source.values().filter(|it| it.owner == Owner::Tiller).count();
        assert_eq!(left, 0, "{world:?}");
    }
}

#[test]
fn a_record_that_two_tillers_wrote_is_left_to_people() {
    let stored = |text, is_copy| Stored {
        text,
        owner: Owner::Tiller,
        is_copy,
        version: 1,
    };
    let one = |stored| BTreeMap::from([("web.v1".to_owned(), stored)]);
    let (source, target) = (one(stored(1, false)), one(stored(2, false)));
    let refused = next(&contents(&source), &contents(&target), &Progress::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "1 in both storages, with another content in each, written by two Tillers: web.v1"
    );
    // The same content is a copy that Tiller wrote again, or that was made by hand.
    let same = next(
        &contents(&source),
        &contents(&one(stored(1, false))),
        &Progress::default(),
    )
    .unwrap();
    let aside = BTreeMap::from([("web.v1".to_owned(), Step::SetAside("1".to_owned()))]);
    assert_eq!(same, Next::Steps(aside));
}

#[test]
fn what_is_kept_aside_comes_back_by_the_way_that_it_went() {
    let mut world = World::default();
    world.progress.keep = true;
    world.happen(&Event::Write(0));
    let there_and_back = |world: &mut World| {
        world.is_done = false;
        while !world.is_done {
            world.step();
        }
        std::mem::swap(&mut world.source, &mut world.target);
        world.progress = Progress {
            keep: true,
            ..Progress::default()
        };
    };
    there_and_back(&mut world);
    assert_eq!(world.target["r0.v1"].owner, Owner::Aside);
    there_and_back(&mut world);
    assert_eq!(world.source["r0.v1"].owner, Owner::Tiller);
    assert_eq!(world.target["r0.v1"].owner, Owner::Aside);
    world.assert_nothing_is_lost();
}
