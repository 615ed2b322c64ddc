//! A migration and its undoing among Tiller's own writes, kills and conflicts: nothing is ever lost.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use tiller_guard::releases::Storage;
use tiller_guard::releases::aside::{Direction, Shelf, Shelved, Step, aside_name, next};
use tiller_guard::releases::movement::Digest;

/// A record in a model of the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    text: u64,
    begun: i64,
    version: u64,
}

/// What happens beside the migration.
#[derive(Debug, Clone)]
enum Event {
    /// Tiller writes a record, as whole objects without a condition.
    Write(usize),
    /// Tiller purges the release: it deletes the records that it sees.
    Purge,
    /// The command is killed and run again.
    Kill,
    /// A step fails.
    Fail,
    /// The command does a step.
    Step,
    /// The other command is run from now on.
    Turn,
}

/// What a run knows.
#[derive(Debug, Clone)]
struct Seen {
    from: Shelf,
    to: Shelf,
    texts: BTreeMap<String, Stored>,
    helm3_is_done: bool,
    planned: Vec<((Storage, String), Step)>,
}

#[derive(Debug)]
struct World {
    tillers: BTreeMap<String, Stored>,
    aside: BTreeMap<String, Stored>,
    helm3: BTreeMap<String, u64>,
    /// What Tiller has recorded last, by the name and by when the release was first deployed.
    truth: BTreeMap<(String, i64), u64>,
    clock: u64,
    direction: Direction,
    seen: Option<Seen>,
    is_done: bool,
    is_blocked: bool,
}

fn shelf(stored: &BTreeMap<String, Stored>, direction: Direction) -> Shelf {
    let shelved = |(name, it): (&String, &Stored)| {
        let shelved = Shelved {
            object: match direction {
                Direction::Aside => aside_name(name),
                Direction::Back => name.clone(),
            },
            version: it.version.to_string(),
            digest: Some(Digest::of(&it.text.to_le_bytes())),
            begun: Some((it.begun, 0)),
            is_moved: false,
        };
        ((Storage::Secrets, name.clone()), shelved)
    };
    stored.iter().map(shelved).collect()
}

impl World {
    fn new() -> Self {
        Self {
            tillers: BTreeMap::new(),
            aside: BTreeMap::new(),
            helm3: BTreeMap::new(),
            truth: BTreeMap::new(),
            clock: 0,
            direction: Direction::Aside,
            seen: None,
            is_done: false,
            is_blocked: false,
        }
    }

    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Write(which) => self.write(*which),
            Event::Purge => {
                for (name, stored) in std::mem::take(&mut self.tillers) {
                    self.truth.remove(&(name, stored.begun));
                }
            }
            Event::Kill => self.seen = None,
            Event::Fail => {
                if let Some(seen) = &mut self.seen {
                    seen.planned.pop();
                }
            }
            Event::Step => self.step(),
            Event::Turn => self.turn(),
        }
    }

    fn write(&mut self, which: usize) {
        let text = self.tick();
        // A release that Tiller sees none of is installed anew.
        let begun = self.tillers.values().map(|it| it.begun).next();
        let begun = begun.unwrap_or_else(|| i64::try_from(text).unwrap());
        let name = format!("web.v{which}");
        let stored = Stored {
            text,
            begun,
            version: text,
        };
        let before = self.tillers.insert(name.clone(), stored);
        if let Some(before) = before {
            // Tiller writes over its own.
            self.truth.remove(&(name.clone(), before.begun));
        }
        self.truth.insert((name, begun), text);
    }

    fn turn(&mut self) {
        self.direction = self.direction.other();
        self.seen = None;
        (self.is_done, self.is_blocked) = (false, false);
    }

    fn places(&mut self) -> (&mut BTreeMap<String, Stored>, &mut BTreeMap<String, Stored>) {
        match self.direction {
            Direction::Aside => (&mut self.tillers, &mut self.aside),
            Direction::Back => (&mut self.aside, &mut self.tillers),
        }
    }

    fn look(&mut self) {
        let direction = self.direction;
        let (from, to) = self.places();
        let seen = Seen {
            from: shelf(from, direction.other()),
            to: shelf(to, direction),
            texts: from.clone(),
            helm3_is_done: false,
            planned: Vec::new(),
        };
        self.seen = Some(seen);
    }

    fn step(&mut self) {
        let Some(mut seen) = self.seen.take() else {
            return self.look();
        };
        if let Some((key, step)) = seen.planned.pop() {
            if self.execute(&key, &step, &mut seen) {
                self.seen = Some(seen);
            }
            return;
        }
        let Ok(steps) = next(&seen.from, &seen.to, self.direction) else {
            self.is_blocked = true;
            return;
        };
        let deletes = steps.values().all(|step| matches!(step, Step::Delete(_)));
        let is_its_turn = match self.direction {
            Direction::Aside => true,
            Direction::Back => deletes,
        };
        if !seen.helm3_is_done && is_its_turn {
            seen.helm3_is_done = true;
            match self.direction {
                Direction::Aside => {
                    let texts = seen.texts.iter().map(|(name, it)| (name.clone(), it.text));
                    self.helm3.extend(texts);
                }
                Direction::Back => self.helm3.clear(),
            }
        } else if steps.is_empty() {
            self.is_done = true;
            return;
        } else {
            seen.planned = steps.into_iter().collect();
        }
        self.seen = Some(seen);
    }

    /// False where somebody came between.
    fn execute(&mut self, key: &(Storage, String), step: &Step, seen: &mut Seen) -> bool {
        let (version, direction) = (self.tick(), self.direction);
        let name = &key.1;
        let (from, to) = self.places();
        match step {
            Step::Create | Step::Replace(_) => {
                let is_free = match (step, to.get(name)) {
                    (Step::Create, None) => true,
                    (Step::Replace(version), Some(there)) => there.version.to_string() == *version,
                    _ => false,
                };
                if is_free {
                    let stored = seen.texts[name].clone();
                    to.insert(name.clone(), Stored { version, ..stored });
                }
                seen.to.remove(key);
                let there = shelf(to, direction).remove(key);
                seen.to.extend(there.map(|there| (key.clone(), there)));
                true
            }
            Step::Delete(version) => {
                let there = from.get(name).map(|it| it.version.to_string());
                if there.as_ref().is_some_and(|there| there != version) {
                    return false;
                }
                from.remove(name);
                seen.from.remove(key);
                true
            }
            Step::Relabel(_) => panic!("no record is aside by its label alone"),
        }
    }

    #[track_caller]
    fn check(&self) {
        for ((name, begun), text) in &self.truth {
            let is_it = |it: Option<&Stored>| it.is_some_and(|it| it.text == *text);
            assert!(
                is_it(self.tillers.get(name)) || is_it(self.aside.get(name)),
                "{name} of {begun} is lost: {self:?}"
            );
        }
    }

    fn finish(&mut self, direction: Direction) {
        self.direction = direction;
        self.seen = None;
        (self.is_done, self.is_blocked) = (false, false);
        for _ in 0..200 {
            self.step();
            self.check();
            if self.is_done || self.is_blocked {
                return;
            }
        }
        panic!("it does not end: {self:?}");
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (1..5_usize).prop_map(Event::Write),
        1 => Just(Event::Purge),
        1 => Just(Event::Kill),
        1 => Just(Event::Fail),
        12 => Just(Event::Step),
        1 => Just(Event::Turn),
    ];
    vec(event, 1..80)
}

fn texts(stored: &BTreeMap<String, Stored>) -> BTreeMap<String, u64> {
    let text = |(name, it): (&String, &Stored)| (name.clone(), it.text);
    stored.iter().map(text).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_all_can_be_given_back(events in events()) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
            world.check();
        }
        let lives: std::collections::BTreeSet<i64> =
            world.tillers.values().chain(world.aside.values()).map(|it| it.begun).collect();
        let truth: BTreeMap<String, u64> =
            world.truth.iter().map(|((name, _), text)| (name.clone(), *text)).collect();
        let is_one = lives.len() <= 1;
        let tillers = texts(&world.tillers);
        world.finish(Direction::Aside);
        if is_one {
            assert!(!world.is_blocked, "{world:?}");
            assert!(world.tillers.is_empty());
            for (name, text) in &truth {
                assert_eq!(world.aside[name].text, *text);
            }
            for (name, text) in &tillers {
                assert_eq!(world.helm3.get(name), Some(text));
            }
        }
        let before = (texts(&world.aside), world.helm3.clone());
        world.finish(Direction::Aside);
        assert_eq!((texts(&world.aside), world.helm3.clone()), before, "once more changes nothing");
        world.finish(Direction::Back);
        if is_one {
            assert!(!world.is_blocked && world.aside.is_empty() && world.helm3.is_empty());
            for (name, text) in &truth {
                assert_eq!(world.tillers[name].text, *text);
            }
        }
    }
}
