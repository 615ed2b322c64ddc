//! Refusals that are alike, counted until they are written.
//!
//! What is refused once is often refused again, by a controller that tries on. Each sort of refusal is one Event
//! whose count grows, sorts are forgotten when they grow old or many, and writes are rationed: however many
//! refusals there are, there are few Events.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

/// Sorts of refusals that are remembered at once.
const MOST_SORTS: usize = 512;
/// A sort that is not seen for this long is forgotten; the API server forgets Events after an hour.
const MEMORY: Duration = Duration::from_hours(1);
/// A written Event is written again this much later at the earliest.
const BETWEEN: Duration = Duration::from_mins(1);
/// Writes that may come at once, and how long each takes to be earned again.
const BURST: u32 = 30;
const EARNED: Duration = Duration::from_secs(5);

/// Something was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The namespace; empty for what has none.
    pub namespace: String,
    /// The object's kind.
    pub kind: &'static str,
    /// The object's name; empty where the API server makes one.
    pub name: String,
    /// The rules that found something, with commas between.
    pub rules: String,
    /// What whoever asked was told.
    pub message: String,
}

/// What refusals have to have in common to be one Event. Names are not: a controller makes a new one each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Sort {
    pub(super) namespace: String,
    pub(super) kind: &'static str,
    pub(super) rules: String,
}

/// An Event to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) sort: Sort,
    /// The object that was refused last, and why.
    pub(super) name: String,
    pub(super) message: String,
    pub(super) count: u32,
    pub(super) first: SystemTime,
    pub(super) last: SystemTime,
    /// Whether it was written before.
    pub(super) written: bool,
}

/// What to do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Write(Draft),
    /// Nothing before then.
    Wait(Instant),
    /// Nothing before the next refusal.
    Rest,
}

/// The refusals that were not written yet, and those that were.
#[derive(Debug)]
pub(super) struct Aggregator {
    entries: HashMap<Sort, Entry>,
    /// When all writes are earned again.
    earned: Instant,
    /// Sorts that found no room.
    pub(super) dropped: u64,
}

#[derive(Debug)]
struct Entry {
    name: String,
    message: String,
    count: u32,
    first: SystemTime,
    last: SystemTime,
    seen: Instant,
    /// When it was written last, and the count then.
    written: Option<(Instant, u32)>,
}

// === impl Aggregator ===

impl Aggregator {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            entries: HashMap::new(),
            earned: now,
            dropped: 0,
        }
    }

    /// Counts a refusal.
    pub(super) fn note(&mut self, refusal: Refusal, now: Instant, time: SystemTime) {
        let Refusal {
            namespace,
            kind,
            name,
            rules,
            message,
        } = refusal;
        let sort = Sort {
            namespace,
            kind,
            rules,
        };
        if self.entries.len() >= MOST_SORTS && !self.entries.contains_key(&sort) {
            self.entries
                .retain(|_, entry| now.duration_since(entry.seen) < MEMORY);
            if self.entries.len() >= MOST_SORTS {
                self.dropped += 1;
                return;
            }
        }
        let entry = self.entries.entry(sort).or_insert_with(|| Entry {
            name: String::new(),
            message: String::new(),
            count: 0,
            first: time,
            last: time,
            seen: now,
            written: None,
        });
        entry.count = entry.count.saturating_add(1);
        (entry.name, entry.message) = (name, message);
        (entry.last, entry.seen) = (time, now);
    }

    /// The Event that waits longest, if a write is earned; it counts as written.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let due = self
            .entries
            .iter_mut()
            .filter_map(|(sort, entry)| Some((entry.due()?, sort, entry)))
            .min_by_key(|(due, ..)| *due);
        let Some((due, sort, entry)) = due else {
            return Next::Rest;
        };
        let affordable = self.earned.checked_sub(EARNED * (BURST - 1)).unwrap_or(now);
        let when = due.max(affordable);
        if when > now {
            return Next::Wait(when);
        }
        self.earned = self.earned.max(now) + EARNED;
        let written = entry.written.replace((now, entry.count)).is_some();
        Next::Write(Draft {
            sort: sort.clone(),
            name: entry.name.clone(),
            message: entry.message.clone(),
            count: entry.count,
            first: entry.first,
            last: entry.last,
            written,
        })
    }
}

// === impl Entry ===

impl Entry {
    /// When to write it, if at all.
    fn due(&self) -> Option<Instant> {
        match self.written {
            None => Some(self.seen),
            Some((_, count)) if count == self.count => None,
            Some((when, _)) => Some(when + BETWEEN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(namespace: usize, name: usize) -> Refusal {
        Refusal {
            namespace: format!("team-{namespace}"),
            kind: "Pod",
            name: format!("tiller-{name}"),
            rules: "tls-disabled".to_owned(),
            message: String::new(),
        }
    }

    fn drain(aggregator: &mut Aggregator, now: Instant) -> Vec<Draft> {
        let mut drafts = Vec::new();
        while let Next::Write(draft) = aggregator.next(now) {
            drafts.push(draft);
        }
        drafts
    }

    #[test]
    fn what_is_alike_is_one_event_whose_count_grows_by_the_minute() {
        let (now, time) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut aggregator = Aggregator::new(now);
        aggregator.note(refusal(1, 1), now, time);
        let [draft] = &drain(&mut aggregator, now)[..] else {
            panic!("one event")
        };
        assert_eq!((draft.count, draft.written), (1, false));

        for name in 2..=100 {
            aggregator.note(refusal(1, name), now, time + Duration::from_secs(1));
        }
        assert_eq!(aggregator.next(now), Next::Wait(now + BETWEEN));
        let [draft] = &drain(&mut aggregator, now + BETWEEN)[..] else {
            panic!("one event")
        };
        assert_eq!((draft.count, draft.written), (100, true));
        assert_eq!(draft.name, "tiller-100");
        assert_eq!(draft.first, time);
        assert_eq!(draft.last, time + Duration::from_secs(1));
        assert_eq!(aggregator.next(now + BETWEEN), Next::Rest);
    }

    #[test]
    fn a_hundred_thousand_refusals_are_a_bounded_number_of_writes() {
        let (start, time) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut aggregator = Aggregator::new(start);
        let (mut writes, mut sorts) = (0, std::collections::HashSet::new());
        // In ten minutes, in a thousand namespaces.
        for index in 0..100_000 {
            let now = start + Duration::from_millis(6) * index;
            aggregator.note(refusal(index as usize % 1000, 0), now, time);
            if index % 100 == 0 {
                let drafts = drain(&mut aggregator, now);
                writes += drafts.len();
                sorts.extend(drafts.into_iter().map(|draft| draft.sort));
            }
        }
        assert!((100..=BURST as usize + 121).contains(&writes), "{writes}");
        assert!(sorts.len() <= writes);
        assert!(aggregator.entries.len() <= MOST_SORTS);
        assert_eq!(aggregator.dropped, 100_000 - 512 * 100);
    }

    #[test]
    fn sorts_that_are_not_seen_any_more_make_room() {
        let (start, time) = (Instant::now(), SystemTime::UNIX_EPOCH);
        let mut aggregator = Aggregator::new(start);
        for namespace in 0..MOST_SORTS {
            aggregator.note(refusal(namespace, 0), start, time);
        }
        aggregator.note(refusal(1000, 0), start, time);
        assert_eq!(aggregator.dropped, 1);
        aggregator.note(refusal(1000, 0), start + MEMORY, time);
        assert_eq!((aggregator.dropped, aggregator.entries.len()), (1, 1));
    }
}
