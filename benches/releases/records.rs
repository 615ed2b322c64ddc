//! The records that are listed, moved and migrated: of one recorded release, made larger by what does not compress.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tiller_guard::releases::hapi::Release;
use tiller_guard::releases::{decode, encode};

/// Releases, and revisions of each.
pub(crate) const RELEASES: usize = 1_000;
pub(crate) const REVISIONS: usize = 10;
pub(crate) const RECORDS: usize = RELEASES * REVISIONS;
/// Characters of two in one byte each, so that a record has 20 KB.
const NOISE: usize = 24_000;

/// Makes records that differ from one another.
pub(crate) struct Records {
    release: Release,
    state: u64,
}

// === impl Records ===

impl Records {
    pub(crate) fn new() -> Result<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/releases/2.17.0-configmap-k8s1.20/plain.json");
        let recording: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let text = recording.pointer("/records/0/data/release");
        let text = text.and_then(Value::as_str).context("no record")?;
        Ok(Self {
            release: decode(text.as_bytes())?,
            state: 0x9e37_79b9_7f4a_7c15,
        })
    }

    /// A ConfigMap as Tiller makes it.
    pub(crate) fn config_map(&mut self, release: usize, revision: usize) -> Result<Value> {
        let name = format!("release-{release}");
        let is_last = revision == REVISIONS;
        let mut noise = String::with_capacity(NOISE + 16);
        while noise.len() < NOISE {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            write!(noise, "{:016x}", self.state)?;
        }
        let mut of_it = self.release.clone();
        of_it.name.clone_from(&name);
        of_it.version = i32::try_from(revision)?;
        "bench".clone_into(&mut of_it.namespace);
        of_it
            .info
            .get_or_insert_default()
            .status
            .get_or_insert_default()
            .code = if is_last { 1 } else { 3 };
        of_it.config.get_or_insert_default().raw = format!("noise: {noise}\n").into();
        Ok(json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": format!("{name}.v{revision}"),
                "labels": {
                    "OWNER": "TILLER",
                    "NAME": name,
                    "STATUS": if is_last { "DEPLOYED" } else { "SUPERSEDED" },
                    "VERSION": revision.to_string(),
                    "MODIFIED_AT": "1600000000",
                },
            },
            "data": { "release": encode(&of_it)? },
        }))
    }
}
