//! What is shown of teams, for people and for programs.

use std::io::{self, BufWriter, Write as _};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::super::Exit;
use super::arguments::{PlaceArguments, SharedArguments};
use super::session::{About, Failure, Session, in_cluster};
use crate::cluster::apply::Effect;
use crate::cluster::team::Registered;
use crate::offline::harden::pretty;
use crate::provision::team_name;

/// Which teams, and how they are shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ShowArguments {
    /// Teams to show; all if none is named
    #[arg(value_name = "TEAM", value_parser = team_name)]
    teams: Vec<String>,

    #[command(flatten)]
    output: OutputArgument,

    #[command(flatten)]
    place: PlaceArguments,
}

/// How all teams are shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListArguments {
    #[command(flatten)]
    output: OutputArgument,

    #[command(flatten)]
    place: PlaceArguments,
}

#[derive(Debug, Clone, Copy, Args)]
struct OutputArgument {
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Text for people
    Text,
    /// JSON for programs
    Json,
}

/// What is shown of one thing.
pub(super) struct Shown {
    /// For programs.
    pub(super) value: Value,
    /// For people: the cells of a table's row, or lines.
    pub(super) text: Vec<String>,
}

/// How people see it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Layout {
    /// As a table with these headings.
    Table(&'static [&'static str]),
    /// Line by line.
    Lines,
}

// === impl ListArguments ===

impl From<ListArguments> for ShowArguments {
    fn from(arguments: ListArguments) -> Self {
        let ListArguments { output, place } = arguments;
        Self {
            teams: Vec::new(),
            output,
            place,
        }
    }
}

/// Shows something of each team that is meant. Where that cannot be told of one, it is of the others.
pub(super) fn each(
    arguments: ShowArguments,
    layout: Layout,
    mut show: impl AsyncFnMut(&Session<'_>, &Registered) -> Result<Vec<Shown>, Failure>,
) -> anyhow::Result<Exit> {
    let ShowArguments {
        teams,
        output,
        place,
    } = arguments;
    let shared = SharedArguments::from(place);
    let about = match teams.as_slice() {
        [team] => About::One(team),
        _ => About::Certificates,
    };
    in_cluster(&shared, Effect::Look, about, async |session| {
        let (mut shown, mut exit) = (Vec::new(), Exit::Clean);
        for team in half_made(session, &teams) {
            shown.extend(half(session, &team, layout));
        }
        if shown.is_empty() && session.registered.is_empty() && teams.is_empty() {
            let namespace = &session.shared.place.guard_namespace;
            let text = format!(
                "there are no teams in {namespace}: `tiller-guard provision TEAM` makes one"
            );
            session.progress.note(text)?;
        }
        for team in wanted(session, &teams)? {
            match show(session, team).await {
                Ok(of_team) => shown.extend(of_team),
                Err(error) => exit = session.end(&team.team.name, Err(error), exit)?,
            }
        }
        print(shown, layout, output.output)?;
        Ok(exit)
    })
}

/// The teams that are meant and have a CA or bundles, and are not registered: `provision` was interrupted.
fn half_made(session: &Session<'_>, names: &[String]) -> Vec<String> {
    let teams = session.stock.teams().into_iter();
    let meant = teams.filter(|team| names.is_empty() || names.contains(team));
    meant
        .filter(|team| session.registered(team).is_none())
        .collect()
}

/// What is shown of such a team, as lines.
fn half(session: &Session<'_>, team: &str, layout: Layout) -> Option<Shown> {
    let missing = format!("ConfigMap {}/{team}", session.shared.place.guard_namespace);
    let Layout::Lines = layout else { return None };
    Some(Shown {
        text: vec![
            team.to_owned(),
            format!(
                "  incomplete    {missing} is missing: provision was interrupted. Run it again with the same options"
            ),
        ],
        value: json!({ "team": team, "provisioned": false, "missing": [missing] }),
    })
}

/// The registered teams that are meant.
fn wanted<'s>(session: &'s Session<'_>, names: &[String]) -> anyhow::Result<Vec<&'s Registered>> {
    if names.is_empty() {
        return Ok(session.registered.iter().collect());
    }
    let half = half_made(session, names);
    let names = names.iter().filter(|name| !half.contains(name));
    let find = |name: &String| {
        session
            .registered(name)
            .with_context(|| session.no_team(name))
    };
    names.map(find).collect()
}

fn print(shown: Vec<Shown>, layout: Layout, format: Format) -> anyhow::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match (format, layout) {
        (Format::Json, _) => {
            let values: Value = shown.into_iter().map(|it| it.value).collect();
            out.write_all(pretty(&values)?.as_bytes())?;
        }
        (Format::Text, Layout::Table(headings)) => {
            let headings = headings.iter().map(ToString::to_string).collect();
            let rows = shown.into_iter().map(|it| it.text);
            let rows: Vec<_> = std::iter::once(headings).chain(rows).collect();
            for line in table(&rows) {
                writeln!(out, "{line}")?;
            }
        }
        (Format::Text, Layout::Lines) => {
            for line in shown.iter().flat_map(|it| &it.text) {
                writeln!(out, "{line}")?;
            }
        }
    }
    out.flush()?;
    Ok(())
}

/// Rows as lines, each column as wide as its widest cell.
fn table(rows: &[Vec<String>]) -> Vec<String> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (cell, width) in row.iter().zip(&mut widths) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<_> = cells
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(ToOwned::to_owned).to_vec();
        let rows = [
            row(["TEAM", "OF", "DAYS"]),
            row(["a", "Größe", ""]),
            row(["b", "", "7"]),
        ];
        assert_eq!(
            table(&rows),
            ["TEAM  OF     DAYS", "a     Größe", "b            7"]
        );
    }
}
