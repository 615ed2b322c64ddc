//! Manifests in files: learned from, judged and hardened.

pub mod baseline;
pub mod dump;
pub mod exclude;
pub mod files;
pub mod harden;
mod held;
pub mod judge;
pub mod learn;
pub mod other;
pub mod records;
pub mod scripts;
mod texts;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::policy::{Context, Knowledge, Modes, Settings, Timestamp};

/// What to judge manifests by.
#[derive(Debug, Clone)]
pub struct Judging {
    /// The settings of the rules.
    pub settings: Settings,
    /// The modes; of these only `forbid` says something of a file.
    pub modes: Modes,
    /// The time.
    pub now: Timestamp,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// What is known from the manifests themselves.
    pub knowledge: Knowledge,
    /// What the ConfigMaps among them start.
    pub scripts: BTreeSet<scripts::Script>,
}

// === impl Judging ===

impl Judging {
    /// What the manifests are judged with beside the settings.
    pub fn context(&self) -> Context<'_> {
        Context::new(self.now, &self.knowledge)
    }
}

/// Does the same with each of several things, on as many cores as there are. The results are in the order of the things.
pub fn on_all_cores<T: Sync, R: Send>(things: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if things.len() < 2 || cores < 2 {
        return things.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(thing) = things.get(at) else {
                return done;
            };
            done.push((at, work(thing)));
        }
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(things.len()))
            .map(|_| scope.spawn(take))
            .collect();
        let mut done = take();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_things() {
        let things: Vec<usize> = (0..1000).collect();
        assert_eq!(on_all_cores(&things, |thing| *thing), things);
    }
}
