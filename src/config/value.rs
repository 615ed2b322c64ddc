//! The values of a policy file.

use super::reader::{one_of, quoted};
use crate::manifest::DUPLICATE_KEY;
use crate::policy::{
    Injector, Mode, ObjectKind, Rule, RunAsUser, Settings, Severity, WorkloadKind,
    connection_rules, custody_rules, exposure_rules, mode_rules, rbac_rules, rules, workload_rules,
};
use crate::tiller::{ImageReference, Version};

/// Kubernetes' own groups that hold only people.
const PEOPLE: [&str; 2] = ["system:masters", "system:cluster-admins"];
/// Kubernetes' own groups that hold every user, or every service account.
const EVERYBODY: [&str; 3] = [
    "system:authenticated",
    "system:unauthenticated",
    "system:serviceaccounts",
];

/// Reads the oldest version that may run: `2.16.12` or `v2.16.12`.
pub fn version_floor(text: &str) -> Result<Version, String> {
    let oldest = Settings::default().version_floor;
    match version(text) {
        Ok(version) if version < oldest => Err(format!(
            "Tiller before {oldest} cannot be hardened; write that version or a newer one"
        )),
        other => other,
    }
}

/// Reads a version of Tiller: `2.16.12` or `v2.16.12`.
pub fn tiller_version(text: &str) -> Result<Version, String> {
    version(text)
}

/// Reads a version of Tiller.
pub(super) fn version(text: &str) -> Result<Version, String> {
    let number = text.strip_prefix('v').unwrap_or(text);
    number.parse().map_err(|_| {
        format!(
            "\"{}\" is not a version of Tiller; write one such as 2.16.12",
            quoted(text)
        )
    })
}

pub(super) fn mode(text: &str) -> Result<Mode, String> {
    let names = Mode::ALL.map(Mode::as_str);
    Mode::find(text).ok_or_else(|| unknown("mode", text, &names))
}

pub(super) fn run_as_user(text: &str) -> Result<RunAsUser, String> {
    let names = RunAsUser::ALL.map(RunAsUser::as_str);
    let mut all = RunAsUser::ALL.into_iter();
    all.find(|it| it.as_str() == text)
        .ok_or_else(|| unknown("user", text, &names))
}

pub(super) fn injector(text: &str) -> Result<Injector, String> {
    let names = Injector::ALL.map(Injector::as_str);
    let mut all = Injector::ALL.into_iter();
    all.find(|it| it.as_str() == text)
        .ok_or_else(|| unknown("injector", text, &names))
}

pub(super) fn severity(text: &str) -> Result<Severity, String> {
    let names = Severity::ALL.map(Severity::as_str);
    Severity::find(text).ok_or_else(|| unknown("severity", text, &names))
}

/// A kind that an exception can name.
pub(super) fn kind(text: &str) -> Result<ObjectKind, String> {
    let names: Vec<_> = ObjectKind::named().map(ObjectKind::as_str).collect();
    ObjectKind::named()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| unknown("kind", text, &names))
}

/// A kind that carries a pod.
pub(super) fn workload(text: &str) -> Result<WorkloadKind, String> {
    let names = WorkloadKind::ALL.map(WorkloadKind::as_str);
    let mut kinds = WorkloadKind::ALL.into_iter();
    kinds
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| unknown("kind", text, &names))
}

/// A rule that an exception can name.
pub(super) fn rule(id: &str) -> Result<&'static Rule, String> {
    let found = rules_to_except().find(|rule| rule.id == id);
    found.ok_or_else(|| {
        if connection_rules().any(|rule| rule.id == id) {
            format!("{id} judges connections, for which there are no exceptions; use access")
        } else if mode_rules().iter().any(|rule| rule.id == id) {
            format!("{id} comes from the mode; set another mode for the namespace under namespaces")
        } else {
            no_rule(id)
        }
    })
}

/// The rules that an exception can name.
pub(super) fn rules_to_except() -> impl Iterator<Item = &'static Rule> {
    workload_rules()
        .chain(rbac_rules())
        .chain(exposure_rules())
        .chain(custody_rules())
}

/// The name of a role or binding: any valid path segment.
pub(super) fn path_segment(text: &str) -> Result<String, String> {
    let good = !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '%', '*']);
    named("an object", text, good)
}

/// Any rule, also one that exceptions cannot name.
pub(super) fn any_rule(id: &str) -> Result<&'static Rule, String> {
    every_rule()
        .find(|rule| rule.id == id)
        .ok_or_else(|| no_rule(id))
}

pub(super) fn every_rule() -> impl Iterator<Item = &'static Rule> {
    rules().chain(mode_rules()).chain([&DUPLICATE_KEY])
}

fn no_rule(id: &str) -> String {
    format!(
        "there is no rule \"{}\"; `tiller-guard explain` lists all rules",
        quoted(id)
    )
}

/// The name of a namespace: an RFC 1123 label.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    named("a namespace", text, is_label(text))
}

/// The name of an object: an RFC 1123 subdomain.
pub(super) fn name(text: &str) -> Result<String, String> {
    let is_name = text.len() <= 253 && text.split('.').all(is_label);
    named("an object", text, is_name)
}

/// The name of a service account, or a prefix with `*` at the end.
pub(super) fn account_pattern(text: &str) -> Result<String, String> {
    let start = match text.strip_suffix('*') {
        Some(start) => start.strip_suffix(['-', '.']).unwrap_or(start),
        None => text,
    };
    if name(start).is_ok() {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not the name of a service account; write a name, or the beginning of names with a * at the end",
            quoted(text)
        ))
    }
}

/// The name of a `ClusterRole`.
pub(super) fn cluster_role(text: &str) -> Result<String, String> {
    let good = path_segment(text).is_ok();
    named("a ClusterRole", text, good)
}

fn named(what: &str, text: &str, good: bool) -> Result<String, String> {
    if good {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not the name of {what}; write it as in Kubernetes, without wildcards",
            quoted(text)
        ))
    }
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len())
        && text.bytes().all(inner)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The name of a variable, as Kubernetes takes it.
pub(super) fn variable(text: &str) -> Result<String, String> {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let starts = text.bytes().next().is_some_and(|it| !it.is_ascii_digit());
    if starts && text.bytes().all(inner) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not the name of a variable; write only the name, such as HTTPS_PROXY",
            quoted(text)
        ))
    }
}

/// Reads a repository of images: `ghcr.io/helm/tiller`, without tag and digest.
pub fn image_repository(text: &str) -> Result<String, String> {
    let image = image_or_repository(text)?;
    if image.tag.is_some() || image.digest.is_some() {
        return Err(format!(
            "\"{}\" has a tag or digest; write the repository only, and its version as --tiller-version",
            quoted(text)
        ));
    }
    Ok(text.to_owned())
}

/// Reads the image of a container, as a container runtime does: the repository is in lower case.
pub fn image(text: &str) -> Result<String, String> {
    let repository = image_or_repository(text)?.repository;
    let name = repository.rsplit('/').next().unwrap_or_default();
    if name.contains(|it: char| it.is_ascii_uppercase() || it == ':') {
        return Err(format!(
            "\"{}\" is not an image: write the name of the repository in lower case",
            quoted(text)
        ));
    }
    Ok(text.to_owned())
}

/// An image, or a repository of images.
pub(super) fn image_or_repository(text: &str) -> Result<ImageReference<'_>, String> {
    let ImageReference {
        repository,
        tag,
        digest,
    } = ImageReference::parse(text);
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
    let is_repository = !repository.is_empty()
        && repository.bytes().all(inner)
        && repository.split('/').all(|part| !part.is_empty());
    let is_tag = |tag: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        !tag.is_empty() && tag.bytes().all(inner)
    };
    let is_digest = |digest: &str| {
        digest.strip_prefix("sha256:").is_some_and(|hash| {
            hash.len() == 64
                && hash
                    .bytes()
                    .all(|it| it.is_ascii_hexdigit() && !it.is_ascii_uppercase())
        })
    };
    if is_repository && tag.is_none_or(is_tag) && digest.is_none_or(is_digest) {
        Ok(ImageReference::parse(text))
    } else {
        Err(format!(
            "\"{}\" is not an image; write a full reference such as ghcr.io/helm/tiller:v2.17.0, without wildcards",
            quoted(text)
        ))
    }
}

/// An image whose reference does not say its version of Tiller.
pub(super) fn silent_image(text: &str) -> Result<String, String> {
    let image = image_or_repository(text)?;
    if image.tag.is_none() && image.digest.is_none() {
        return Err(format!(
            "\"{}\" names a repository; name one image in it by its digest or tag",
            quoted(text)
        ));
    }
    match image.version().known() {
        Some(version) => Err(format!(
            "the tag already says version {version}; remove this entry"
        )),
        None => Ok(text.to_owned()),
    }
}

/// A user for break-glass: a person. Service accounts and Kubernetes' own components act for others, a Tiller for everyone
/// who reaches it.
pub(super) fn user(text: &str) -> Result<String, String> {
    if text == "system:admin" || !text.starts_with("system:") {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" is not a person; name the users who may use break-glass",
            quoted(text)
        ))
    }
}

/// A group for break-glass: of people.
pub(super) fn group(text: &str) -> Result<String, String> {
    if PEOPLE.contains(&text) || !text.starts_with("system:") {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "\"{}\" does not hold only administrators; name a group of people who may use break-glass, \
             or {}",
            quoted(text),
            one_of(&PEOPLE)
        ))
    }
}

/// Any user, a person or not.
pub fn any_user(text: &str) -> Result<String, String> {
    if text == "system:anonymous" {
        Err(
            "\"system:anonymous\" is everyone who has not logged in; name the users who are meant"
                .to_owned(),
        )
    } else {
        Ok(text.to_owned())
    }
}

/// A group, except those that hold nearly everybody.
pub(super) fn any_group(text: &str) -> Result<String, String> {
    if EVERYBODY.contains(&text) {
        Err(format!(
            "\"{text}\" holds nearly everybody; name a group of those who are meant"
        ))
    } else {
        Ok(text.to_owned())
    }
}

fn unknown(what: &str, text: &str, names: &[&str]) -> String {
    format!(
        "there is no {what} \"{}\"; use {}",
        quoted(text),
        one_of(names)
    )
}
