//! The graph as SVG.
//!
//! Lines carry the nodes that they join (`data-a`, `data-b`), and nodes their own name (`data-n`), by which the script lights up a path.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

use super::graph::{Edge, Graph, HEIGHT, Layout, Node, PITCH, Target};
use super::model::{Item, Tone};
use crate::report::text::OneLine as _;

/// How wide a node is.
const WIDTH: usize = 230;
/// How far apart two columns are.
const STEP: usize = 320;
/// Above the nodes, for the titles.
const HEAD: usize = 34;
/// Left of all.
const MARGIN: usize = 4;
/// How far left of the second column the bar is that stands for all its nodes.
const BAR: usize = 16;
/// How much text fits into a node, in units of an average small letter.
const ROOM: usize = 30;

/// The drawing with what explains it.
pub(super) fn section(graph: &Graph) -> Markup {
    let layout = graph.layout();
    let height = HEAD + layout.height;
    let width = 2 * MARGIN + 3 * STEP + WIDTH;
    html! {
        section {
            h2 { "Who reaches what" }
            p.legend {
                span.o { "open" } " " span.p { "needs a right or a certificate" } " " span.u { "unknown" }
                small { " Point at a box, or use Tab and the arrow keys, to see its paths. Enter on a Tiller shows its details." }
            }
            @for note in &graph.notes { p.about { (note.one_line()) } }
            div.wide { svg #graph viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="group" aria-label="Who reaches which Tiller, as which service account it runs, and which namespaces that reaches" {
                defs { g #box {
                    rect width=(WIDTH) height=(HEIGHT) rx="6" {}
                    path d={ "M1 6v" (HEIGHT - 12) } {}
                } }
                @for (column, (title, nodes)) in graph.columns.iter().enumerate() {
                    text.h x=(left(column)) y="14" { (title) " (" (nodes.len()) ")" }
                }
                (bar(graph, &layout))
                g.e { @for tone in [Tone::Plain, Tone::Unknown, Tone::Open] { (lines(graph, &layout, tone)) } }
                @for (column, (_, nodes)) in graph.columns.iter().enumerate() {
                    @for (number, node) in nodes.iter().enumerate() {
                        (boxed(column, number, node, HEAD + layout.top(column, number)))
                    }
                }
            } }
        }
    }
}

fn left(column: usize) -> usize {
    MARGIN + column * STEP
}

fn name(column: usize, number: usize) -> String {
    let letter = ["w", "t", "a", "n"].get(column).unwrap_or(&"x");
    format!("{letter}{number}")
}

/// The middle of a node.
fn middle(layout: &Layout, column: usize, node: usize) -> usize {
    HEAD + layout.top(column, node) + HEIGHT / 2
}

/// The bar that stands for all Tillers: from the middle of the first to the middle of the last.
fn span(graph: &Graph, layout: &Layout) -> (usize, usize) {
    let last = graph.columns[1].1.len().saturating_sub(1);
    (middle(layout, 1, 0), middle(layout, 1, last))
}

fn bar(graph: &Graph, layout: &Layout) -> Markup {
    let needed = graph.edges.iter().any(|edge| edge.to == Target::All);
    let (top, bottom) = span(graph, layout);
    let (x, y) = (left(1) - BAR, top.saturating_sub(HEIGHT / 2));
    html! {
        @if needed {
            rect.bar x=(x) y=(y) width="6" height=(bottom - top + HEIGHT) rx="3" data-n="all" { title { "every Tiller" } }
        }
    }
}

/// The lines of this meaning.
fn lines(graph: &Graph, layout: &Layout, tone: Tone) -> Markup {
    let mut paths = String::new();
    for edge in graph.edges.iter().filter(|edge| edge.tone == tone) {
        let Edge {
            column, from, to, ..
        } = *edge;
        let (x, y) = (left(column) + WIDTH, middle(layout, column, from));
        let (end, to_y, target) = match to {
            Target::Node(to) => (
                left(column + 1),
                middle(layout, column + 1, to),
                name(column + 1, to),
            ),
            Target::All => {
                let (top, bottom) = span(graph, layout);
                (left(1) - BAR, y.clamp(top, bottom), "all".to_owned())
            }
        };
        let (far, bend) = (end - x, (end - x) / 2);
        let down = i64::try_from(to_y).unwrap_or_default() - i64::try_from(y).unwrap_or_default();
        let from = name(column, from);
        // Nothing of it is text of others.
        let _infallible = write!(
            paths,
            "<path d=\"M{x} {y}c{bend} 0 {bend} {down} {far} {down}\" data-a={from} data-b={target} />"
        );
    }
    html! { g class=(tone.class()) { (PreEscaped(paths)) } }
}

fn boxed(column: usize, number: usize, node: &Node, top: usize) -> Markup {
    let [label, remark, title] = [&node.label, &node.note, &node.title].map(|it| it.one_line());
    let Node { tone, item, .. } = node;
    let x = left(column);
    let name = name(column, number);
    let (shown, shown_remark) = (shortened(&label, ROOM), shortened(&remark, ROOM + 5));
    let at = format!("translate({x} {top})");
    let inner = html! {
        @if shown != label || shown_remark != remark { title { (title) } }
        (PreEscaped("<use href=\"#box\"/>"))
        text { (shown) }
        @if !remark.is_empty() { text.m { (shown_remark) } }
    };
    let class = tone
        .mark()
        .map_or_else(|| "n".to_owned(), |mark| format!("n {mark}"));
    html! {
        @match item {
            Some(item) => a class=(class) href={ "#" (Item::anchor(*item)) } data-n=(name) transform=(at) { (inner) },
            None => g class=(class) data-n=(name) transform=(at) { (inner) },
        }
    }
}

/// A text that is not wider than this; what is left out is in its middle.
fn shortened(text: &str, room: usize) -> String {
    let width: usize = text.chars().map(width).sum();
    if width <= 4 * room {
        return text.to_owned();
    }
    let half = (4 * room - 4) / 2;
    let head = fitting(text.chars(), half);
    let tail: Vec<char> = fitting(text.chars().rev(), half);
    head.into_iter()
        .chain(['…'])
        .chain(tail.into_iter().rev())
        .collect()
}

/// The characters that fit into this width.
fn fitting(characters: impl Iterator<Item = char>, room: usize) -> Vec<char> {
    let mut used = 0;
    let fit = characters.take_while(|character| {
        used += width(*character);
        used <= room
    });
    fit.collect()
}

/// How wide a character is, in quarters of an average small letter.
fn width(character: char) -> usize {
    match character {
        'i' | 'j' | 'l' | 'f' | 't' | 'r' | '.' | ',' | ':' | ';' | '\'' | '|' | '/' | ' '
        | '(' | ')' | '-' => 3,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 6,
        'A'..='Z' => 5,
        '\0'..='\u{7f}' => 4,
        _ => 8,
    }
}

/// How far apart the nodes are is more than they are high.
const _: () = assert!(PITCH > HEIGHT);

#[cfg(test)]
mod tests {
    use super::shortened;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shortened("blue/tiller-deploy", 29), "blue/tiller-deploy");
        let long = shortened(
            "a-very-long-namespace-of-a-team/tiller-deploy-of-the-team",
            20,
        );
        assert!(
            long.starts_with("a-very-") && long.ends_with("the-team") && long.contains('…'),
            "{long}"
        );
        assert!(shortened(&"漢".repeat(60), 29).chars().count() <= 15);
    }
}
