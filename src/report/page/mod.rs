//! A report as one HTML file that needs no network: numbers, a drawn graph, a table to filter and sort, and what was found.
//!
//! Without scripts, as on servers that forbid them, everything is shown and nothing can be filtered. All texts are escaped by type, and
//! the page's own policy allows its own style and script only.

mod findings;
mod graph;
mod manifests;
mod model;
mod svg;
mod table;

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::text::OneLine as _;
use findings::Index;
pub use graph::{Edge, Graph, Node, Target};
pub use manifests::configuration;
pub use model::{Item, Page, Section, Tile, Tone, severity, worst};

/// The style.
const STYLE: &str = include_str!("page.css");
/// What filters, sorts and highlights.
const SCRIPT: &str = include_str!("page.js");

/// The most lines of a list, and of a table beside that of objects.
const LINES: usize = 300;

/// Writes the page.
pub fn write(page: &Page<'_>, out: &mut dyn Write) -> io::Result<()> {
    let page = slim(&document(page).into_string());
    out.write_all(page.visible().as_bytes())
}

/// Without the end tags that HTML does not need: a tenth of a large page. Texts hold none, since they are escaped.
fn slim(page: &str) -> String {
    let tags = [
        "</td>", "</tr>", "</th>", "</dt>", "</dd>", "</li>", "</tbody>",
    ];
    let pieces = page.split_inclusive('>');
    let kept = |piece: &str| {
        let tag = tags.iter().find(|tag| piece.ends_with(**tag));
        let length = piece.len() - tag.map_or(0, |tag| tag.len());
        piece.get(..length).unwrap_or(piece).to_owned()
    };
    pieces.map(kept).collect()
}

fn document(page: &Page<'_>) -> Markup {
    let Page {
        title,
        subject,
        tiles,
        graph,
        columns: _,
        items,
        left_out: _,
        sections,
        unknown,
        notes,
    } = page;
    let index = Index::of(items);
    let title = title.one_line();
    let policy = format!(
        "default-src 'none';base-uri 'none';form-action 'none';style-src '{}';script-src '{}'",
        digest(STYLE),
        digest(SCRIPT)
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · tiller-guard" }
                style { (PreEscaped(STYLE)) }
                // Early, so that details are never laid out which it folds.
                script { (PreEscaped(SCRIPT)) }
            }
            body {
                a.skip href="#objects" { "Skip to the table" }
                header {
                    h1 { (title) }
                    p { @for text in subject { span { (text.one_line()) } " " } }
                }
                main {
                    ul.tiles { @for tile in tiles { (number(tile)) } }
                    @if !unknown.is_empty() { (unseen(unknown)) }
                    @if let Some(graph) = graph { (svg::section(graph)) }
                    (table::section(page, &index))
                    @for section in sections { (further(section)) }
                    (index.section(items))
                    @if !notes.is_empty() {
                        section { h2 { "Notes" } ul { @for note in notes { li { (note.one_line()) } } } }
                    }
                }
                footer { "tiller-guard " (env!("CARGO_PKG_VERSION")) }
            }
        }
    }
}

/// The name of an inline text in a `Content-Security-Policy`.
fn digest(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    format!("sha256-{}", STANDARD.encode(digest))
}

fn unseen(unknown: &[(String, String)]) -> Markup {
    html! {
        section.unknown {
            h2 { "Could not be read" }
            ul {
                @for (what, why) in unknown.iter().take(LINES) { li { b { (what.one_line()) } ": " (why.one_line()) } }
            }
            (more(unknown.len()))
        }
    }
}

/// How many of so many lines are left out, and where they are.
fn more(lines: usize) -> Markup {
    html! {
        @if let Some(more @ 1..) = lines.checked_sub(LINES) {
            p.about { "and " (more) " more lines; -o json has all" }
        }
    }
}

fn number(tile: &Tile) -> Markup {
    let Tile {
        number,
        label,
        tone,
    } = tile;
    let tone = if *number == 0 { Tone::Plain } else { *tone };
    html! { li class=[tone.mark()] { b { (number) } span { (label.one_line()) } } }
}

fn further(section: &Section) -> Markup {
    let Section {
        title,
        about,
        columns,
        rows,
    } = section;
    html! {
        @if !rows.is_empty() {
            section {
                h2 { (title) }
                p.about { (about) }
                div.wide { table {
                    thead { tr { @for column in columns { th scope="col" { (column) } } } }
                    tbody { @for row in rows.iter().take(LINES) { tr { @for cell in row { td { (cell.one_line()) } } } } }
                } }
                (more(rows.len()))
            }
        }
    }
}

#[cfg(test)]
mod tests;
