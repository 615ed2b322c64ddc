//! What the place where it runs asks of an installation.

use crate::policy::RunAsUser;
use crate::report::ReportApi;

/// The annotation by which AKS leaves a webhook configuration as it is: its admissions enforcer would take AKS' own
/// namespaces, `kube-system` among them, out of it.
///
/// Source: AKS' documentation, "Can admission controller webhooks impact kube-system and internal AKS namespaces?".
pub const AKS_ENFORCER: &str = "admissions.enforcer/disabled";

/// The port on which reviews are answered where none is given.
pub const REVIEW_PORT: u16 = 8443;
/// The port of health and metrics where none is given.
pub const HEALTH_PORT: u16 = 8081;

/// What differs by where it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// Whether AKS' admissions enforcer is to leave the webhook configurations as they are.
    pub aks: bool,
    /// Whether the pods are on their nodes' network, for an API server that reaches no other: on EKS with a network
    /// plugin that is not Amazon's.
    pub host_network: bool,
    /// Whether the pods write webhook configurations back that somebody edited or deleted.
    pub restore_webhooks: bool,
    /// How many seconds after an audit of what already runs the next begins; nothing if the pods do not audit.
    pub audit_interval: Option<u32>,
    /// The API of the objects in which that pod writes the findings; nothing if it writes none.
    pub audit_reports: Option<ReportApi>,
    /// The port on which reviews are answered.
    pub review_port: u16,
    /// The port of health and metrics.
    pub health_port: u16,
    /// Which user the pods run as: as the policy has it for Tillers.
    pub user: RunAsUser,
}

impl Default for Platform {
    fn default() -> Self {
        Self {
            aks: false,
            host_network: false,
            restore_webhooks: false,
            audit_interval: None,
            audit_reports: None,
            review_port: REVIEW_PORT,
            health_port: HEALTH_PORT,
            user: RunAsUser::default(),
        }
    }
}
