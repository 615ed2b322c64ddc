//! `image-repository`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Rule, Severity};
use crate::tiller::ImageReference;

/// # What it finds
/// A Tiller whose image does not come from an allowed repository.
/// # Why it matters
/// Everything else the guard says about a Tiller holds for the program that Helm released. An image from
/// elsewhere may hold any program and carry any tag.
/// # What hardening does
/// Nothing: another image may not be the one that is meant, and Helm's `--wait` looks for the one it asked
/// for.
pub(super) static RULE: Rule = Rule {
    id: "image-repository",
    severity: Severity::High,
    summary: "Tiller's image comes from a repository that is not allowed.",
    answer: "Refused: use an allowed repository, or have an administrator allow this one.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    let image = ImageReference::parse(&tiller.container.image);
    if case.settings.allows_image(&image) {
        return;
    }
    let allowed = case.settings.allowed_repositories.first();
    findings.refuse(
        &RULE,
        tiller.at("image"),
        format!("the repository \"{}\" is not allowed", image.repository),
        format!(
            "use {}, or ask an administrator to allow this one; if it is no Tiller, to name it under notTillers",
            allowed.map_or("an allowed repository", String::as_str)
        ),
    );
}
