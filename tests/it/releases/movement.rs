//! A move among Tiller's own writes, kills and conflicts: nothing is ever lost.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use tiller_guard::releases::movement::{
    Contents, Digest, Next, Owner, Progress, Step, StoredRecord, next,
};

/// An object of a storage, in a model of the API server.
#[derive(Debug, Clone)]
struct Stored {
    text: u32,
    owner: Owner,
    version: u64,
}

/// What happens beside the move.
#[derive(Debug, Clone)]
enum Event {
    /// Tiller writes a record, as whole objects without a condition, in the storage that it works with.
    Write(usize),
    /// Tiller deletes a record there.
    Delete(usize),
    /// The move is killed and run again.
    Kill,
    /// Somebody starts Tiller with the old storage again; later the move is run again.
    GoBack,
    /// A step of the move fails.
    Fail,
    /// The move does a step.
    Step,
}

#[derive(Debug, Default)]
struct World {
    source: BTreeMap<String, Stored>,
    target: BTreeMap<String, Stored>,
    /// What must not get lost: what Tiller recorded, and neither wrote over nor deleted where it saw it.
    live: BTreeMap<String, BTreeSet<u32>>,
    clock: u64,
    progress: Progress,
    /// Whether Tiller works with the target.
    is_switched: bool,
    planned: Vec<(String, Step)>,
    end: Option<End>,
    /// Whether something happened after which people may have to say which of two records counts.
    may_conflict: bool,
}

/// How a run of the move ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Refused,
}

fn contents(stored: &BTreeMap<String, Stored>) -> Contents {
    let kept = |it: &Stored| StoredRecord {
        owner: it.owner,
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
            Event::Write(which) => self.write(format!("r{which}.v1")),
            Event::Delete(which) => self.delete(&format!("r{which}.v1")),
            Event::Kill => self.run_again(),
            Event::GoBack => {
                self.is_switched = false;
                self.run_again();
            }
            Event::Fail => {
                self.planned.pop();
            }
            Event::Step => self.step(),
        }
    }

    fn used(&mut self) -> &mut BTreeMap<String, Stored> {
        if self.is_switched {
            &mut self.target
        } else {
            &mut self.source
        }
    }

    fn write(&mut self, name: String) {
        let version = self.tick();
        let text = u32::try_from(version).unwrap();
        let stored = Stored {
            text,
            owner: Owner::Tiller,
            version,
        };
        let before = self.used().insert(name.clone(), stored);
        let live = self.live.entry(name).or_default();
        live.insert(text);
        match before {
            Some(before) if before.owner == Owner::Tiller => {
                live.remove(&before.text);
            }
            // It does not know what is aside, and takes it for what a failed installation left.
            Some(_) => self.may_conflict = true,
            None => {}
        }
    }

    fn delete(&mut self, name: &str) {
        // A release that is aside is not found by Tiller, and so it deletes none.
        let owner = self.used().get(name).map(|it| it.owner);
        if owner == Some(Owner::Tiller) {
            let deleted = self.used().remove(name).unwrap();
            self.live.get_mut(name).unwrap().remove(&deleted.text);
        }
    }

    fn run_again(&mut self) {
        self.progress = Progress::begun(self.progress.keep);
        self.planned.clear();
        self.end = None;
        self.may_conflict = true;
    }

    fn step(&mut self) {
        if self.end.is_some() {
            return;
        }
        if let Some((name, step)) = self.planned.pop() {
            return self.execute(&name, &step);
        }
        match next(
            &contents(&self.source),
            &contents(&self.target),
            &self.progress,
        ) {
            Ok(Next::Steps(steps)) => self.planned = steps.into_iter().collect(),
            Ok(Next::Switch) => (self.progress.switched, self.is_switched) = (true, true),
            Ok(Next::Done) => self.end = Some(End::Done),
            Err(conflict) => {
                assert!(self.may_conflict, "{conflict}: {self:?}");
                self.end = Some(End::Refused);
            }
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
                        .note_copy(name.to_owned(), Digest::of(&text.to_le_bytes()));
                    let copy = Stored {
                        text,
                        owner: Owner::Tiller,
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
                    self.progress.note_aside(name);
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
        for (name, texts) in &self.live {
            let is_in = |stored: &BTreeMap<String, Stored>, text: u32| {
                stored.get(name).is_some_and(|it| it.text == text)
            };
            for text in texts {
                assert!(
                    is_in(&self.source, *text) || is_in(&self.target, *text),
                    "{name}: {self:?}"
                );
            }
        }
    }

    /// Nobody comes between any more.
    fn assert_it_ends(&mut self) {
        self.run_again();
        for _ in 0..200 {
            self.step();
            self.assert_nothing_is_lost();
        }
        assert!(self.end.is_some(), "{self:?}");
        if self.end == Some(End::Refused) {
            return;
        }
        for (name, texts) in &self.live {
            for text in texts {
                let moved = &self.target[name];
                assert_eq!(
                    (moved.text, moved.owner),
                    (*text, Owner::Tiller),
                    "{name}: {self:?}"
                );
            }
        }
        let left = self.source.values();
        let left = left.filter(|it| it.owner == Owner::Tiller).count();
        assert_eq!(left, 0, "{self:?}");
    }
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_usize..6).prop_map(Event::Write),
        2 => (0_usize..6).prop_map(Event::Delete),
        2 => Just(Event::Kill),
        1 => Just(Event::GoBack),
        2 => Just(Event::Fail),
        16 => Just(Event::Step),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_whatever_comes_between(events in vec(event(), 0..120), keep: bool) {
        let mut world = World { progress: Progress::begun(keep), ..World::default() };
        for which in 0..4 {
            world.happen(&Event::Write(which));
        }
        for event in &events {
            world.happen(event);
            world.assert_nothing_is_lost();
        }
        world.assert_it_ends();
    }

    /// What Tiller writes before its record is aside is taken along, as long as one run does it all.
    #[test]
    fn one_run_takes_along_what_comes_between(events in vec(event(), 0..120)) {
        let mut world = World::default();
        for which in 0..4 {
            world.happen(&Event::Write(which));
        }
        for event in events.iter().filter(|it| !matches!(it, Event::Kill | Event::GoBack)) {
            world.happen(event);
            world.assert_nothing_is_lost();
            assert!(world.end != Some(End::Refused) || world.may_conflict, "{world:?}");
        }
    }
}

/// The label and the name of the old record do not protect it from a Tiller that installs a release of this name: it writes over what
/// is aside. The copy is the only record of the old release then, whether the old one was deleted or kept.
#[test]
fn a_tiller_that_went_back_writes_over_no_copy() {
    for keep in [false, true] {
        let mut world = World {
            progress: Progress::begun(keep),
            ..World::default()
        };
        world.happen(&Event::Write(0));
        while world.end.is_none() {
            world.step();
        }
        let moved = world.target["r0.v1"].text;
        world.happen(&Event::GoBack);
        world.happen(&Event::Write(0));
        while world.end.is_none() {
            world.step();
        }
        assert_eq!(world.end, Some(End::Refused));
        assert_eq!(world.target["r0.v1"].text, moved);
        world.assert_nothing_is_lost();
    }
}

#[test]
fn a_record_that_two_tillers_wrote_is_left_to_people() {
    let stored = |text| Stored {
        text,
        owner: Owner::Tiller,
        version: 1,
    };
    let one = |stored| BTreeMap::from([("web.v1".to_owned(), stored)]);
    let (source, target) = (one(stored(1)), one(stored(2)));
    let refused = next(&contents(&source), &contents(&target), &Progress::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "1 in both storages, with another content in each: web.v1"
    );
    // The same content is a copy that Tiller wrote again, or that was made by hand.
    let same = next(
        &contents(&source),
        &contents(&one(stored(1))),
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
        while world.end.is_none() {
            world.step();
        }
        std::mem::swap(&mut world.source, &mut world.target);
        world.is_switched = false;
        world.run_again();
    };
    there_and_back(&mut world);
    assert_eq!(world.target["r0.v1"].owner, Owner::Aside);
    there_and_back(&mut world);
    assert_eq!(world.source["r0.v1"].owner, Owner::Tiller);
    assert_eq!(world.target["r0.v1"].owner, Owner::Aside);
    world.assert_nothing_is_lost();
}
