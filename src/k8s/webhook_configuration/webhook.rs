//! One webhook of a configuration.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::rule::Resources;
use super::{
    Endpoint, HAS_SERVICE_PORT, MUTATE, NAME_LABEL, SYSTEM_NAMESPACE, VALIDATE,
    WebhookConfigurations, condition,
};
use crate::gather::Gather as _;
use crate::tiller::signs;

/// How long the API server waits, in seconds. It rounds up, and an answer takes less than a millisecond.
const TIMEOUT: u8 = 5;
/// The same where kubelets and controllers wait for it, and nothing is lost by its absence.
const SHORT_TIMEOUT: u8 = 2;

/// Kubernetes 1.12 can ask about connections; those before would break all of them.
pub const HAS_CONNECTIONS: u16 = 12;
/// Before Kubernetes 1.13 a webhook has to have a `caBundle`, which may be empty.
const MAY_LACK_BUNDLE: u16 = 13;
/// Kubernetes 1.15 can tell objects by their labels.
const SELECTS_OBJECTS: u16 = 15;
/// Those of a Tiller and of its Deployment by `helm init`.
const OF_TILLER: &[Label] = &[("app", signs::APP_LABEL), ("name", signs::NAME_LABEL)];
/// Those of a release's record.
const OF_RECORD: &[Label] = &[("OWNER", "TILLER")];

type Label = (&'static str, &'static str);

/// What distinguishes one webhook from another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Webhook {
    name: &'static str,
    path: &'static str,
    resources: Resources,
    place: Namespaces,
    /// The labels of what is asked about; none where all is.
    labels: &'static [Label],
    /// What becomes of a request while nobody answers.
    failure: &'static str,
    condition: Condition,
}

/// In which namespaces a webhook is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Namespaces {
    Everywhere,
    OutsideSystem,
    System,
}

/// The only objects that are asked about, if the API server has conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    None,
    Tiller,
    OwnAccount,
    Custody,
}

// === impl Webhook ===

impl Webhook {
    pub(super) fn mutating() -> [Self; 1] {
        [Self {
            name: MUTATE,
            path: "/mutate",
            resources: Resources::Workloads,
            place: Namespaces::Everywhere,
            labels: &[],
            failure: "Ignore",
            condition: Condition::Tiller,
        }]
    }

    pub(super) fn validating(minor: u16) -> Vec<Self> {
        let webhook = |name, resources, place, failure, condition| Self {
            name,
            path: "/validate",
            resources,
            place,
            labels: &[],
            failure,
            condition,
        };
        let both = Resources::WorkloadsAndServices;
        let mut webhooks = if minor >= super::HAS_CONDITIONS {
            let (accounts, workloads) = ("accounts.tiller-guard.io", Resources::Workloads);
            let (everywhere, own) = (Namespaces::Everywhere, Condition::OwnAccount);
            vec![
                webhook(VALIDATE, both, everywhere, "Fail", Condition::Tiller),
                webhook(accounts, workloads, everywhere, "Ignore", own),
            ]
        } else {
            let (system, none) = ("system.tiller-guard.io", Condition::None);
            vec![
                webhook(VALIDATE, both, Namespaces::OutsideSystem, "Fail", none),
                webhook(system, both, Namespaces::System, "Ignore", none),
            ]
        };
        if (SELECTS_OBJECTS..super::HAS_CONDITIONS).contains(&minor) {
            // The control plane starts without an answer; what says that it is a Tiller does not.
            let (labelled, none) = ("labelled.tiller-guard.io", Condition::None);
            webhooks.push(Self {
                labels: OF_TILLER,
                ..webhook(labelled, both, Namespaces::System, "Fail", none)
            });
        }
        let connections = (
            "connections.tiller-guard.io",
            Resources::Connections,
            Condition::None,
        );
        webhooks.extend(
            [
                (
                    "addresses.tiller-guard.io",
                    Resources::Addresses,
                    Condition::None,
                ),
                ("access.tiller-guard.io", Resources::Rbac, Condition::None),
                (
                    "custody.tiller-guard.io",
                    Resources::Custody,
                    Condition::Custody,
                ),
            ]
            .into_iter()
            .chain((minor >= HAS_CONNECTIONS).then_some(connections))
            .map(|(name, resources, condition)| {
                webhook(name, resources, Namespaces::Everywhere, "Ignore", condition)
            }),
        );
        if minor >= SELECTS_OBJECTS {
            let (records, none) = ("records.tiller-guard.io", Condition::None);
            let (resources, everywhere) = (Resources::Records, Namespaces::Everywhere);
            webhooks.push(Self {
                labels: OF_RECORD,
                ..webhook(records, resources, everywhere, "Ignore", none)
            });
        }
        webhooks
    }

    /// The webhook as this API server knows it: a field of a later version would be dropped in silence, or
    /// refused.
    pub(super) fn written(self, configuration: &WebhookConfigurations<'_>) -> Value {
        let minor = configuration.minor;
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("name", json!(self.name));
        set("clientConfig", client_config(self.path, configuration));
        set("rules", self.resources.rules(minor));
        set("namespaceSelector", self.place.selector(configuration));
        set("failurePolicy", json!(self.failure));
        if minor >= 12 {
            set("sideEffects", json!("None"));
        }
        if minor >= 14 {
            set("timeoutSeconds", json!(self.resources.timeout()));
        }
        if minor >= 15 {
            set("matchPolicy", json!("Equivalent"));
            set("admissionReviewVersions", json!(["v1", "v1beta1"]));
            if !self.labels.is_empty() {
                let labels = self.labels.iter().copied();
                let labels: BTreeMap<_, _> = labels.gather();
                set("objectSelector", json!({ "matchLabels": labels }));
            }
            if self.name == MUTATE {
                set("reinvocationPolicy", json!("IfNeeded"));
            }
        }
        let condition = self.condition.expression(configuration.account_patterns);
        if let (true, Some((name, expression))) = (configuration.has_conditions(), condition) {
            set(
                "matchConditions",
                json!([{ "name": name, "expression": expression }]),
            );
        }
        Value::Object(fields)
    }
}

// === impl Resources ===

impl Resources {
    fn timeout(self) -> u8 {
        match self {
            Self::Workloads | Self::WorkloadsAndServices | Self::Addresses | Self::Rbac => TIMEOUT,
            Self::Custody | Self::Records | Self::Connections => SHORT_TIMEOUT,
        }
    }
}

// === impl Namespaces ===

impl Namespaces {
    /// Namespaces by the label of their name. `NotIn` also holds if there is no such label.
    fn selector(self, configuration: &WebhookConfigurations<'_>) -> Value {
        let own = configuration.namespace;
        // From 1.21 on nobody can call a namespace what it is not.
        let names_hold = configuration.minor >= 21;
        let (operator, names) = match (self, names_hold) {
            (Self::Everywhere, true) => ("NotIn", vec![own]),
            (Self::Everywhere, false) => return json!({}),
            (Self::OutsideSystem, _) => ("NotIn", vec![own, SYSTEM_NAMESPACE]),
            (Self::System, true) => ("In", vec![SYSTEM_NAMESPACE]),
            (Self::System, false) => ("In", vec![own, SYSTEM_NAMESPACE]),
        };
        json!({
            "matchExpressions": [{ "key": NAME_LABEL, "operator": operator, "values": names }],
        })
    }
}

// === impl Condition ===

impl Condition {
    fn expression(self, account_patterns: &[String]) -> Option<(&'static str, String)> {
        match self {
            Self::None => None,
            Self::Tiller => Some(("may-be-tiller", condition::tiller(account_patterns))),
            Self::OwnAccount => Some(("own-account", condition::own_account(account_patterns))),
            Self::Custody => Some(("may-hold-tillers", condition::custody())),
        }
    }
}

fn client_config(path: &str, configuration: &WebhookConfigurations<'_>) -> Value {
    let mut client = match configuration.endpoint {
        Endpoint::Service { name, port } => {
            let namespace = configuration.namespace;
            let mut service = json!({ "namespace": namespace, "name": name, "path": path });
            let has_port = configuration.minor >= HAS_SERVICE_PORT;
            if let (true, Some(service)) = (has_port, service.as_object_mut()) {
                service.insert("port".to_owned(), json!(port));
            }
            json!({ "service": service })
        }
        Endpoint::Url(base) => json!({ "url": format!("{base}{path}") }),
    };
    let none = (configuration.minor < MAY_LACK_BUNDLE).then_some("");
    let bundle = configuration.ca_bundle.or(none);
    if let (Some(bundle), Some(client)) = (bundle, client.as_object_mut()) {
        client.insert("caBundle".to_owned(), json!(bundle));
    }
    client
}
