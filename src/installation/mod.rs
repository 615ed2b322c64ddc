//! What runs in a cluster: every object of an installation, as plain data. Applying it is `cluster`'s.
//!
//! The chart in `charts/tiller-guard` makes the same objects; a test holds the two together.

mod access;
mod network;
mod options;
mod platform;
mod renewal;
mod scanners;
mod workload;

pub use options::{
    CA_SECRET, IMAGE, Installation, NAMESPACE, OWNER_LABELS, POLICY, POLICY_FILE, REPLICAS,
    SERVICE_PORT,
};
pub use platform::{AKS_ENFORCER, HEALTH_PORT, Platform, REVIEW_PORT};
pub use workload::POLICY_DIRECTORY;

use serde_json::{Value, json};

use options::labels;

use crate::k8s::webhook_configuration::{Endpoint, NAME, NAME_LABEL, WebhookConfigurations};

impl Installation {
    /// Everything, in the order in which it is applied: the webhook configurations last, so that nothing is refused before
    /// there is somebody to answer.
    pub fn objects(&self) -> Vec<Value> {
        let mut objects = self.foundation();
        objects.extend(self.webhook_configurations());
        objects
    }

    /// Whether this is an argument of the guard's pods that an option of `install` gives them.
    pub fn is_option(&self, argument: &str) -> bool {
        workload::is_option(&self.namespace, argument)
    }

    /// Everything but the webhook configurations.
    pub fn foundation(&self) -> Vec<Value> {
        let mut objects = vec![self.own_namespace(), access::account(self, NAME)];
        objects.extend(access::roles(self));
        objects.extend([
            self.policy_file(),
            network::policy(self),
            network::service(self),
            workload::budget(self),
            workload::deployment(self),
        ]);
        if self.renew_certificates {
            objects.extend(self.renewal());
        }
        scanners::annotate(&mut objects, self.place);
        objects
    }

    /// The same, with what is unexpected said to be nothing: an installation that was made with other options may
    /// have it.
    pub fn foundation_over_another(&self) -> Vec<Value> {
        let mut objects = self.foundation();
        for object in &mut objects {
            let kind = object.get("kind").and_then(Value::as_str);
            if matches!(kind, Some("Deployment" | "CronJob")) {
                workload::clear(object);
            }
        }
        objects
    }

    /// The CronJob that renews the certificates of teams, with its account and rights: it goes where it is not asked for.
    pub fn renewal(&self) -> Vec<Value> {
        renewal::objects(self)
    }

    /// The two webhook configurations. They go first when an installation is removed.
    pub fn webhook_configurations(&self) -> [Value; 2] {
        let configuration = WebhookConfigurations {
            minor: self.minor,
            namespace: &self.namespace,
            endpoint: Endpoint::Service {
                name: NAME,
                port: self.service_port,
            },
            ca_bundle: self.ca_bundle.as_deref(),
            account_patterns: &self.account_patterns,
        };
        let mut configurations = [configuration.mutating(), configuration.validating()];
        for configuration in &mut configurations {
            if let Some(metadata) = configuration
                .get_mut("metadata")
                .and_then(Value::as_object_mut)
            {
                metadata.insert("labels".to_owned(), labels());
                if self.place.aks {
                    metadata.insert("annotations".to_owned(), json!({ AKS_ENFORCER: "true" }));
                }
            }
        }
        configurations
    }

    fn own_namespace(&self) -> Value {
        let mut labels = labels();
        // A pod on its node's network is not even of the standard `baseline`.
        let standard = if self.place.host_network {
            "privileged"
        } else {
            "restricted"
        };
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(
                "pod-security.kubernetes.io/enforce".to_owned(),
                json!(standard),
            );
            // The API server's own from 1.21 on.
            if self.minor < 21 {
                labels.insert(NAME_LABEL.to_owned(), json!(self.namespace));
            }
        }
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": self.namespace, "labels": labels },
        })
    }

    fn policy_file(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": self.metadata(POLICY_FILE),
            "data": { "policy.yaml": self.policy },
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
