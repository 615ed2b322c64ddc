//! Whether the registrations are what they are to be: a guard that is not asked holds nothing.

use serde_json::Value;

use super::Check;
use crate::cluster::Cluster;
use crate::cluster::aks;
use crate::cluster::drift::drift;
use crate::cluster::install::registration;
use crate::installation::Installation;

const INSTALL: &str =
    "run tiller-guard install, which writes it as it is to be, and find out who changed it";

/// The first Kubernetes that may have registrations in files of its own, which its API does not show:
/// `ManifestBasedAdmissionControlConfig`.
const HAS_FILES: u16 = 36;

/// `asks` tells that the API server asks the guard.
pub(super) async fn checks(cluster: &Cluster, installed: &Installation, asks: bool) -> Vec<Check> {
    let [mutating, validating] = installed.registrations();
    vec![
        compared(
            cluster,
            "mutating-registration",
            "MutatingWebhookConfiguration",
            &mutating,
            asks,
        )
        .await,
        compared(
            cluster,
            "validating-registration",
            "ValidatingWebhookConfiguration",
            &validating,
            asks,
        )
        .await,
    ]
}

async fn compared(
    cluster: &Cluster,
    id: &'static str,
    kind: &'static str,
    wanted: &Value,
    asks: bool,
) -> Check {
    match registration(cluster, kind).await {
        Err(error) => Check::unread(id, &error),
        Ok(None) => absent(id, kind, asks && cluster.version().is_from(HAS_FILES)),
        Ok(Some(live)) => {
            let drifts = drift(wanted, &live);
            if drifts.is_empty() && aks::has_written(&live) {
                Check::doubtful(
                    id,
                    format!(
                        "{kind} tiller-guard is as it is to be, but AKS has left its own namespaces out, kube-system \
                         among them"
                    ),
                    "run tiller-guard install --aks to have Tillers refused there too",
                )
            } else if drifts.is_empty() {
                Check::good(id, format!("{kind} tiller-guard is as it is to be"))
            } else {
                Check::bad(
                    id,
                    format!("{kind} tiller-guard: {}", drifts.join("; ")),
                    INSTALL,
                )
            }
        }
    }
}

/// There is no such registration in the API. A server that asks all the same may have it from a file.
fn absent(id: &'static str, kind: &str, from_file: bool) -> Check {
    if from_file {
        return Check::doubtful(
            id,
            format!("{kind} tiller-guard is in files of the API server, if anywhere"),
            "compare them with tiller-guard install -o yaml, on each API server",
        );
    }
    let message = format!("there is no {kind} tiller-guard");
    Check::bad(id, message, "run tiller-guard install")
}

#[cfg(test)]
mod tests {
    use super::super::Health;
    use super::*;

    #[test]
    fn a_registration_in_a_file_of_the_api_server_is_doubtful_where_it_asks() {
        let kind = "ValidatingWebhookConfiguration";
        let (in_file, nowhere) = (absent("id", kind, true), absent("id", kind, false));
        assert_eq!(in_file.health, Health::Doubtful);
        assert!(in_file.hint.unwrap().contains("on each API server"));
        assert_eq!(nowhere.health, Health::Bad);
        assert_eq!(nowhere.hint.as_deref(), Some("run tiller-guard install"));
    }
}
