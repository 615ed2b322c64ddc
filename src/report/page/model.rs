//! What a page shows.

use std::cmp::Reverse;

use super::graph::Graph;
use crate::policy::Severity;
use crate::report::object::Finding;

/// What a page shows.
#[derive(Debug, Default)]
pub struct Page<'r> {
    /// What it is about.
    pub title: String,
    /// Where it is from, and when.
    pub subject: Vec<String>,
    /// The numbers.
    pub tiles: Vec<Tile>,
    /// The drawing.
    pub graph: Option<Graph>,
    /// The titles of the cells of each item.
    pub columns: Vec<&'static str>,
    /// The lines of the table.
    pub items: Vec<Item<'r>>,
    /// How many further objects there are, none of which is worse.
    pub left_out: usize,
    /// Further tables.
    pub sections: Vec<Section>,
    /// What could not be looked at or read: what, and why.
    pub unknown: Vec<(String, String)>,
    /// Remarks.
    pub notes: Vec<String>,
}

/// A number.
#[derive(Debug)]
pub struct Tile {
    /// How many.
    pub number: usize,
    /// Of what.
    pub label: &'static str,
    /// How it looks, if it is not 0.
    pub tone: Tone,
}

/// What a text or a line means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tone {
    /// Open, or refused: red.
    Open,
    /// Unknown: yellow.
    Unknown,
    /// Neither.
    #[default]
    Plain,
    /// As it should be: green.
    Good,
}

/// A line of the table.
#[derive(Debug)]
pub struct Item<'r> {
    /// The object, as `KIND NAMESPACE/NAME`.
    pub title: String,
    /// The cells, in the order of the columns.
    pub cells: Vec<(String, Tone)>,
    /// What was found.
    pub findings: &'r [Finding],
    /// What there is to tell, each with its name.
    pub details: Vec<(&'static str, Vec<String>)>,
}

/// The worst of these objects by the severity of their findings, in their order, and how many are left out.
pub fn worst<T>(
    objects: impl Iterator<Item = T>,
    severity: impl Fn(&T) -> Option<Severity>,
    most: usize,
) -> (Vec<T>, usize) {
    let mut worst: Vec<(usize, T)> = objects.enumerate().collect();
    let left_out = worst.len().saturating_sub(most);
    worst.sort_by_key(|(number, it)| (Reverse(severity(it)), *number));
    worst.truncate(most);
    worst.sort_by_key(|(number, _)| *number);
    (worst.into_iter().map(|(_, it)| it).collect(), left_out)
}

/// The severity of the worst of these findings.
pub fn severity(findings: &[Finding]) -> Option<Severity> {
    let severities = findings.iter();
    let severities = severities.filter_map(|it| Severity::find(it.severity));
    severities.max()
}

/// A table of its own.
#[derive(Debug)]
pub struct Section {
    /// Its title.
    pub title: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// The titles of its columns.
    pub columns: Vec<&'static str>,
    /// Its lines.
    pub rows: Vec<Vec<String>>,
}

// === impl Tile ===

impl Tile {
    /// A number with its label: of one, or of several.
    pub fn of(number: usize, [one, several]: [&'static str; 2], tone: Tone) -> Self {
        let label = if number == 1 { one } else { several };
        Self {
            number,
            label,
            tone,
        }
    }
}

// === impl Item ===

impl Item<'_> {
    /// What a link to this line is called.
    pub(super) fn anchor(number: usize) -> String {
        format!("i{number}")
    }
}

// === impl Tone ===

impl Tone {
    /// Its class in the style, if it is not plain.
    pub(super) fn mark(self) -> Option<&'static str> {
        (self != Self::Plain).then(|| self.class())
    }

    /// Its class in the style.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Open => "o",
            Self::Unknown => "u",
            Self::Plain => "p",
            Self::Good => "g",
        }
    }
}
