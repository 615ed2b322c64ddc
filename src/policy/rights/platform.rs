//! What OpenShift gives every account by bindings of its own: known by what they grant and by name.

use super::Bound;
use crate::policy::knowledge::KnownRole;
use crate::policy::rbac::{Holder, RoleKind};

/// The ClusterRoles that OpenShift binds to `system:authenticated` in the whole cluster, and that grant more than finding
/// the API and questions about oneself: what a user sees of projects, kinds of builds, webhooks of builds, the end of
/// one's own tokens, the console's extensions, charts to choose from, and the narrowest security contexts.
///
/// Source: `pkg/bootstrappolicy/policy.go` of openshift-apiserver, 4.1 to 4.20, and the roles that an API server of
/// OpenShift 4 names where it looks for those of a service account.
const CLUSTER_ROLES: [&str; 10] = [
    "basic-user",
    "console-extensions-reader",
    "helm-chartrepos-viewer",
    "system:build-strategy-docker",
    "system:build-strategy-jenkinspipeline",
    "system:build-strategy-source",
    "system:oauth-token-deleter",
    "system:openshift:scc:restricted-v2",
    "system:openshift:scc:restricted-v3",
    "system:webhook",
];

/// Whether a binding is one by which OpenShift gives every account something, and gives it no right that no Tiller may
/// have. Only administrators write in the namespaces that begin with `openshift-`.
pub(super) fn is_its_own(holder: Holder<'_>, bound: Bound<'_>, role: Option<KnownRole>) -> bool {
    let Bound {
        cluster_wide,
        namespace,
        role_kind,
        role_name,
        ..
    } = bound;
    let of_all = matches!(holder, Holder::Authenticated | Holder::ServiceAccounts);
    let known = if cluster_wide {
        role_kind == RoleKind::ClusterRole && CLUSTER_ROLES.contains(&role_name)
    } else {
        namespace.is_some_and(|it| it == "openshift" || it.starts_with("openshift-"))
    };
    of_all && known && role.is_none_or(|role| role.rights.excessive(true).is_none())
}
