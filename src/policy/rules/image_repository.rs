//! `image-repository`

use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::{Rule, Severity};
use crate::tiller::ImageReference;

/// # What it finds
/// A Tiller whose image does not come from an allowed repository.
/// # Why it matters
/// Everything else that tiller-guard says about a Tiller is true for the program that Helm released. An image from
/// elsewhere may hold any program under any tag.
/// # What hardening does
/// Nothing: another image may not be the one that was meant, and `helm init --wait` looks for the image that it asked
/// for.
pub(super) static RULE: Rule = Rule {
    id: "image-repository",
    severity: Severity::High,
    summary: "Tiller's image comes from a repository that is not allowed.",
    answer: "Refused: use an allowed repository, or ask an administrator to allow this one.",
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
            "use {}, or ask an administrator to allow this repository, or to list it under notTillers if it is not Tiller",
            allowed.map_or("an allowed repository", String::as_str)
        ),
    );
}
