//! The sections of a policy file.

use super::expiry::expiry;
use super::not_tiller::not_tiller;
use super::problem::{Cause, Rejected};
use super::reader::{Field, PolicyReader, one_of, quoted};
use super::value;
use crate::manifest::Document;
use crate::policy::{
    Exception, ImageVersion, Modes, ObjectKind, People, Policy, Rule, Settings, Timestamp, looks_at,
};
use crate::tiller::ImageReference;

pub(super) const POLICY: [&str; 19] = [
    "apiVersion",
    "kind",
    "mode",
    "namespaces",
    "severities",
    "images",
    "versionFloor",
    "protectedNamespaces",
    "allowedEnvironment",
    "certificateSecret",
    "accounts",
    "requireTeam",
    "runAsUser",
    "injectors",
    "administrators",
    "access",
    "breakGlass",
    "exceptions",
    "notTillers",
];
pub(super) const NAMESPACE: [&str; 1] = ["mode"];
pub(super) const IMAGES: [&str; 2] = ["allowed", "versions"];
pub(super) const IMAGE_VERSION: [&str; 2] = ["image", "version"];
pub(super) const ACCOUNTS: [&str; 3] = ["patterns", "allowedClusterRoles", "commonClusterRoles"];
pub(super) const ACCESS: [&str; 2] = ["exec", "portForward"];
pub(super) const PEOPLE: [&str; 2] = ["users", "groups"];
pub(super) const EXCEPTION: [&str; 4] = ["rule", "object", "reason", "expires"];
pub(super) const OBJECT: [&str; 3] = ["kind", "namespace", "name"];
pub(super) const NOT_TILLER: [&str; 3] = ["image", "workload", "reason"];

const API_VERSION: &str = "tiller-guard.io/v1";
const KIND: &str = "Policy";

/// The policy of a document.
pub(super) fn policy(document: &Document, now: Timestamp) -> Result<Policy, Rejected> {
    let mut reader = PolicyReader::new(document);
    let value = document.value();
    let root = Field {
        value: &value,
        pointer: String::new(),
    };
    let policy = read(&mut reader, &root, now);
    if reader.problems.is_empty() {
        return Ok(policy);
    }
    let without_expired = reader.met_only(Cause::Expired).then(|| Box::new(policy));
    Err(Rejected {
        problems: reader.problems,
        without_expired,
    })
}

fn read(reader: &mut PolicyReader<'_>, root: &Field<'_>, now: Timestamp) -> Policy {
    let mut policy = Policy::default();
    let Some(section) = reader.section(root, &POLICY) else {
        return policy;
    };
    for (key, right) in [("apiVersion", API_VERSION), ("kind", KIND)] {
        if let Some(field) = section.wanted(key, reader) {
            reader.parsed(&field, |text| is(text, right));
        }
    }
    let Policy {
        settings,
        modes,
        break_glass,
    } = &mut policy;
    if let Some(field) = section.get("mode") {
        modes.default = reader.parsed(&field, value::mode).unwrap_or_default();
    }
    if let Some(field) = section.get("namespaces") {
        read_namespaces(reader, &field, modes);
    }
    if let Some(field) = section.get("severities") {
        read_severities(reader, &field, settings);
    }
    if let Some(field) = section.get("images") {
        read_images(reader, &field, settings);
    }
    if let Some(field) = section.get("versionFloor")
        && let Some(floor) = reader.parsed(&field, value::version_floor)
    {
        settings.version_floor = floor;
    }
    if let Some(field) = section.get("protectedNamespaces") {
        let added = names(reader, &field, value::namespace);
        settings.protected_namespaces.extend(added);
    }
    if let Some(field) = section.get("allowedEnvironment") {
        settings.allowed_environment = names(reader, &field, value::variable);
    }
    if let Some(field) = section.get("certificateSecret")
        && let Some(secret) = reader.parsed(&field, value::name)
    {
        settings.certificate_secret = secret;
    }
    if let Some(field) = section.get("accounts") {
        read_accounts(reader, &field, settings);
    }
    if let Some(field) = section.get("requireTeam") {
        settings.require_team = reader.truth(&field).unwrap_or_default();
    }
    if let Some(field) = section.get("runAsUser") {
        settings.run_as_user = reader
            .parsed(&field, value::run_as_user)
            .unwrap_or_default();
    }
    if let Some(field) = section.get("injectors") {
        let fields = reader.list(&field);
        let listed = fields
            .iter()
            .filter_map(|it| reader.parsed(it, value::injector));
        settings.injectors = listed.collect();
    }
    if let Some(field) = section.get("administrators") {
        let People { users, groups } =
            read_people(reader, &field, value::any_user, value::any_group);
        settings.administrators.users.extend(users);
        settings.administrators.groups.extend(groups);
    }
    if let Some(field) = section.get("access") {
        read_access(reader, &field, settings);
    }
    if let Some(field) = section.get("breakGlass") {
        *break_glass = read_people(reader, &field, value::user, value::group);
    }
    if let Some(field) = section.get("exceptions") {
        let exceptions = reader.list(&field);
        settings.exceptions = exceptions
            .iter()
            .filter_map(|field| read_exception(reader, field, now))
            .collect();
    }
    if let Some(field) = section.get("notTillers") {
        let entries = reader.list(&field);
        let read = entries
            .iter()
            .filter_map(|field| not_tiller(reader, field, settings));
        let not_tillers = read.collect();
        settings.not_tillers = not_tillers;
    }
    policy
}

pub(super) fn is(text: &str, right: &str) -> Result<(), String> {
    if text == right {
        Ok(())
    } else {
        Err(format!(
            "\"{}\" is not read here; write {right}",
            quoted(text)
        ))
    }
}

fn read_namespaces(reader: &mut PolicyReader<'_>, field: &Field<'_>, modes: &mut Modes) {
    for (key, field) in reader.entries(field) {
        match value::namespace(key) {
            Ok(name) => {
                let section = reader.section(&field, &NAMESPACE);
                let mode = section.and_then(|it| it.wanted("mode", reader));
                if let Some(mode) = mode.and_then(|it| reader.parsed(&it, value::mode)) {
                    modes.namespaces.insert(name, mode);
                }
            }
            Err(message) => reader.problem(Cause::Key, &field.pointer, message),
        }
    }
}

fn read_severities(reader: &mut PolicyReader<'_>, field: &Field<'_>, settings: &mut Settings) {
    for (key, field) in reader.entries(field) {
        match value::any_rule(key) {
            Ok(rule) => {
                if let Some(severity) = reader.parsed(&field, value::severity) {
                    settings.severities.insert(rule.id, severity);
                }
            }
            Err(message) => reader.problem(Cause::Key, &field.pointer, message),
        }
    }
}

fn read_images(reader: &mut PolicyReader<'_>, field: &Field<'_>, settings: &mut Settings) {
    let Some(section) = reader.section(field, &IMAGES) else {
        return;
    };
    if let Some(field) = section.get("allowed") {
        let allowed = reader.list(&field);
        if allowed.is_empty() && field.value.is_array() {
            let message = "no image is allowed; list some, or set mode: forbid to allow no Tiller";
            reader.bad(&field, message);
        }
        settings.allowed_repositories.clear();
        for field in allowed {
            match reader.parsed(&field, value::image_or_repository) {
                Some(ImageReference {
                    repository,
                    tag: None,
                    digest: None,
                }) => settings.allowed_repositories.push(repository.to_owned()),
                Some(image) => settings.allowed_images.push(image.to_string()),
                None => {}
            }
        }
    }
    if let Some(field) = section.get("versions") {
        for field in reader.list(&field) {
            let Some(section) = reader.section(&field, &IMAGE_VERSION) else {
                continue;
            };
            let image = section.wanted("image", reader);
            let image = image.and_then(|it| reader.parsed(&it, value::silent_image));
            let version = section.wanted("version", reader);
            let version = version.and_then(|it| reader.parsed(&it, value::version));
            if let (Some(image), Some(version)) = (image, version) {
                settings
                    .image_versions
                    .push(ImageVersion { image, version });
            }
        }
    }
}

fn read_accounts(reader: &mut PolicyReader<'_>, field: &Field<'_>, settings: &mut Settings) {
    let Some(section) = reader.section(field, &ACCOUNTS) else {
        return;
    };
    if let Some(field) = section.get("patterns") {
        let added = names(reader, &field, value::account_pattern);
        settings.account_patterns.extend(added);
    }
    if let Some(field) = section.get("allowedClusterRoles") {
        settings.allowed_cluster_roles = names(reader, &field, value::cluster_role);
    }
    if let Some(field) = section.get("commonClusterRoles") {
        settings.common_cluster_roles = names(reader, &field, value::cluster_role);
    }
}

fn read_access(reader: &mut PolicyReader<'_>, field: &Field<'_>, settings: &mut Settings) {
    let Some(section) = reader.section(field, &ACCESS) else {
        return;
    };
    let mut people = |key| {
        let field = section.get(key);
        field.map(|field| read_people(reader, &field, value::any_user, value::any_group))
    };
    settings.exec = people("exec").unwrap_or_default();
    settings.port_forward = people("portForward").unwrap_or_default();
}

fn read_people(
    reader: &mut PolicyReader<'_>,
    field: &Field<'_>,
    user: fn(&str) -> Result<String, String>,
    group: fn(&str) -> Result<String, String>,
) -> People {
    let mut people = People::default();
    if let Some(section) = reader.section(field, &PEOPLE) {
        if let Some(field) = section.get("users") {
            people.users = names(reader, &field, user);
        }
        if let Some(field) = section.get("groups") {
            people.groups = names(reader, &field, group);
        }
    }
    people
}

fn read_exception(
    reader: &mut PolicyReader<'_>,
    field: &Field<'_>,
    now: Timestamp,
) -> Option<Exception> {
    let section = reader.section(field, &EXCEPTION)?;
    let rule = section.wanted("rule", reader);
    let rule = rule.and_then(|it| reader.parsed(&it, value::rule));
    let object = section.wanted("object", reader);
    let object = object.and_then(|it| read_object(reader, &it, rule));
    let reason = section.wanted("reason", reader);
    let reason = reason.and_then(|it| reader.text(&it));
    let field = section.wanted("expires", reader)?;
    let expires = reader.parsed(&field, expiry)?;
    let (kind, namespace, name) = object?;
    let exception = Exception {
        rule: rule?,
        kind,
        namespace,
        name,
        reason: reason?.to_owned(),
        expires,
    };
    if expires > now {
        return Some(exception);
    }
    let message = "this exception has expired; remove it, or set a new date";
    reader.problem(Cause::Expired, &field.pointer, message.to_owned());
    None
}

/// The kind, namespace and name of the object that an exception is for.
fn read_object(
    reader: &mut PolicyReader<'_>,
    field: &Field<'_>,
    rule: Option<&Rule>,
) -> Option<(ObjectKind, String, String)> {
    let section = reader.section(field, &OBJECT)?;
    let kind_field = section.wanted("kind", reader);
    let kind = kind_field
        .as_ref()
        .and_then(|it| reader.parsed(it, value::kind));
    let namespace = match (kind, section.get("namespace")) {
        (Some(kind), Some(field)) if !kind.has_namespace() => {
            let message = format!("a {} has no namespace; remove this key", kind.as_str());
            reader.bad(&field, message);
            None
        }
        (Some(kind), None) if !kind.has_namespace() => Some(String::new()),
        _ => section
            .wanted("namespace", reader)
            .and_then(|it| reader.parsed(&it, value::namespace)),
    };
    let in_path = matches!(kind, Some(ObjectKind::Rbac(_)));
    let read = if in_path {
        value::path_segment
    } else {
        value::name
    };
    let name = section.wanted("name", reader);
    let name = name.and_then(|it| reader.parsed(&it, read));
    if let (Some(rule), Some(kind), Some(field)) = (rule, kind, kind_field)
        && !looks_at(rule, kind)
    {
        let judged = ObjectKind::named().filter(|kind| looks_at(rule, *kind));
        let judged: Vec<_> = judged.map(ObjectKind::as_str).collect();
        let message = format!(
            "{} does not look at a {}; name a {}",
            rule.id,
            kind.as_str(),
            one_of(&judged)
        );
        reader.bad(&field, message);
        return None;
    }
    Some((kind?, namespace?, name?))
}

fn names(
    reader: &mut PolicyReader<'_>,
    field: &Field<'_>,
    parse: fn(&str) -> Result<String, String>,
) -> Vec<String> {
    let fields = reader.list(field);
    fields
        .iter()
        .filter_map(|field| reader.parsed(field, parse))
        .collect()
}
