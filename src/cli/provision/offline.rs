//! Plans without a cluster: printed for others to apply, or named.

use std::io::{self, BufWriter, Write as _};

use anyhow::Context as _;
use serde_json::{Value, json};

use super::super::Exit;
use super::arguments::{Output, SharedArguments};
use super::bundles;
use super::issuance::{Course, issue};
use crate::cluster::apply::created;
use crate::cluster::team::FoundCertificates;
use crate::manifest::to_yaml;
use crate::offline::harden::pretty;
use crate::policy::Settings;
use crate::provision::{CheckedTeam, Plan, plan};

/// Plans each team with a CA of its folder, or a fresh one.
pub(super) fn plans(
    teams: &[CheckedTeam],
    shared: &SharedArguments,
    settings: &Settings,
    keep: Keep,
) -> anyhow::Result<Vec<Plan>> {
    let arguments = &shared.certificates;
    let plans = teams.iter().map(|team| {
        let of_team = || format!("the team \"{}\"", team.team);
        let issuance = issue(
            team,
            None,
            FoundCertificates::default(),
            Course::Keep,
            arguments,
        )
        .with_context(of_team)?;
        if keep == Keep::Files {
            issuance.keep(&team.team, arguments, Course::Keep)?;
        }
        let certificates = issuance.certificates;
        if let (Some(folder), Keep::Files) = (&arguments.bundle_dir, keep) {
            bundles::write_all(folder, team, &certificates, arguments.force)?;
        }
        let plan = plan(team, &certificates, arguments.ca_dir.is_none(), settings);
        plan.with_context(of_team)
    });
    plans.collect()
}

/// Whether what is made is kept in folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// A new CA and the bundles go where the options say.
    Files,
    /// Nothing is written.
    Nothing,
}

/// Prints all objects.
pub(super) fn print(plans: &[Plan], format: Output) -> anyhow::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    let objects = plans.iter().flat_map(Plan::objects);
    match format {
        Output::Yaml => {
            for object in objects {
                write!(out, "---\n{}", to_yaml(&created(object)))?;
            }
        }
        Output::Json => {
            let items: Vec<Value> = objects.map(created).collect();
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
            out.write_all(pretty(&list)?.as_bytes())?;
        }
    }
    out.flush()?;
    drop(out);
    let mut told = io::stderr().lock();
    for line in plans.iter().filter_map(|plan| plan.init_line.as_ref()) {
        writeln!(told, "then: {line}")?;
    }
    writeln!(told, "the output holds private keys: keep it from others")?;
    Ok(Exit::Clean)
}

/// Names all objects.
pub(super) fn name(plans: &[Plan]) -> anyhow::Result<Exit> {
    let mut out = BufWriter::new(io::stdout().lock());
    for plan in plans {
        for planned in plan.stages.iter().flat_map(|stage| &stage.objects) {
            writeln!(out, "{planned}")?;
        }
        if let Some(line) = &plan.init_line {
            writeln!(out, "then: {line}")?;
        }
    }
    out.flush()?;
    Ok(Exit::Clean)
}
