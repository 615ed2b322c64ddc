//! The token of a pod's service account, as the API server's own admission plugin mounts it.
//!
//! Source: `plugin/pkg/admission/serviceaccount/admission.go`, Kubernetes 1.10 to 1.36, and OpenShift's fork of it.

use super::Writer;
use super::case::Case;
use super::rbac::Account;
use crate::pod::{
    ConfigMapProjection, FieldFile, KeyPath, Projection, TokenProjection, Volume, VolumeMount,
    VolumeSource,
};

/// Whether a mount at the token's directory is what the API server mounts there, whole: from 1.21 on a projected token
/// with the CA and the namespace, before the account's own token Secret.
pub(super) fn is_api_servers(
    case: &Case<'_>,
    mount: &VolumeMount<'_>,
    volume: Option<&Volume<'_>>,
) -> bool {
    let whole = mount.sub_path.is_empty() && mount.sub_path_expr.is_empty();
    whole
        && match volume.map(|volume| &volume.source) {
            Some(VolumeSource::Projected(sources)) => {
                sources.iter().all(is_part)
                    && sources
                        .iter()
                        .any(|source| matches!(source, Projection::Token(_)))
            }
            Some(VolumeSource::Secret(secret)) => {
                secret.items.is_empty() && is_token_secret(case, &secret.secret_name)
            }
            _ => false,
        }
}

/// One of the sources that the plugin puts together.
fn is_part(source: &Projection<'_>) -> bool {
    match source {
        Projection::Token(TokenProjection { audience, path }) => {
            audience.is_empty() && path == "token"
        }
        Projection::ConfigMap(ConfigMapProjection { name, items }) => {
            let only = |key: &str| matches!(&**items, [item] if is_named(item, key));
            match name.as_str() {
                "kube-root-ca.crt" => only("ca.crt"),
                // OpenShift's, which no client takes for the API server's CA.
                "openshift-service-ca.crt" => only("service-ca.crt"),
                _ => false,
            }
        }
        Projection::Fields(files) => matches!(&**files, [file] if is_namespace(file)),
        Projection::Other => false,
    }
}

/// A key under its own name.
fn is_named(item: &KeyPath<'_>, key: &str) -> bool {
    item.key == key && item.path == key
}

fn is_namespace(FieldFile { path, field_ref }: &FieldFile<'_>) -> bool {
    path == "namespace"
        && field_ref
            .as_ref()
            .is_some_and(|field| field.field_path == "metadata.namespace")
}

/// Whether this is a token Secret of the pod's account: called as the token controller calls it, and, where that can be
/// known, one of those that the account lists. What a controller makes of a stored object has it from the plugin:
/// templates with such a mount are refused.
fn is_token_secret(case: &Case<'_>, name: &str) -> bool {
    let account = match case.workload.pod.account().as_str() {
        "" => "default",
        account => account,
    };
    let is_called_so = name
        .strip_prefix(account)
        .is_some_and(|rest| rest.starts_with("-token-"));
    let listed = || {
        let namespace = case.workload.namespace.as_deref();
        let account = namespace.map(|namespace| Account {
            namespace,
            name: account,
        });
        account.and_then(|account| case.knowledge.has_token_secret(account, name)) == Some(true)
    };
    is_called_so
        && (case.workload.writer == Writer::Maker || !case.knowledge.is_of_cluster() || listed())
}
