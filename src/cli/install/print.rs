//! Prints objects for other tools to apply.

use std::io::{self, Write as _};

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::manifest::to_yaml;

/// How objects are printed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// YAML documents, for `kubectl apply -f -`
    Yaml,
    /// A JSON List
    Json,
}

/// Prints objects.
pub(super) fn print(format: Format, objects: &[Value]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Json => {
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
            writeln!(out, "{}", serde_json::to_string_pretty(&list)?)?;
        }
        Format::Yaml => {
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    writeln!(out, "---")?;
                }
                write!(out, "{}", to_yaml(object))?;
            }
        }
    }
    Ok(())
}
