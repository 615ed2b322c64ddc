//! Whether the webhook configurations are as installed: a guard that is not asked enforces nothing.

use serde_json::Value;

use super::Check;
use crate::cluster::Cluster;
use crate::cluster::aks;
use crate::cluster::drift::drift;
use crate::cluster::install::webhook_configuration;
use crate::cluster::proof::Proof;
use crate::cluster::told::{remedy, said};
use crate::installation::Installation;
use crate::k8s::webhook_configuration::{MUTATE, SYSTEM_NAMESPACE, VALIDATE};

const INSTALL: &str = "find out who changed it, and run tiller-guard install to restore it";

const READ: &str = "read MutatingWebhookConfigurations and ValidatingWebhookConfigurations";

/// The first Kubernetes that may have webhook configurations in files of its own, which its API does not show:
/// `ManifestBasedAdmissionControlConfig`.
const HAS_FILES: u16 = 36;

/// One of the two configurations, and what is known of it without looking at it.
struct Looked {
    id: &'static str,
    kind: &'static str,
    webhook: &'static str,
    /// Whether the proof shows that the API server asks this webhook.
    asked: bool,
}

/// One of the two configurations, compared.
pub(super) struct Compared {
    pub(super) check: Check,
    /// Whether the API has none, so that nothing asks its webhook.
    pub(super) is_absent: bool,
}

/// One that cannot be seen is as good as none, unless the proof shows that the API server asks its webhook.
pub(super) async fn checks(
    cluster: &Cluster,
    installed: &Installation,
    proof: &Proof,
) -> [Compared; 2] {
    let [mutating, validating] = installed.webhook_configurations();
    let of_mutate = Looked {
        id: "mutating-configuration",
        kind: "MutatingWebhookConfiguration",
        webhook: MUTATE,
        asked: proof.shows_mutate(),
    };
    let of_validate = Looked {
        id: "validating-configuration",
        kind: "ValidatingWebhookConfiguration",
        webhook: VALIDATE,
        asked: proof.shows_validate(),
    };
    [
        compared(cluster, &of_mutate, &mutating).await,
        compared(cluster, &of_validate, &validating).await,
    ]
}

async fn compared(cluster: &Cluster, looked: &Looked, wanted: &Value) -> Compared {
    let found = webhook_configuration(cluster, looked.kind).await;
    let is_absent = matches!(found, Ok(None)) && !looked.asked;
    let check = match found {
        Err(error) => looked.unseen(&error),
        Ok(None) => looked.absent(cluster.version().is_from(HAS_FILES)),
        Ok(Some(live)) if aks::has_written(&live) => {
            match aks::excluded_namespaces(cluster).await {
                Ok(excluded) => looked.present(wanted, &live, &excluded),
                Err(error) => Check::unread(looked.id, "list Namespaces", &error),
            }
        }
        Ok(Some(live)) => looked.present(wanted, &live, &[]),
    };
    Compared { check, is_absent }
}

// === impl Looked ===

impl Looked {
    /// `excluded` are the namespaces that expressions like those of AKS leave out.
    fn present(&self, wanted: &Value, live: &Value, excluded: &[String]) -> Check {
        let Self { id, kind, .. } = *self;
        let drifts = drift(wanted, live);
        let is_aks = excluded.iter().any(|it| it == SYSTEM_NAMESPACE);
        if drifts.is_empty() && aks::has_written(live) && !is_aks {
            Check::bad(
                id,
                format!(
                    "{kind} tiller-guard leaves out namespaces as on AKS, and this is none: {SYSTEM_NAMESPACE} lacks AKS' labels. \
                     Left out are: {}",
                    named(excluded)
                ),
                "find out who added the expressions, and run tiller-guard install --aks to remove them",
            )
        } else if drifts.is_empty() && aks::has_written(live) {
            Check::doubtful(
                id,
                format!(
                    "{kind} tiller-guard is complete, but AKS excludes its own namespaces from it: {}",
                    named(excluded)
                ),
                "run tiller-guard install --aks to have Tillers refused there too",
            )
        } else if drifts.is_empty() {
            Check::good(
                id,
                format!("{kind} tiller-guard matches what install writes"),
            )
        } else {
            Check::bad(
                id,
                format!(
                    "{kind} tiller-guard differs from what install writes\n      {}",
                    drifts.join("\n      ")
                ),
                INSTALL,
            )
        }
    }

    /// It may be there, and say anything.
    fn unseen(&self, error: &kube::Error) -> Check {
        let Self {
            id,
            kind,
            webhook,
            asked,
        } = self;
        let (why, hint) = (said(error), remedy(error, READ));
        if *asked {
            let message =
                format!("{webhook} answers, but {kind} tiller-guard cannot be read: {why}");
            return Check::doubtful(id, message, &hint);
        }
        let message = format!(
            "{kind} tiller-guard cannot be read, and nothing shows that {webhook} answers: {why}"
        );
        Check::bad(id, message, &hint)
    }

    /// The API has no such webhook configuration. If the API server asks the webhook anyway, it may have it from a file.
    fn absent(&self, may_have_files: bool) -> Check {
        let Self {
            id,
            kind,
            webhook,
            asked,
        } = self;
        if *asked && may_have_files {
            return Check::doubtful(
                id,
                format!(
                    "{webhook} answers, but the API has no {kind} tiller-guard: it may be in files of the API server"
                ),
                "compare them with tiller-guard install -o yaml, on each API server",
            );
        }
        let message = format!("there is no {kind} tiller-guard");
        Check::bad(id, message, "run tiller-guard install")
    }
}

/// These namespaces; of many, the first ten and how many more there are.
fn named(namespaces: &[String]) -> String {
    const FEW: usize = 10;
    match namespaces {
        [] => "none".to_owned(),
        few if few.len() <= FEW => few.join(", "),
        many => {
            let first: Vec<_> = many.iter().take(FEW).map(String::as_str).collect();
            format!("{} and {} more", first.join(", "), many.len() - FEW)
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::super::Health;
    use super::*;

    fn looked(asked: bool) -> Looked {
        Looked {
            id: "id",
            kind: "ValidatingWebhookConfiguration",
            webhook: VALIDATE,
            asked,
        }
    }

    #[test]
    fn a_webhook_configuration_in_a_file_of_the_api_server_is_doubtful_where_it_asks() {
        let in_file = looked(true).absent(true);
        assert_eq!(in_file.health, Health::Doubtful);
        assert!(in_file.hint.unwrap().contains("on each API server"));
        for nowhere in [
            looked(false).absent(true),
            looked(false).absent(false),
            looked(true).absent(false),
        ] {
            assert_eq!(nowhere.health, Health::Bad);
            assert_eq!(nowhere.hint.as_deref(), Some("run tiller-guard install"));
        }
    }

    #[test]
    fn a_webhook_configuration_that_cannot_be_read_is_bad_unless_its_webhook_answers() {
        let status = Status::failure("forbidden", "Forbidden").with_code(403);
        let error = kube::Error::Api(status.boxed());
        assert_eq!(looked(true).unseen(&error).health, Health::Doubtful);
        assert_eq!(looked(false).unseen(&error).health, Health::Bad);
    }
}
