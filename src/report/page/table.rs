//! The table of objects: a line each, with details below it.

use maud::{Markup, html};

use super::findings::Index;
use super::model::{Item, Page, severity};
use crate::policy::Severity;
use crate::report::text::OneLine as _;

/// The most texts that a line has beside those that the rules have.
const OWN: usize = 1;

/// The table with what filters it.
pub(super) fn section(page: &Page<'_>, index: &Index<'_>) -> Markup {
    let Page {
        columns,
        items,
        left_out,
        ..
    } = page;
    let width = columns.len() + 3;
    html! {
        section {
            h2 #objects tabindex="-1" { "Objects" }
            @if items.is_empty() {
                p.about { "There is nothing to show." }
            } @else {
                div.filter role="search" {
                    label { "Filter " input #filter type="search" autocomplete="off" placeholder="namespace, rule, user …"; }
                    label { "Severity " select #severity {
                        option value="0" { "all" }
                        option value="1" { "low or higher" }
                        option value="2" { "medium or higher" }
                        option value="3" { "high or higher" }
                        option value="4" { "critical" }
                    } }
                    button #unfold type="button" aria-pressed="false" { "Show all details" }
                    output #shown aria-live="polite" {}
                }
                div.wide { table #items {
                    thead { tr {
                        th scope="col" { button type="button" { "Object" } }
                        th scope="col" { button type="button" { "Severity" } }
                        th scope="col" { button type="button" { "Findings" } }
                        @for column in columns { th scope="col" { button type="button" { (column) } } }
                    } }
                    @for (number, item) in items.iter().enumerate() { (line(number, item, width, index)) }
                } }
                @if *left_out > 0 {
                    p.about { "and " (left_out) " more objects, none of which is worse; -o json has all" }
                }
            }
        }
    }
}

fn line(number: usize, item: &Item<'_>, width: usize, index: &Index<'_>) -> Markup {
    let worst = severity(item.findings);
    let rank = worst.map_or(0, rank);
    html! {
        tbody id=(Item::anchor(number)) data-s=(rank) {
            tr {
                th scope="row" { button { (item.title.one_line()) } }
                td class=[worst.map(Severity::as_str)] {
                    b { (worst.map_or("none", Severity::as_str)) }
                }
                td.n { (item.findings.len()) }
                @for (text, tone) in &item.cells {
                    td class=[tone.mark()] { (text.one_line()) }
                }
                @if item.cells.is_empty() { td colspan=(width - 3) { (chips(item)) } }
            }
            tr.d { td colspan=(width) { (details(item, index)) } }
        }
    }
}

fn details(item: &Item<'_>, index: &Index<'_>) -> Markup {
    if item.details.is_empty() {
        return own(item, index);
    }
    html! {
        @if !item.findings.is_empty() { p { (chips(item)) } }
        dl { @for (name, lines) in &item.details {
            dt { (name) }
            @for line in lines { dd { (line.one_line()) } }
        } }
    }
}

/// What was found about an item of which there is nothing else to tell.
fn own(item: &Item<'_>, index: &Index<'_>) -> Markup {
    let own: Vec<_> = item.findings.iter().filter(|it| !index.shows(it)).collect();
    let more = own.len().saturating_sub(OWN);
    html! {
        @for finding in own.iter().take(OWN) { p { (finding.rule) ": " (finding.message.one_line()) } }
        @if more > 0 { p { "and " (more) " more" } }
    }
}

/// The rules that found something, each once: links to the grave ones, if there are any.
fn chips(item: &Item<'_>) -> Markup {
    let mut rules: Vec<(&'static str, &'static str, usize)> = Vec::new();
    for finding in item.findings {
        match rules.iter_mut().find(|(rule, ..)| *rule == finding.rule) {
            Some((.., count)) => *count += 1,
            None => rules.push((finding.rule, finding.severity, 1)),
        }
    }
    let is_grave = |severity: &str| matches!(severity, "critical" | "high");
    let grave = rules
        .iter()
        .filter(|(_, severity, _)| is_grave(severity))
        .count();
    let shown = if grave == 0 { rules.len() } else { grave };
    html! {
        @for (rule, _, count) in rules.iter().take(shown) {
            a.t href={ "#r-" (rule) } { (rule) @if *count > 1 { " ×" (count) } } " "
        }
        @for (rule, ..) in rules.iter().skip(shown) { (rule) " " }
    }
}

/// 1 for low to 4 for critical.
fn rank(severity: Severity) -> usize {
    let all = Severity::ALL.iter();
    all.take_while(|it| **it <= severity).count()
}
