//! The rules, one file each, named as the rule is named in every finding.

mod account_rights;
mod account_token;
mod binding_scope;
mod borrowed_account;
mod certificate_authority;
mod certificate_mount;
mod certificate_paths;
mod certificate_secret;
mod client_not_verified;
mod confinement;
mod endpoints_by_hand;
mod environment;
mod experimental_release;
mod extra_commands;
mod extra_containers;
mod host_access;
mod image_repository;
mod injector;
mod launch_spelling;
mod launch_unreadable;
mod listen_address;
mod protected_namespace;
mod release_record;
mod release_storage;
mod rights_unknown;
mod role_aggregated;
mod role_rights;
mod route_exposed;
mod second_tiller;
mod security_context;
mod service_account;
mod service_account_alias;
mod service_exposed;
mod storage_switch;
mod team_required;
mod tiller_exec;
mod tiller_namespace;
mod tiller_portforward;
mod tls_disabled;
mod tls_environment;
mod tracing;
mod trusted_authority;
mod verbose_logging;
mod version_floor;
mod volume_mounts;

use super::case::{Case, ConnectionCase, CustodyCase, Findings, TillerContainer};
use super::exposure::ExposureObject;
use super::finding::Rule;
use super::object_kind::ObjectKind;
use super::rights::RbacCase;

/// How a rule looks at a workload.
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    /// Once for the whole pod.
    Pod(for<'a> fn(&Case<'a>, &mut Findings<'a>)),
    /// Once for the pod's lists of containers, also where no more of it is shown.
    Lists(for<'a> fn(&Case<'a>, &mut Findings<'a>)),
    /// Once for each container that is taken for a Tiller.
    Tiller(for<'a> fn(&Case<'a>, &TillerContainer<'a>, &mut Findings<'a>)),
    /// Once for each Tiller whose command line can be read and written anew.
    Launch(for<'a> fn(&TillerContainer<'a>, &mut Findings<'a>)),
}

/// How a rule looks at an object that gives rights.
type RbacCheck = fn(&RbacCase<'_>, &mut Findings<'_>);

/// How a rule looks at an object that opens a port.
type ExposureCheck = fn(&ExposureObject<'_>, &mut Findings<'_>);

/// How a rule looks at an object that holds something of a Tiller's.
type CustodyCheck = fn(&CustodyCase<'_>, &mut Findings<'_>);

/// How a rule looks at a connection that leads to a Tiller.
type ConnectionCheck = fn(&ConnectionCase<'_>, &mut Findings<'_>);

/// Every rule: those for workloads, for roles and bindings, for Services, their addresses and routes, for tokens and
/// Secrets, and for connections.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    workload_rules()
        .chain(rbac_rules())
        .chain(exposure_rules())
        .chain(custody_rules())
        .chain(connection_rules())
}

/// The rules for workloads, in the order of their findings: first what only a person can mend, then what
/// hardening does.
pub fn workload_rules() -> impl Iterator<Item = &'static Rule> {
    let checks = CHECKS.iter().map(|(rule, _)| *rule);
    checks.chain([&borrowed_account::RULE])
}

/// The rules for roles and bindings, in the order of their findings.
pub fn rbac_rules() -> impl Iterator<Item = &'static Rule> {
    RBAC_CHECKS.iter().map(|(rule, _)| *rule)
}

/// The rules for Services, their addresses and routes, in the order of their findings.
pub fn exposure_rules() -> impl Iterator<Item = &'static Rule> {
    EXPOSURE_CHECKS.iter().map(|(rule, _)| *rule)
}

/// The rules for tokens, Secrets and releases, in the order of their findings.
pub fn custody_rules() -> impl Iterator<Item = &'static Rule> {
    CUSTODY_CHECKS.iter().map(|(rule, _)| *rule)
}

/// The rules for connections, in the order of their findings.
pub fn connection_rules() -> impl Iterator<Item = &'static Rule> {
    CONNECTION_CHECKS.iter().map(|(rule, _)| *rule)
}

/// Whether this rule looks at objects of this kind.
pub fn looks_at(rule: &Rule, kind: ObjectKind) -> bool {
    match kind {
        ObjectKind::Workload(_) => workload_rules().any(|it| it == rule),
        ObjectKind::Rbac(_) => rbac_rules().any(|it| it == rule),
        ObjectKind::Exposure(_) => exposure_rules().any(|it| it == rule),
        ObjectKind::Custody(_) => custody_rules().any(|it| it == rule),
        ObjectKind::Connection(_) => connection_rules().any(|it| it == rule),
    }
}

/// The rules for roles and bindings with what they look at.
#[rustfmt::skip]
pub(super) static RBAC_CHECKS: [(&Rule, RbacCheck); 4] = [
    (&binding_scope::RULE, binding_scope::check),
    (&role_rights::RULE, role_rights::check),
    (&role_aggregated::RULE, role_aggregated::check),
    (&rights_unknown::RULE, rights_unknown::check),
];

/// The rules for Services, their addresses and routes with what they look at.
pub(super) static EXPOSURE_CHECKS: [(&Rule, ExposureCheck); 3] = [
    (&service_exposed::RULE, service_exposed::check),
    (&endpoints_by_hand::RULE, endpoints_by_hand::check),
    (&route_exposed::RULE, route_exposed::check),
];

/// The rules for tokens, Secrets and releases with what they look at.
pub(super) static CUSTODY_CHECKS: [(&Rule, CustodyCheck); 4] = [
    (&account_token::RULE, account_token::check),
    (&certificate_secret::RULE, certificate_secret::check),
    (&certificate_authority::RULE, certificate_authority::check),
    (&release_record::RULE, release_record::check),
];

/// The rules for connections with what they look at.
pub(super) static CONNECTION_CHECKS: [(&Rule, ConnectionCheck); 2] = [
    (&tiller_exec::RULE, tiller_exec::check),
    (&tiller_portforward::RULE, tiller_portforward::check),
];

/// The rule for pods without a Tiller, with what it looks at.
pub(super) static BORROWED_ACCOUNT: (&Rule, for<'a> fn(&Case<'a>, &mut Findings<'a>)) =
    (&borrowed_account::RULE, borrowed_account::check);

/// The rules for Tillers with what they look at.
#[rustfmt::skip]
pub(super) static CHECKS: [(&Rule, Check); 31] = [
    (&protected_namespace::RULE, Check::Pod(protected_namespace::check)),
    (&team_required::RULE, Check::Pod(team_required::check)),
    (&second_tiller::RULE, Check::Pod(second_tiller::check)),
    (&service_account::RULE, Check::Pod(service_account::check)),
    (&account_rights::RULE, Check::Pod(account_rights::check)),
    (&service_account_alias::RULE, Check::Pod(service_account_alias::check)),
    (&image_repository::RULE, Check::Tiller(image_repository::check)),
    (&version_floor::RULE, Check::Tiller(version_floor::check)),
    (&launch_unreadable::RULE, Check::Tiller(launch_unreadable::check)),
    (&tiller_namespace::RULE, Check::Tiller(tiller_namespace::check)),
    (&environment::RULE, Check::Tiller(environment::check)),
    (&certificate_mount::RULE, Check::Tiller(certificate_mount::check)),
    (&trusted_authority::RULE, Check::Pod(trusted_authority::check)),
    (&volume_mounts::RULE, Check::Tiller(volume_mounts::check)),
    (&host_access::RULE, Check::Pod(host_access::check)),
    (&extra_containers::RULE, Check::Lists(extra_containers::check)),
    (&extra_commands::RULE, Check::Tiller(extra_commands::check)),
    (&storage_switch::RULE, Check::Tiller(storage_switch::check)),
    (&release_storage::RULE, Check::Tiller(release_storage::check)),
    (&tls_disabled::RULE, Check::Launch(tls_disabled::check)),
    (&client_not_verified::RULE, Check::Launch(client_not_verified::check)),
    (&certificate_paths::RULE, Check::Launch(certificate_paths::check)),
    (&tls_environment::RULE, Check::Tiller(tls_environment::check)),
    (&listen_address::RULE, Check::Launch(listen_address::check)),
    (&tracing::RULE, Check::Launch(tracing::check)),
    (&experimental_release::RULE, Check::Launch(experimental_release::check)),
    (&verbose_logging::RULE, Check::Launch(verbose_logging::check)),
    (&launch_spelling::RULE, Check::Tiller(launch_spelling::check)),
    (&security_context::RULE, Check::Tiller(security_context::check)),
    (&confinement::RULE, Check::Tiller(confinement::check)),
    (&injector::RULE, Check::Tiller(injector::check)),
];
