//! Releases as a table.

use std::io::{self, Write};

use crate::releases::{Aside, Listing, Problem, Row};
use crate::report::OneLine as _;

/// Between two columns.
const GAP: usize = 3;

/// Writes the releases, and below them what is wrong.
pub(super) fn write(listing: &Listing, wide: bool, out: &mut impl Write) -> io::Result<()> {
    if listing.releases.is_empty() {
        writeln!(out, "No releases found")?;
    } else {
        let mut head = vec![
            "NAME",
            "REVISION",
            "STATUS",
            "CHART",
            "APP VERSION",
            "NAMESPACE",
            "UPDATED",
            "STORAGE",
            "TILLER NAMESPACE",
        ];
        if wide {
            head.extend(["SIZE", "PROBLEMS"]);
        }
        let head = head.into_iter().map(ToOwned::to_owned).collect();
        let rows = listing.releases.iter().map(|release| cells(release, wide));
        write_columns(std::iter::once(head).chain(rows).collect(), out)?;
    }
    for aside in &listing.set_aside {
        writeln!(out, "\n{}", told(aside).one_line())?;
    }
    for problem in &listing.problems {
        let Problem {
            problem,
            message,
            remedy,
            ..
        } = problem;
        writeln!(out, "\n{}: {}", problem.as_str(), message.one_line())?;
        writeln!(out, "  {}", remedy.one_line())?;
    }
    Ok(())
}

fn told(aside: &Aside) -> String {
    let Aside {
        name,
        tiller_namespace,
        storage,
        records,
        by,
    } = aside;
    let count = match records {
        1 => "1 record".to_owned(),
        records => format!("{records} records"),
    };
    let whose = format!(
        "set aside: {count} of {name} in {} of {tiller_namespace}",
        storage.as_str()
    );
    if *by == "migrate" {
        format!(
            "{whose}, since Helm 3 has it; tiller-guard releases restore {name} -n {tiller_namespace} gives it back to Tiller"
        )
    } else {
        format!("{whose}, since {} has a copy", storage.other().as_str())
    }
}

fn cells(release: &Row, wide: bool) -> Vec<String> {
    let mut cells = vec![
        release.name.clone(),
        release.revision.to_string(),
        release.status.to_owned(),
        format!("{}-{}", release.chart, release.chart_version),
        release.app_version.clone(),
        release.namespace.clone(),
        release.updated.clone().unwrap_or_default(),
        release.storage.as_str().to_owned(),
        release.tiller_namespace.clone(),
    ];
    if wide {
        let problems: Vec<_> = release.problems.iter().map(|it| it.as_str()).collect();
        cells.extend([release.size.to_string(), problems.join(",")]);
    }
    cells.iter().map(|cell| cell.one_line()).collect()
}

fn write_columns(rows: Vec<Vec<String>>, out: &mut impl Write) -> io::Result<()> {
    let mut widths: Vec<usize> = Vec::new();
    for row in &rows {
        widths.resize(row.len(), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count() + GAP);
        }
    }
    for row in rows {
        let cells = row.iter().zip(&widths);
        let padded = cells.map(|(cell, width)| format!("{cell:width$}"));
        let line = padded.collect::<Vec<_>>().concat();
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}
