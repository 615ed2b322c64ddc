//! The drawing's nodes and lines, and where they are drawn: four columns, each in an order that crosses few lines.
//!
//! The second column keeps the order that it is given, and is spread over the whole height. Every other one follows its neighbour: a node stands as near as there is room to the
//! middle of those to which it is joined.

use std::collections::BTreeMap;

use super::model::Tone;

/// How far apart two nodes of a column are.
pub(super) const PITCH: usize = 44;
/// How high a node is.
pub(super) const HEIGHT: usize = 34;

/// A drawing: columns of nodes, and lines from each column to the next.
#[derive(Debug, Default)]
pub struct Graph {
    /// The columns with their titles.
    pub columns: [(&'static str, Vec<Node>); 4],
    /// The lines.
    pub edges: Vec<Edge>,
    /// What is left out of it.
    pub notes: Vec<String>,
}

/// A node.
#[derive(Debug, Default)]
pub struct Node {
    /// Its name.
    pub label: String,
    /// What there is to say of it.
    pub note: String,
    /// All of it, for those who point at it.
    pub title: String,
    /// What it means.
    pub tone: Tone,
    /// The line of the table that it stands for.
    pub item: Option<usize>,
}

/// A line from a node to one of the next column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// What it means.
    pub tone: Tone,
    /// The column of the node from which it comes.
    pub column: usize,
    /// The node's number there.
    pub from: usize,
    /// Where it leads.
    pub to: Target,
}

/// Where a line leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// To every node of the next column.
    All,
    /// To this node of it.
    Node(usize),
}

/// Where the upper edge of each node is, by column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) tops: [Vec<usize>; 4],
    /// How high the drawing is.
    pub(super) height: usize,
}

impl Layout {
    /// Where a node's upper edge is.
    pub(super) fn top(&self, column: usize, node: usize) -> usize {
        let tops = self.tops.get(column).and_then(|tops| tops.get(node));
        tops.copied().unwrap_or_default()
    }
}

impl Graph {
    /// Places all nodes.
    pub(super) fn layout(&self) -> Layout {
        let [people, tillers, accounts, places] = &self.columns;
        let count = |(_, nodes): &(&str, Vec<Node>)| nodes.len();
        let lengths = [
            count(people),
            count(tillers),
            count(accounts),
            count(places),
        ];
        let rows = lengths.into_iter().max().unwrap_or_default();
        let height = rows * PITCH;
        let tillers = count(tillers);
        let spread = |it: usize| (2 * it + 1) * height / (2 * tillers) - PITCH / 2;
        let second: Vec<usize> = (0..tillers).map(spread).collect();
        let first = follow(&self.wanted(0, 1, &second), height);
        let third = follow(&self.wanted(2, 1, &second), height);
        let fourth = follow(&self.wanted(3, 2, &third), height);
        Layout {
            tops: [first, second, third, fourth],
            height,
        }
    }

    /// Where each node of a column would best be: at the mean of its neighbours in another column.
    fn wanted(&self, column: usize, neighbours: usize, tops: &[usize]) -> Vec<usize> {
        let mut sums: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
        let left = column.min(neighbours);
        for edge in self.edges.iter().filter(|edge| edge.column == left) {
            let Target::Node(to) = edge.to else { continue };
            let (own, other) = if left == column {
                (edge.from, to)
            } else {
                (to, edge.from)
            };
            let (sum, number) = sums.entry(own).or_default();
            *sum += tops.get(other).copied().unwrap_or_default();
            *number += 1;
        }
        let length = self.columns.get(column).map_or(0, |(_, nodes)| nodes.len());
        let mean = |node: usize| {
            let sum = sums.get(&node);
            sum.map_or(0, |(sum, number)| sum / number)
        };
        (0..length).map(mean).collect()
    }
}

/// Places nodes in the order of where they would best be, each as near to it as there is room. There is room for all.
fn follow(wanted: &[usize], height: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    let wish = |node: usize| wanted.get(node).copied().unwrap_or_default();
    order.sort_by_key(|node| (wish(*node), *node));
    let mut tops: Vec<usize> = vec![0; wanted.len()];
    let mut free = 0;
    let mut placed: Vec<usize> = Vec::with_capacity(order.len());
    for node in &order {
        let top = wish(*node).max(free);
        placed.push(top);
        free = top + PITCH;
    }
    let mut end = height;
    for (node, top) in order.iter().zip(&placed).rev() {
        let top = (*top).min(end.saturating_sub(PITCH));
        if let Some(place) = tops.get_mut(*node) {
            *place = top;
        }
        end = top;
    }
    tops
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// No node lies on another, none outside, and the same graph is drawn in the same way.
        #[test]
        fn every_node_has_its_place(wanted in prop::collection::vec(0usize..5000, 0..60), more in 0usize..20) {
            let height = (wanted.len() + more) * PITCH;
            let tops = follow(&wanted, height);
            prop_assert_eq!(&tops, &follow(&wanted, height));
            let mut sorted = tops.clone();
            sorted.sort_unstable();
            for pair in sorted.windows(2) {
                prop_assert!(pair[1] - pair[0] >= PITCH, "{:?}", pair);
            }
            prop_assert!(sorted.last().is_none_or(|last| last + PITCH <= height));
        }
    }

    #[test]
    fn neighbours_stand_beside_each_other() {
        let node = || Node::default();
        let edge = |column, from, to| Edge {
            tone: Tone::Plain,
            column,
            from,
            to: Target::Node(to),
        };
        let graph = Graph {
            columns: [
                ("", vec![node()]),
                ("", vec![node(), node(), node()]),
                ("", vec![node(), node(), node()]),
                ("", vec![]),
            ],
            // The accounts are named in another order than their Tillers.
            edges: vec![edge(0, 0, 1), edge(1, 0, 2), edge(1, 1, 0), edge(1, 2, 1)],
            notes: Vec::new(),
        };
        let Layout { tops, height } = graph.layout();
        assert_eq!(height, 3 * PITCH);
        assert_eq!(tops[0], [PITCH]);
        assert_eq!(tops[2], [PITCH, 2 * PITCH, 0]);
    }
}
