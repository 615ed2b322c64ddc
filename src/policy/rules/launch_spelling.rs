//! `launch-spelling`

use crate::pod::Text;
use crate::policy::case::{Case, Findings, TillerContainer};
use crate::policy::harden::Edit;
use crate::policy::harden::canonical::{self, PROGRAM};
use crate::policy::{Rule, Severity};

/// # What it finds
/// A command line that is not the canonical one: a guarded flag that is missing, set twice or spelled otherwise,
/// words that Tiller never reads, flags in `command`, a working directory.
/// # Why it matters
/// Go's flag grammar lets a launch look safe and be the opposite: `--tls-verify false --storage=secret` keeps
/// releases in ConfigMaps, a later duplicate wins, and an environment variable decides what no flag says. In the
/// canonical spelling, what is written is what Tiller does, for people, tools and tiller-guard.
/// # What hardening does
/// Writes `command: ["/tiller"]` and each guarded flag exactly once as `--name=value`. Other flags stay, in their
/// order; words that Tiller never reads are dropped.
pub(super) static RULE: Rule = Rule {
    id: "launch-spelling",
    severity: Severity::Low,
    summary: "The command line is not in the one canonical spelling.",
    answer: "Hardened: `command: [\"/tiller\"]` and each guarded flag exactly once as `--name=value`.",
    ..Rule::PLAIN
};

pub(super) fn check(case: &Case<'_>, tiller: &TillerContainer<'_>, findings: &mut Findings<'_>) {
    if !tiller.has_open_launch() {
        return;
    }
    let container = tiller.container;
    if !container.working_dir.is_empty() {
        let path = tiller.at("workingDir");
        findings.harden(
            &RULE,
            path.clone(),
            "relative paths would be read from this directory, not from the image's",
            "remove workingDir",
            Edit::NoField { path },
        );
    }
    let is_canonical = || {
        let arguments = canonical::arguments(case, &tiller.tiller.effective);
        let given = container.args.iter().map(Text::as_str);
        given.eq(arguments.iter().map(AsRef::as_ref))
    };
    if matches!(&*container.command, [program] if program == PROGRAM) && is_canonical() {
        return;
    }
    let ignored = tiller
        .tiller
        .launch
        .known()
        .map_or(0, |launch| launch.ignored.len());
    findings.relaunch(
        &RULE,
        tiller,
        match ignored {
            0 => "each guarded flag must appear exactly once, as --name=value".to_owned(),
            _ => format!("Tiller ignores the last {ignored} words, because they follow a word that is not a flag"),
        },
        "write each guarded flag once as --name=value, after the command /tiller",
    );
}
