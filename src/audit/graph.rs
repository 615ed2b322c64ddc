//! The graph of a report: who reaches which Tillers, as which service accounts they run, and which namespaces these reach.
//!
//! Red is what is open: a Tiller that asks for no certificate, or is exposed outside the cluster; a right of everybody or of another
//! Tiller's account; a binding with findings, and rights in the whole cluster.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::page::{is_open, port, short};
use super::report::{AuditReport, AuditedTiller, Grant, Reacher};
use super::text::title;
use crate::gather::Gather as _;
use crate::report::{Edge, Graph, Maybe, Node, Target, Tone};

/// The most Tillers that are drawn; the others are in the table.
const MOST_TILLERS: usize = 400;
/// The most lines that are drawn.
const MOST_EDGES: usize = 2000;
/// More nodes than this of a column are drawn as one if the same lines lead to them.
const MANY: usize = 60;
/// The most names that a node of many tells.
const NAMED: usize = 40;
/// The most nodes of a column beside the Tillers and their accounts.
const MOST_NODES: usize = 400;

/// A node beside the Tillers, and the lines that lead to or from it.
#[derive(Default)]
struct Spot {
    note: BTreeSet<String>,
    tone: Tone,
    /// The nodes at the other ends, with the lines' meaning.
    ends: BTreeMap<usize, Tone>,
}

/// What a node means, and the lines that lead to or from it.
type Lines = (Tone, Vec<(usize, Tone)>);
/// Nodes by name. What begins with a space comes first, and is no name.
type Spots = BTreeMap<String, Spot>;

/// The graph of a report.
pub(super) fn graph(report: &AuditReport) -> Graph {
    let mut tillers: Vec<(usize, &AuditedTiller)> = report.tillers.iter().enumerate().collect();
    tillers.sort_by_key(|(number, it)| (tone(it), it.object.namespace.clone(), *number));
    let mut notes = Vec::new();
    if tillers.len() > MOST_TILLERS {
        notes.push(format!(
            "{} Tillers are not drawn.",
            tillers.len() - MOST_TILLERS
        ));
        tillers.truncate(MOST_TILLERS);
    }
    let accounts = tillers.iter().flat_map(|(_, it)| it.accounts());
    let accounts: BTreeSet<&str> = accounts.map(|(account, _)| account).gather();
    let accounts: Vec<&str> = accounts.into_iter().collect();
    let mut people = merged(people(&tillers, &accounts), "users and groups");
    let mut places = merged(places(&tillers, &accounts, report), "namespaces");
    notes.extend(bound(&mut people, "Who"));
    notes.extend(bound(&mut places, "Namespaces"));

    let mut edges = Vec::new();
    for (from, (who, spot)) in people.iter().enumerate() {
        edges.extend(lines_of_person(from, who, spot, &tillers));
    }
    for (from, (_, tiller)) in tillers.iter().enumerate() {
        for (account, _) in tiller.accounts() {
            if let Ok(to) = accounts.binary_search(&account) {
                edges.push(edge(Tone::Plain, 1, from, to));
            }
        }
    }
    for (to, spot) in places.values().enumerate() {
        edges.extend(
            spot.ends
                .iter()
                .map(|(from, tone)| edge(*tone, 2, *from, to)),
        );
    }
    edges.sort_unstable();
    edges.dedup();
    if let Some(more @ 1..) = edges.len().checked_sub(MOST_EDGES) {
        notes.push(format!("{more} lines are not drawn; -o json has all."));
        edges.truncate(MOST_EDGES);
    }
    let accounts = accounts.iter().map(|account| of_account(account));
    Graph {
        columns: [
            ("Who", people.into_iter().map(node).collect()),
            ("Tillers", tillers.iter().map(|it| of_tiller(*it)).collect()),
            ("Service accounts", accounts.collect()),
            ("Namespaces", places.into_iter().map(node).collect()),
        ],
        edges,
        notes,
    }
}

fn edge(tone: Tone, column: usize, from: usize, to: usize) -> Edge {
    Edge {
        tone,
        column,
        from,
        to: Target::Node(to),
    }
}

/// The lines of somebody: one, if they reach every Tiller, or all but the one that runs as them.
fn lines_of_person(
    from: usize,
    who: &str,
    spot: &Spot,
    tillers: &[(usize, &AuditedTiller)],
) -> Vec<Edge> {
    let tones: BTreeSet<Tone> = spot.ends.values().copied().gather();
    let account = who.strip_prefix("ServiceAccount ");
    let mut numbered = tillers.iter().enumerate();
    let is_all = tillers.len() > 2
        && numbered.all(|(number, (_, tiller))| {
            spot.ends.contains_key(&number) || account == Some(&*tiller.account)
        });
    match tones.first() {
        Some(tone) if is_all && tones.len() == 1 => vec![Edge {
            tone: *tone,
            column: 0,
            from,
            to: Target::All,
        }],
        _ => spot
            .ends
            .iter()
            .map(|(to, tone)| edge(*tone, 0, from, *to))
            .collect(),
    }
}

fn tone(tiller: &AuditedTiller) -> Tone {
    match &tiller.network {
        _ if is_open(tiller) || is_exposed(tiller) => Tone::Open,
        Maybe::Unknown { .. } => Tone::Unknown,
        Maybe::Known(_) => Tone::Plain,
    }
}

/// Whether something outside the cluster leads to it.
fn is_exposed(tiller: &AuditedTiller) -> bool {
    let Maybe::Known(exposed) = &tiller.exposed_by else {
        return false;
    };
    exposed.iter().any(|it| is_outside(it))
}

/// Whether what is called so leads out of the cluster: an Ingress, a route, or a Service of such a type.
fn is_outside(exposure: &str) -> bool {
    !exposure.starts_with("Service ")
        || exposure.ends_with("(LoadBalancer)")
        || exposure.ends_with("(NodePort)")
}

/// Who reaches Tillers.
fn people(tillers: &[(usize, &AuditedTiller)], accounts: &[&str]) -> Spots {
    let mut people = Spots::new();
    let mut add = |name: &str, note: Option<String>, tone: Tone, to: usize| {
        let spot = people.entry(name.to_owned()).or_default();
        spot.note.extend(note);
        spot.tone = spot.tone.min(tone);
        spot.ends.insert(to, tone);
    };
    for (number, (_, tiller)) in tillers.iter().enumerate() {
        if let Maybe::Known(exposed) = &tiller.exposed_by {
            for exposure in exposed.iter().filter(|it| is_outside(it)) {
                add(
                    " Outside the cluster",
                    Some(exposure.clone()),
                    Tone::Open,
                    number,
                );
            }
        }
        if is_open(tiller) {
            let note = Some("without a certificate".to_owned());
            add(" Every pod in the cluster", note, Tone::Open, number);
        }
        match &tiller.reached_by {
            Maybe::Known(reachers) => {
                for Reacher { who, ways, by: _ } in reachers {
                    let tone = tone_of(who, accounts);
                    for way in ways {
                        add(who, Some((*way).to_owned()), tone, number);
                    }
                }
            }
            Maybe::Unknown { unknown } => {
                add(" Unknown", Some(unknown.clone()), Tone::Unknown, number);
            }
        }
    }
    people
}

/// Red for everybody, and for other Tillers' accounts.
fn tone_of(who: &str, accounts: &[&str]) -> Tone {
    let everybody = [
        "Group system:authenticated",
        "Group system:unauthenticated",
        "User system:anonymous",
    ];
    let account = who.strip_prefix("ServiceAccount ");
    let of_tiller = account.is_some_and(|it| accounts.binary_search(&it).is_ok());
    if of_tiller || everybody.contains(&who) || who.starts_with("Group system:serviceaccounts") {
        Tone::Open
    } else {
        Tone::Plain
    }
}

/// What service accounts reach.
fn places(tillers: &[(usize, &AuditedTiller)], accounts: &[&str], report: &AuditReport) -> Spots {
    let wrong: BTreeSet<String> = report.openers.iter().map(|it| title(&it.object)).gather();
    let mut places = Spots::new();
    let reaching = tillers.iter().flat_map(|(_, tiller)| tiller.accounts());
    for (account, reach) in reaching {
        let Ok(from) = accounts.binary_search(&account) else {
            continue;
        };
        let mut add = |name: &str, grants: &[Grant], tone: Tone| {
            let spot = places.entry(name.to_owned()).or_default();
            spot.note.extend(grants.iter().map(|it| it.can.to_owned()));
            spot.tone = spot.tone.min(tone);
            spot.ends.insert(from, tone);
        };
        match reach {
            Maybe::Known(reach) => {
                if !reach.cluster.is_empty() {
                    add(" The whole cluster", &reach.cluster, Tone::Open);
                }
                let namespaces = reach.namespaces.iter();
                for (namespace, grants) in namespaces.filter(|(_, grants)| !grants.is_empty()) {
                    let mut by = grants.iter().flat_map(|it| &it.by);
                    let open = by.any(|binding| wrong.contains(binding));
                    add(
                        namespace,
                        grants,
                        if open { Tone::Open } else { Tone::Plain },
                    );
                }
            }
            Maybe::Unknown { .. } => add(" Unknown", &[], Tone::Unknown),
        }
    }
    places
}

/// If there are many, those with the same lines as one.
fn merged(spots: Spots, things: &str) -> Spots {
    if spots.len() <= MANY {
        return spots;
    }
    let mut alike: BTreeMap<Lines, Vec<(String, Spot)>> = BTreeMap::new();
    for (name, spot) in spots {
        let ends = spot.ends.iter().map(|(end, tone)| (*end, *tone)).collect();
        alike
            .entry((spot.tone, ends))
            .or_default()
            .push((name, spot));
    }
    let mut merged = Spots::new();
    for mut group in alike.into_values() {
        let number = group.len();
        let names: Vec<String> = group
            .iter()
            .take(NAMED)
            .map(|(name, _)| name.clone())
            .collect();
        let Some((name, mut spot)) = group.pop() else {
            continue;
        };
        if number > 1 {
            spot.note = names.into_iter().collect();
            merged.insert(format!("{number} {things}: {name} …"), spot);
        } else {
            merged.insert(name, spot);
        }
    }
    merged
}

/// Leaves out the nodes of a column with the fewest lines, the open ones last, and says so.
fn bound(spots: &mut Spots, column: &str) -> Option<String> {
    let more = spots.len().checked_sub(MOST_NODES).filter(|it| *it > 0)?;
    let mut ranked: Vec<(String, Spot)> = std::mem::take(spots).into_iter().collect();
    ranked.sort_by_key(|(_, spot)| (spot.tone, Reverse(spot.ends.len())));
    ranked.truncate(MOST_NODES);
    spots.extend(ranked);
    Some(format!(
        "{more} boxes of \"{column}\" are not drawn; -o json has all."
    ))
}

fn node((name, spot): (String, Spot)) -> Node {
    let note: Vec<String> = spot.note.into_iter().collect();
    let note = note.join(", ");
    let label = name.trim_start().to_owned();
    Node {
        title: format!("{label}: {note}"),
        label,
        note,
        tone: spot.tone,
        item: None,
    }
}

fn of_tiller((number, tiller): (usize, &AuditedTiller)) -> Node {
    let (network, _) = port(tiller);
    let note = format!("{network} · {} at restart", tiller.next.restart.answer);
    Node {
        label: short(&tiller.object),
        title: format!("{}: {note}", title(&tiller.object)),
        note,
        tone: tone(tiller),
        item: Some(number),
    }
}

fn of_account(account: &str) -> Node {
    Node {
        label: account.to_owned(),
        title: format!("ServiceAccount {account}"),
        ..Node::default()
    }
}
