//! Findings as the lines that people are shown.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use wide::u8x16;

use super::template::Template;
use crate::json::{ArrayWriter, position, write_text};
use crate::policy::{Action, Finding, Injector, Maker, Owner, Verdict, Workload};

/// The most characters of a line of a refusal.
pub(super) const MAX_LINE: usize = 2048;
/// The most characters of a line of an audit annotation.
pub(super) const MAX_NOTE: usize = 512;
/// Warnings beyond these are cut by the API server (`filters/warning.go`): each to 256 characters once all
/// together have more than 4096.
pub(super) const MAX_WARNING: usize = 256;
const MAX_WARNINGS: usize = 16;

/// One line a rule: its name, then for each finding path, what is there, and what to do. They come after a text that
/// ends its line.
pub(super) fn lines<'f>(
    mut before: String,
    findings: impl Iterator<Item = &'f Finding> + Clone,
    most: usize,
) -> String {
    before.reserve(160 * findings.clone().count());
    let mut rule = None;
    let mut line = Line::new(&mut before, most);
    for finding in findings {
        let Finding {
            rule: of,
            severity: _,
            path,
            message,
            remedy,
            action: _,
            injector: _,
        } = finding;
        let begun = match rule.replace(of) {
            Some(before) if before == of => line.write_ours([" | "]),
            Some(_) => {
                line = line.next();
                line.write_ours([of.id, ": "])
            }
            None => line.write_ours([of.id, ": "]),
        };
        // A full line stays as it is.
        let mut placed = begun;
        if !path.is_whole() {
            path.write(|piece| placed = placed.and_then(|()| line.write_str(piece)));
            placed = placed.and_then(|()| line.write_ours([": "]));
        }
        let _full = placed
            .and_then(|()| line.write_told(message))
            .and_then(|()| line.write_ours(["; "]))
            .and_then(|()| line.write_told(remedy));
    }
    before
}

/// The first line of a refusal of a copy: which object to fix instead. People read it in the conditions and Events of the
/// copy's owner. Empty if the object itself must be fixed.
pub(super) fn origin<'f>(
    workload: &Workload<'_>,
    template: &Template,
    findings: impl Iterator<Item = &'f Finding> + Clone,
) -> String {
    let Some(maker) = workload.maker.as_ref().filter(|_| workload.is_copy()) else {
        return String::new();
    };
    let kind = workload.kind.as_str();
    let mut injectors: Vec<_> = findings.clone().map(|finding| finding.injector).collect();
    injectors.sort_unstable();
    injectors.dedup();
    let all: Option<Vec<_>> = injectors.into_iter().collect();
    let names = all.filter(|injectors| !injectors.is_empty()).map(|all| {
        let names = all.into_iter().map(Injector::name);
        names.collect::<Vec<_>>().join(" and ")
    });
    let told = match (maker, names) {
        (Maker::Controller(Owner { kind: of, name, .. }), Some(injectors)) => format!(
            "this {kind} is made from {of} {name}, and {injectors} changed it afterwards: the template is not at fault"
        ),
        (Maker::Controller(owner), None) => at_fault(kind, owner, template, findings),
        (Maker::Kubelet, _) => format!(
            "this {kind} mirrors a static pod, which runs all the same: remove its manifest from the node"
        ),
    };
    one_line(&told, MAX_LINE) + "\n"
}

/// Where to fix it: in the template, or at a webhook that changed the copy.
fn at_fault<'f>(
    kind: &str,
    Owner { kind: of, name, .. }: &Owner<'_>,
    template: &Template,
    findings: impl Iterator<Item = &'f Finding> + Clone,
) -> String {
    let rules = |findings: &mut dyn Iterator<Item = &'f Finding>| {
        let mut rules: Vec<_> = findings.map(|finding| finding.rule.id).collect();
        rules.dedup();
        rules.join(", ")
    };
    let in_template = findings.clone().filter(|it| !template.lacks(it.rule.id));
    let changed = rules(&mut findings.filter(|it| template.lacks(it.rule.id)));
    if in_template.clone().next().is_none() {
        return format!(
            "this {kind} is made from {of} {name}, and another admission webhook or plugin changed it afterwards: the template \
             is not at fault; keep that webhook away from this {kind}, by its own label, annotation or namespaceSelector, or \
             except in the policy: {changed}"
        );
    }
    let refused = rules(&mut in_template.filter(|it| it.action == Action::Refuse));
    let write = if refused.is_empty() {
        "any write of it hardens it".to_owned()
    } else {
        format!("a change of its pods is refused too, until these are fixed: {refused}")
    };
    let other = match template {
        Template::Judged(_) if changed.is_empty() => String::new(),
        Template::Judged(_) => format!(
            "; another admission webhook or plugin changed this {kind} too: keep it away, or except in the policy: {changed}"
        ),
        Template::Unknown => format!(
            "; if tiller-guard check finds nothing in it, another admission webhook changed this {kind}: keep that webhook away"
        ),
    };
    format!(
        "this {kind} is made from {of} {name}: fix the Deployment or other template behind it; {write}{other}"
    )
}

/// Writes one warning a rule.
pub(super) fn write_warnings(
    warnings: &mut ArrayWriter<'_>,
    verdict: &Verdict<'_>,
    act: fn(Action) -> &'static str,
) {
    let rules = verdict
        .findings
        .chunk_by(|one, next| one.rule == next.rule && one.action == next.action);
    let mut warning = String::with_capacity(MAX_WARNING);
    for findings in rules.take(MAX_WARNINGS) {
        let [first, others @ ..] = findings else {
            continue;
        };
        let Finding {
            rule,
            message,
            action,
            ..
        } = first;
        warning.clear();
        let mut line = Line::new(&mut warning, MAX_WARNING);
        let told = line
            .write_ours(["tiller-guard ", act(*action), " ", rule.id, ": "])
            .and_then(|()| line.write_told(message));
        if !others.is_empty() {
            let mut number = itoa::Buffer::new();
            let _full = told
                .and_then(|()| line.write_ours([" (and "]))
                .and_then(|()| line.write_str(number.format(others.len())))
                .and_then(|()| line.write_ours([" more)"]));
        }
        write_text(warnings.element(), &warning);
    }
}

pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut written = String::with_capacity(text.len().min(most));
    let _full = Line::new(&mut written, most).write_str(text);
    written
}

/// Writes a text on one line of at most `most` characters, and ends it with an ellipsis if it does not fit. Text from a
/// manifest cannot forge another line.
struct Line<'a> {
    text: &'a mut String,
    most: usize,
    left: usize,
}

impl<'a> Line<'a> {
    fn new(text: &'a mut String, most: usize) -> Self {
        Self {
            text,
            most,
            left: most,
        }
    }

    fn next(self) -> Self {
        self.text.push('\n');
        Self::new(self.text, self.most)
    }

    /// Writes a finding's message.
    #[expect(clippy::ptr_arg, reason = "what is borrowed is the guard's own")]
    fn write_told(&mut self, told: &Cow<'static, str>) -> fmt::Result {
        match told {
            Cow::Borrowed(ours) => self.write_ours([*ours]),
            Cow::Owned(text) => self.write_str(text),
        }
    }

    /// Writes texts of the guard's own, which are printable ASCII.
    fn write_ours<const PIECES: usize>(&mut self, texts: [&'static str; PIECES]) -> fmt::Result {
        texts.iter().try_for_each(|text| {
            debug_assert!(is_printable(text), "{text:?}");
            if text.len() < self.left {
                self.left -= text.len();
                self.text.push_str(text);
                Ok(())
            } else {
                self.write_str(text)
            }
        })
    }
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if text.len() < self.left && is_printable(text) {
            self.left -= text.len();
            self.text.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            self.text.push(match character {
                _ if self.left == 0 => '…',
                control if control.is_control() => char::REPLACEMENT_CHARACTER,
                other => other,
            });
        }
        Ok(())
    }
}

/// Whether it is printable ASCII.
fn is_printable(text: &str) -> bool {
    let (first, last) = (u8x16::splat(b' '), u8x16::splat(b'~'));
    position(text.as_bytes(), |block| {
        !block.max(first).min(last).simd_eq(block)
    })
    .is_none()
}
