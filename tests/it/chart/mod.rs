//! The chart: linted and rendered by Helm's engine, and held to what `install` makes.

mod functions;
pub(crate) mod helm;
mod same;

use std::path::Path;

pub(crate) use helm::rendered;

/// The folder of the chart.
pub(crate) fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/tiller-guard")
}
