//! `tiller-guard explain`: what a rule finds, why it matters and how to fix it; the same as its page in the manual.

use std::io::{self, BufWriter, Write as _};

use anyhow::bail;
use clap::Args;

use super::Exit;
use crate::manifest::DUPLICATE_KEY;
use crate::policy::{Rule, mode_rules, rules};

/// Explain a rule: what it finds, why it matters and how to fix it
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The rule, as a finding names it; without it, list all rules
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// The pages of these rules, which the tests keep as the doc comments are.
macro_rules! pages {
    ($($id:literal,)*) => {
        [$(($id, include_str!(concat!("../../docs/rules/", $id, ".md"))),)*]
    };
}

/// Each rule's page, by its name.
static PAGES: [(&str, &str); 48] = pages![
    "account-rights",
    "account-token",
    "binding-scope",
    "borrowed-account",
    "certificate-authority",
    "certificate-mount",
    "certificate-paths",
    "certificate-secret",
    "client-not-verified",
    "confinement",
    "duplicate-key",
    "endpoints-by-hand",
    "environment",
    "experimental-release",
    "extra-commands",
    "extra-containers",
    "host-access",
    "image-repository",
    "injector",
    "launch-spelling",
    "launch-unreadable",
    "listen-address",
    "protected-namespace",
    "release-record",
    "release-storage",
    "rights-unknown",
    "role-aggregated",
    "role-rights",
    "route-exposed",
    "second-tiller",
    "security-context",
    "service-account",
    "service-account-alias",
    "service-exposed",
    "storage-switch",
    "team-required",
    "tiller-exec",
    "tiller-forbidden",
    "tiller-frozen",
    "tiller-namespace",
    "tiller-portforward",
    "tls-disabled",
    "tls-environment",
    "tracing",
    "trusted-authority",
    "verbose-logging",
    "version-floor",
    "volume-mounts",
];

/// Prints a rule's page, or the list of rules.
pub(super) fn run(arguments: Arguments) -> anyhow::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    match arguments.rule {
        Some(name) => out.write_all(page(&name)?.as_bytes())?,
        None => list(&mut out)?,
    }
    out.flush()?;
    Ok(Exit::Clean)
}

fn page(name: &str) -> anyhow::Result<&'static str> {
    match PAGES.iter().find(|(id, _)| *id == name) {
        Some((_, page)) => Ok(page),
        None => bail!(
            "there is no rule \"{}\"; `tiller-guard explain` lists all rules",
            name.escape_debug()
        ),
    }
}

fn list(out: &mut impl io::Write) -> io::Result<()> {
    let all = || rules().chain(mode_rules()).chain([&DUPLICATE_KEY]);
    let width = all().map(|rule| rule.id.len()).max().unwrap_or_default();
    for Rule {
        id,
        severity,
        summary,
        ..
    } in all()
    {
        writeln!(out, "{id:width$}  {:<8}  {summary}", severity.as_str())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_page() {
        let mut known: Vec<&str> = rules()
            .chain(mode_rules())
            .chain([&DUPLICATE_KEY])
            .map(|rule| rule.id)
            .collect();
        known.sort_unstable();
        assert_eq!(PAGES.map(|(id, _)| id).to_vec(), known);
        for (id, page) in PAGES {
            assert!(page.starts_with(&format!("# {id}\n")), "{id}");
        }
    }
}
