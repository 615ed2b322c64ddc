//! What a manifest says and what its Tiller does, case by case.

mod environments;
mod flags;
mod images;
mod launches;
mod lines;
mod programs;
mod properties;
mod recognition;
mod recordings;
mod starters;
mod starts;
mod vectors;

use super::{ClientVerification, Setting, Start, Storage, Surroundings, Tiller};
use crate::pod::{Container, EnvVar, Text};

/// A container of a version's image with words and environment.
fn container(
    version: &str,
    command: &[&'static str],
    args: &[&str],
    env: &[(&str, &str)],
) -> Container<'static> {
    let text = |text: &str| Text::from(text.to_owned());
    Container {
        image: format!("ghcr.io/helm/tiller:v{version}").into(),
        command: command.iter().copied().map(Text::from).collect(),
        args: args.iter().copied().map(text).collect(),
        env: env
            .iter()
            .map(|(name, value)| EnvVar {
                name: text(name),
                value: text(value),
                value_from: None,
            })
            .collect(),
        ..Container::default()
    }
}

/// A container in the namespace `team-a`, read.
fn read<'a>(container: &'a Container<'a>) -> Tiller<'a> {
    Tiller::read(
        container,
        Surroundings {
            namespace: Some("team-a"),
            version: None,
        },
    )
}

/// The exit code and what is printed, of a Tiller that exits.
fn exit<'t>(tiller: &'t Tiller<'_>) -> Option<(u8, &'t str)> {
    match tiller.start.known() {
        Some(Start::Exits { code, reason }) => Some((*code, reason)),
        _ => None,
    }
}

/// What the tables of this folder tell of a Tiller: `SERVES listen storage tls verify`, or
/// `exit CODE REASON`, or `unknown: REASON`.
fn summary(tiller: &Tiller<'_>) -> String {
    if let Setting::Unknown(reason) = &tiller.start {
        return format!("unknown: {reason}");
    }
    if let Some((code, reason)) = exit(tiller) {
        return format!("exit {code} {reason}");
    }
    let effective = &tiller.effective;
    let storage = match effective.storage.known() {
        Some(Storage::ConfigMap) => "configmap",
        Some(Storage::Secret) => "secret",
        Some(Storage::Memory) => "memory",
        Some(Storage::Sql) => "sql",
        None => "unknown",
    };
    let tls = match effective.tls.enabled.known() {
        Some(true) => "on",
        Some(false) => "off",
        None => "unknown",
    };
    let verify = match effective.tls.verify.known() {
        Some(ClientVerification::Required) => "required",
        Some(ClientVerification::IfGiven) => "if-given",
        Some(ClientVerification::Off) => "off",
        None => "unknown",
    };
    let listen = effective.listen.known().map_or("unknown", |to| to.as_ref());
    format!("serves {listen} {storage} {tls} {verify}")
}
