//! What was found, rule by rule: each text once, with the objects that it is about.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::model::Item;
use crate::policy::Severity;
use crate::report::object::Finding;
use crate::report::text::OneLine as _;

/// The most objects that a text names.
const NAMED: usize = 5;
/// The most texts of a rule.
const TEXTS: usize = 12;

/// What is said of objects: message, remedy, and what becomes of it.
type Text<'f> = (&'f str, &'f str, &'static str);

/// All findings, by rule, the worst first.
pub(super) struct Index<'f> {
    rules: Vec<(&'static str, RuleFindings<'f>)>,
    /// The texts that are shown with their rules.
    shown: BTreeSet<(&'static str, Text<'f>)>,
}

/// What a rule found.
struct RuleFindings<'f> {
    severity: Severity,
    page: &'f str,
    /// The texts that most objects have, with the numbers of these objects.
    texts: Vec<(Text<'f>, Vec<usize>)>,
    /// How many further texts there are.
    more: usize,
}

// === impl Index ===

impl<'f> Index<'f> {
    /// The findings of these items.
    pub(super) fn of(items: &[Item<'f>]) -> Self {
        let mut rules: BTreeMap<&'static str, Vec<(usize, &'f Finding)>> = BTreeMap::new();
        for (number, item) in items.iter().enumerate() {
            for finding in item.findings {
                rules
                    .entry(finding.rule)
                    .or_default()
                    .push((number, finding));
            }
        }
        let found = rules.into_iter();
        let mut rules: Vec<_> = found
            .map(|(rule, all)| (rule, RuleFindings::of(&all)))
            .collect();
        rules.sort_by_key(|(rule, found)| (Reverse(found.severity), *rule));
        let texts = rules
            .iter()
            .flat_map(|(rule, found)| found.texts.iter().map(move |(text, _)| (*rule, *text)));
        let shown = texts.collect();
        Self { rules, shown }
    }

    /// Whether this finding's text is shown with its rule.
    pub(super) fn shows(&self, finding: &'f Finding) -> bool {
        self.shown.contains(&(finding.rule, text(finding)))
    }

    /// All rules that found something.
    pub(super) fn section(&self, items: &[Item<'_>]) -> Markup {
        html! {
            @if !self.rules.is_empty() {
                section {
                    h2 { "Findings" }
                    p.about { "What is wrong, and how to fix it; each text once." }
                    @for (rule, found) in &self.rules { (found.markup(rule, items)) }
                }
            }
        }
    }
}

// === impl RuleFindings ===

impl<'f> RuleFindings<'f> {
    fn of(findings: &[(usize, &'f Finding)]) -> Self {
        let mut texts: BTreeMap<Text<'f>, Vec<usize>> = BTreeMap::new();
        for (number, finding) in findings {
            let numbers = texts.entry(text(finding)).or_default();
            if numbers.last() != Some(number) {
                numbers.push(*number);
            }
        }
        let severities = findings.iter();
        let severities = severities.filter_map(|(_, it)| Severity::find(it.severity));
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort_by_key(|(text, numbers)| (Reverse(numbers.len()), *text));
        let more = texts.len().saturating_sub(TEXTS);
        texts.truncate(TEXTS);
        Self {
            severity: severities.max().unwrap_or(Severity::Low),
            page: findings.first().map_or("", |(_, it)| &it.documentation),
            texts,
            more,
        }
    }

    fn markup(&self, rule: &str, items: &[Item<'_>]) -> Markup {
        let Self {
            severity,
            page,
            texts,
            more,
        } = self;
        html! {
            article id={ "r-" (rule) } {
                h3 { i class={ "s " (severity.as_str()) } { (severity.as_str()) } " " a href=(page) { (rule) } }
                ul {
                    @for ((message, remedy, action), numbers) in texts { li {
                        b { (message.one_line()) }
                        p { "Fix: " (remedy.one_line()) " " small { (answer(action)) } }
                        p { (named(numbers, items)) }
                    } }
                    @if *more > 0 { li { "and " (more) " more like these; -o json has all" } }
                }
            }
        }
    }
}

fn text(finding: &Finding) -> Text<'_> {
    (&finding.message, &finding.remedy, finding.action)
}

/// Links to the first of these items.
fn named(numbers: &[usize], items: &[Item<'_>]) -> Markup {
    html! {
        @for number in numbers.iter().take(NAMED) {
            @if let Some(item) = items.get(*number) {
                a href={ "#" (Item::anchor(*number)) } { (item.title.one_line()) } " "
            }
        }
        @if let Some(more @ 1..) = numbers.len().checked_sub(NAMED) { "and " (more) " more" }
    }
}

fn answer(action: &str) -> &'static str {
    match action {
        "harden" => "(hardening fixes this)",
        "refuse" => "(refused until fixed)",
        _ => "(reported only)",
    }
}
