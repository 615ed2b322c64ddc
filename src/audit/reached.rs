//! Who reaches which Tillers, on the page.

use std::collections::BTreeMap;

use super::page::{NAMED, short};
use super::report::{AuditedTiller, Reacher};
use crate::report::{Maybe, Section};

/// Somebody who reaches this many Tillers in the same way is not named with each of them.
const MANY: usize = 12;

/// Who reaches, how, and by which bindings.
pub(super) type Key<'r> = (&'r str, &'r [&'static str], Vec<&'r str>);
/// The Tillers that each of them reaches, by number.
pub(super) type Reaches<'r> = BTreeMap<Key<'r>, Vec<usize>>;

fn key(reacher: &Reacher) -> Key<'_> {
    let Reacher { who, ways, by } = reacher;
    (who, ways, by.iter().map(|it| &**it).collect())
}

pub(super) fn reaches(tillers: &[AuditedTiller]) -> Reaches<'_> {
    let mut reaches = Reaches::default();
    for (number, tiller) in tillers.iter().enumerate() {
        if let Maybe::Known(reachers) = &tiller.reached_by {
            for reacher in reachers {
                reaches.entry(key(reacher)).or_default().push(number);
            }
        }
    }
    reaches
}

/// Those who reach this Tiller; of those who reach many, how many they are.
pub(super) fn named(people: &[Reacher], reaches: &Reaches<'_>) -> Vec<String> {
    let many = |it: &&Reacher| reaches.get(&key(it)).is_some_and(|all| all.len() > MANY);
    let (many, few): (Vec<_>, Vec<_>) = people.iter().partition(many);
    let line = |it: &&Reacher| format!("{}: {}", it.who, it.ways.join(", "));
    let mut named: Vec<String> = few.iter().take(NAMED).map(line).collect();
    if let Some(more @ 1..) = few.len().checked_sub(NAMED) {
        named.push(format!("and {more} more; -o json has all"));
    }
    if !many.is_empty() {
        named.push(format!("and {} more, who reach many Tillers", many.len()));
    }
    named
}

/// Everybody who reaches a Tiller; in one line those who do so in the same way, by the same bindings.
pub(super) fn people(tillers: &[AuditedTiller], reaches: &Reaches<'_>) -> Section {
    let mut alike: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for ((who, ways, by), numbers) in reaches {
        let people = alike.entry((by, ways, numbers)).or_default();
        people.push(who);
    }
    let rows = alike.into_iter().map(|((by, ways, numbers), people)| {
        let tillers = reached(tillers, numbers);
        vec![first(&people), ways.join(", "), first(by), tillers]
    });
    Section {
        title: "Who can reach a Tiller",
        about: "Users, groups and service accounts by their rights; Kubernetes' own components are left out.",
        columns: vec!["Who", "Ways", "By", "Tillers"],
        rows: rows.collect(),
    }
}

/// The first of these names, and how many more there are.
fn first(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(MANY).copied().collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The Tillers of these numbers.
fn reached(tillers: &[AuditedTiller], numbers: &[usize]) -> String {
    if numbers.len() == tillers.len() && tillers.len() > 1 {
        return "every Tiller".to_owned();
    }
    let name = |number: &usize| tillers.get(*number).map(|it| short(&it.object));
    let mut names: Vec<String> = numbers.iter().take(NAMED).filter_map(name).collect();
    if let Some(more @ 1..) = numbers.len().checked_sub(NAMED) {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}
