//! A release, as Helm 3 records it.

use serde_json::Value;

use super::error::ConvertError;
use super::hook::hooks;
use super::text::text;
use super::{chart, values};
use crate::releases::hapi::{self, Release};
use crate::releases::moment::rfc3339;
use crate::releases::show::object;
use crate::releases::status::Status;

/// A release as Helm 3 records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// The record.
    pub release: Value,
    /// What is not as it was, in a sentence each.
    pub remarks: Vec<String>,
}

/// Makes a record of Helm 3 of a release.
pub fn convert(release: &Release, keep_subcharts: bool) -> Result<Converted, ConvertError> {
    if release.namespace.is_empty() {
        return Err(ConvertError::NoNamespace);
    }
    if !is_namespace(&release.namespace) {
        return Err(ConvertError::BadNamespace(release.namespace.clone()));
    }
    let mut remarks = Vec::new();
    let config = values::read(&release.config, "given", &mut remarks)?;
    let chart = chart::chart(&release.chart, keep_subcharts, &mut remarks)?;
    let hooks = hooks(release, &mut remarks);
    let own = text(&release.manifest, "manifest", &mut remarks);
    let converted = object([
        ("name", Some(release.name.as_str().into())),
        ("info", Some(info(&release.info, &mut remarks))),
        ("chart", Some(chart)),
        (
            "config",
            config.filter(|it| it.as_object().is_some_and(|map| !map.is_empty())),
        ),
        ("manifest", Some(own.into())),
        ("hooks", (!hooks.is_empty()).then(|| hooks.into())),
        ("version", Some(release.version.into())),
        ("namespace", Some(release.namespace.as_str().into())),
    ]);
    Ok(Converted {
        release: converted,
        remarks,
    })
}

/// Whether a namespace may have this name: a label of DNS.
fn is_namespace(name: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|it| it != b'-');
    let is_part = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    name.len() <= 63
        && name.bytes().all(is_part)
        && is_end(name.bytes().next())
        && is_end(name.bytes().last())
}

fn info(info: &hapi::Info, remarks: &mut Vec<String>) -> Value {
    let time = |time: Option<&hapi::Timestamp>| Some(rfc3339(time).unwrap_or_default().into());
    let notes = text(&info.status.notes, "notes", remarks);
    object([
        ("first_deployed", time(info.first_deployed.as_option())),
        ("last_deployed", time(info.last_deployed.as_option())),
        ("deleted", time(info.deleted.as_option())),
        (
            "description",
            Some(text(&info.description, "description", remarks).into()),
        ),
        (
            "status",
            Some(Status::of(info.status.code).in_helm3().into()),
        ),
        ("notes", (!notes.is_empty()).then(|| notes.into())),
    ])
}
