//! The two objects by which the API server knows the webhooks, for Kubernetes from 1.10 on.
//!
//! While nobody answers, `Fail` refuses the request and `Ignore` lets it pass. What may be refused so is kept
//! small enough that nodes, the control plane and this guard start without it:
//!
//! | webhook | asked about | where | nobody answers |
//! |---|---|---|---|
//! | `mutate` | what carries a pod | everywhere | passes: `validate` judges the final object |
//! | `validate` | the same, and Services | from 1.28 on everywhere, before not in `kube-system` | refused |
//! | `system` | the same | before 1.28: `kube-system` | passes |
//! | `accounts` | what carries a pod with an account of its own | from 1.28 on everywhere | passes |
//! | `addresses` | Endpoints and `EndpointSlices` | everywhere | passes: controllers elect leaders by them |
//! | `access` | roles and their bindings | everywhere | passes: the API server writes its own when it starts |
//! | `custody` | tokens and Secrets | everywhere | passes: no pod starts without its token, and controllers write Secrets |
//! | `connections` | commands in pods, and their ports | everywhere, from 1.12 on | passes: so that people can repair what is broken |
//! | `records` | `ConfigMap`s labelled as releases | everywhere, from 1.15 on | passes: they are only reported |
//!
//! From 1.28 on the API server asks `validate` only about what has a sign of a Tiller ([`condition`]), so that
//! everything else passes while nobody answers; and `custody` not about the tokens that kubelets get for their pods, nor
//! about Secrets that hold nothing of a Tiller's. "Everywhere" leaves out the guard's own namespace; before
//! 1.21, where everyone who may write a namespace chooses this label, objects in it are asked about and pass.
//!
//! Before 1.12 an API server that has a webhook for `connections` fails every one of them, whoever asks: it takes what it
//! is asked for a Pod ("converting (rest.ConnectRequest) to (v1.Pod)", kubernetes#59759).

pub mod condition;
mod rule;
mod webhook;

use serde_json::{Value, json};

pub use webhook::HAS_CONNECTIONS;
use webhook::Webhook;

/// The name of both objects.
pub const NAME: &str = "tiller-guard";
/// The mutating webhook's name.
pub const MUTATE: &str = "mutate.tiller-guard.io";
/// The name of the validating webhook that keeps Tillers out.
pub const VALIDATE: &str = "validate.tiller-guard.io";
/// The API group of both objects.
pub const GROUP: &str = "admissionregistration.k8s.io";
/// The label of a namespace that holds its name: the API server's own from Kubernetes 1.21 on.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";
/// The label of what `doctor` and `install` let the API server try.
pub const TRIAL_LABEL: &str = "tiller-guard.io/trial";
/// Where the control plane's own pods and roles are.
pub const SYSTEM_NAMESPACE: &str = "kube-system";

/// The first Kubernetes 1.x that reaches a webhook on another port of its Service than 443.
pub const HAS_SERVICE_PORT: u16 = 15;
/// The first Kubernetes with conditions.
pub const HAS_CONDITIONS: u16 = 28;

/// How the API server reaches the webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint<'a> {
    /// A Service of the guard's own namespace, at this port of it.
    Service {
        /// Its name.
        name: &'a str,
        /// The port of the Service.
        port: u16,
    },
    /// An address outside the cluster, such as `https://192.0.2.1:8443`.
    Url(&'a str),
}

/// What the webhook configurations depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WebhookConfigurations<'a> {
    /// Kubernetes 1.`minor` reads them.
    pub minor: u16,
    /// The guard's own namespace.
    pub namespace: &'a str,
    /// How the webhooks are reached.
    pub endpoint: Endpoint<'a>,
    /// PEM in base64 of the CAs of the serving certificate; without one, the guard fills it in.
    pub ca_bundle: Option<&'a str>,
    /// Names of accounts that are taken for Tillers', with a `*` at the end for anything.
    pub account_patterns: &'a [String],
}

// === impl WebhookConfigurations ===

impl WebhookConfigurations<'_> {
    /// The version of [`GROUP`] that is served.
    pub fn api_version(&self) -> &'static str {
        if self.minor >= 16 { "v1" } else { "v1beta1" }
    }

    /// The `MutatingWebhookConfiguration`.
    pub fn mutating(&self) -> Value {
        self.configuration("MutatingWebhookConfiguration", &Webhook::mutating())
    }

    /// The `ValidatingWebhookConfiguration`.
    pub fn validating(&self) -> Value {
        let webhooks = Webhook::validating(self.minor);
        self.configuration("ValidatingWebhookConfiguration", &webhooks)
    }

    /// Whether the API server evaluates `matchConditions`: on by default from 1.28 on.
    pub fn has_conditions(&self) -> bool {
        self.minor >= HAS_CONDITIONS
    }

    fn configuration(&self, kind: &str, webhooks: &[Webhook]) -> Value {
        let webhooks: Value = webhooks.iter().map(|it| it.written(self)).collect();
        json!({
            "apiVersion": format!("{GROUP}/{}", self.api_version()),
            "kind": kind,
            "metadata": { "name": NAME },
            "webhooks": webhooks,
        })
    }
}

#[cfg(test)]
mod tests;
