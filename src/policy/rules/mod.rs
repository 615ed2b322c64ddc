//! The rules, one file each, named as the rule is named in every finding.

mod certificate_mount;
mod certificate_paths;
mod client_not_verified;
mod environment;
mod experimental_release;
mod extra_commands;
mod extra_containers;
mod host_access;
mod image_repository;
mod launch_spelling;
mod launch_unreadable;
mod listen_address;
mod protected_namespace;
mod release_storage;
mod security_context;
mod service_account;
mod tiller_namespace;
mod tls_disabled;
mod tls_environment;
mod tracing;
mod version_floor;
mod volume_mounts;

use super::Rule;
pub(super) use certificate_mount::is_readable;

/// Every rule, in the order of its findings: first what only a person can mend, then what hardening does.
pub static RULES: [&Rule; 22] = [
    &protected_namespace::RULE,
    &service_account::RULE,
    &image_repository::RULE,
    &version_floor::RULE,
    &launch_unreadable::RULE,
    &tiller_namespace::RULE,
    &environment::RULE,
    &certificate_mount::RULE,
    &volume_mounts::RULE,
    &host_access::RULE,
    &extra_containers::RULE,
    &extra_commands::RULE,
    &release_storage::RULE,
    &tls_disabled::RULE,
    &client_not_verified::RULE,
    &certificate_paths::RULE,
    &tls_environment::RULE,
    &listen_address::RULE,
    &tracing::RULE,
    &experimental_release::RULE,
    &launch_spelling::RULE,
    &security_context::RULE,
];
