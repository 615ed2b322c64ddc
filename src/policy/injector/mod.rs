//! The webhooks of others that change pods as they are made, after their Deployment was judged: what each adds, and what
//! keeps it away.

mod invitation;
mod table;

use std::borrow::Cow;

use super::PodMetadata;
use super::pointer::Field;
use crate::pod::{EnvVar, Text};
pub use invitation::Invitation;
use table::{AWS, AZURE, DATADOG, ISTIO, LINKERD, VAULT};

/// A webhook that changes pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Injector {
    /// Istio's sidecars.
    Istio,
    /// Linkerd's proxies.
    Linkerd,
    /// Vault's agents.
    Vault,
    /// Datadog's admission controller.
    Datadog,
    /// The identities of Amazon's EKS.
    Aws,
    /// The workload identities of Azure.
    Azure,
}

/// What is known of an injector. A name that ends in `*` stands for all that begin so.
struct Facts {
    /// Its name in a policy.
    id: &'static str,
    /// Its name for people.
    name: &'static str,
    containers: &'static [&'static str],
    variables: &'static [&'static str],
    /// What stands in the values of variables that others have too.
    values: &'static [&'static str],
    volumes: &'static [&'static str],
    /// What keeps it away; the first is the one that its current versions read.
    switches: &'static [Switch],
}

/// A label or an annotation of a pod, by which an injector is kept away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Switch {
    pub(super) list: MetadataList,
    pub(super) key: &'static str,
    pub(super) field: Field,
    pub(super) off: Off,
    /// The values, in small letters, by which a pod asks for it.
    on: &'static [&'static str],
    /// Whether it may come without being asked.
    pub(super) comes_unasked: bool,
}

/// Where in a pod's metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetadataList {
    Labels,
    Annotations,
}

/// The value that keeps an injector away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Off {
    Text(&'static str),
    /// The name of Tiller's container, which is left out.
    Container,
}

// === impl Injector ===

impl Injector {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Istio,
        Self::Linkerd,
        Self::Vault,
        Self::Datadog,
        Self::Aws,
        Self::Azure,
    ];

    fn facts(self) -> &'static Facts {
        match self {
            Self::Istio => &ISTIO,
            Self::Linkerd => &LINKERD,
            Self::Vault => &VAULT,
            Self::Datadog => &DATADOG,
            Self::Aws => &AWS,
            Self::Azure => &AZURE,
        }
    }

    /// The word for it in a policy.
    pub fn as_str(self) -> &'static str {
        self.facts().id
    }

    /// Its name, in a sentence.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    pub(super) fn switches(self) -> &'static [Switch] {
        self.facts().switches
    }

    /// Which of them adds a container of this name.
    pub(super) fn of_container(name: &str) -> Option<Self> {
        Self::find(|facts| is_among(name, facts.containers))
    }

    /// Which of them adds a volume of this name.
    pub(super) fn of_volume(name: &str) -> Option<Self> {
        Self::find(|facts| is_among(name, facts.volumes))
    }

    /// Which of them adds this variable.
    pub(super) fn of_variable(variable: &EnvVar<'_>) -> Option<Self> {
        Self::find(|facts| {
            let values = facts.values.iter();
            is_among(&variable.name, facts.variables)
                || values.clone().any(|it| variable.value.contains(it))
        })
    }

    fn find(is_its: impl Fn(&Facts) -> bool) -> Option<Self> {
        Self::ALL.into_iter().find(|it| is_its(it.facts()))
    }

    /// What to do for it to leave a pod as it is, whose Tiller is in this container.
    pub(super) fn kept_away_from(self, container: &str) -> String {
        let Facts { id, switches, .. } = self.facts();
        let switch = switches.first().map(|switch| {
            let (list, key) = (switch.list.singular(), switch.key);
            format!(
                "set the {list} {key}: \"{}\" in the pod template",
                switch.off.value(container)
            )
        });
        let policy =
            format!("list {id} under injectors in the policy and apply the template again");
        switch
            .into_iter()
            .chain([policy])
            .collect::<Vec<_>>()
            .join(", or ")
    }
}

/// Whether a name is one of these; `*` at the end of one stands for anything.
fn is_among(name: &str, names: &[&str]) -> bool {
    names.iter().any(|it| match it.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => *it == name,
    })
}

// === impl Switch ===

impl Switch {
    /// The value that a pod's metadata gives it.
    pub(super) fn given<'m>(&self, metadata: Option<&'m PodMetadata<'_>>) -> Option<&'m str> {
        let PodMetadata {
            labels,
            annotations,
        } = metadata?;
        let value: Option<&Text<'_>> = match (self.list, self.key) {
            (MetadataList::Labels, key) => labels.as_ref()?.switch(key),
            (MetadataList::Annotations, key) => annotations.as_ref()?.switch(key),
        };
        value.map(Text::as_str)
    }

    /// Whether this value asks the injector to come.
    pub(super) fn asks(&self, value: &str) -> bool {
        self.on.iter().any(|on| value.eq_ignore_ascii_case(on))
    }
}

// === impl MetadataList ===

impl MetadataList {
    /// The field's name.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Labels => "metadata/labels",
            Self::Annotations => "metadata/annotations",
        }
    }

    /// The field of an object's metadata.
    fn field(self) -> &'static str {
        match self {
            Self::Labels => "labels",
            Self::Annotations => "annotations",
        }
    }

    /// One of them.
    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Labels => "label",
            Self::Annotations => "annotation",
        }
    }
}

// === impl Off ===

impl Off {
    /// The value, for a Tiller in this container.
    pub(super) fn value(self, container: &str) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Container => container.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_they_add_is_known_for_theirs() {
        for (name, injector) in [
            ("istio-proxy", Some(Injector::Istio)),
            ("linkerd-init", Some(Injector::Linkerd)),
            ("vault-agent-init", Some(Injector::Vault)),
            ("datadog-lib-java-init", Some(Injector::Datadog)),
            ("azwi-proxy", Some(Injector::Azure)),
            ("proxy", None),
            ("istio-proxy-2", None),
        ] {
            assert_eq!(Injector::of_container(name), injector, "{name}");
        }
        for (name, injector) in [
            ("aws-iam-token", Some(Injector::Aws)),
            (
                "azure-workload-identity-reserved-1a2b",
                Some(Injector::Azure),
            ),
            ("datadog", Some(Injector::Datadog)),
            ("tmp", None),
        ] {
            assert_eq!(Injector::of_volume(name), injector, "{name}");
        }
        let variable = |name: &str, value: &str| {
            Injector::of_variable(&EnvVar {
                name: name.into(),
                value: value.into(),
                value_from: None,
            })
        };
        assert_eq!(variable("AWS_REGION", ""), Some(Injector::Aws));
        assert_eq!(variable("AWS_PROFILE", ""), None);
        let preloaded =
            "/opt/datadog-packages/datadog-apm-inject/stable/inject/launcher.preload.so";
        assert_eq!(variable("LD_PRELOAD", preloaded), Some(Injector::Datadog));
        assert_eq!(variable("LD_PRELOAD", "/tmp/a.so"), None);
    }

    /// A key that the metadata is not read for would never be found.
    #[test]
    fn every_switch_is_read() {
        for injector in Injector::ALL {
            for switch in injector.switches() {
                let json = serde_json::json!({ "labels": { switch.key: "l" }, "annotations": { switch.key: "a" } });
                let metadata: PodMetadata<'_> = crate::json::read(&mut &json).unwrap();
                let expected = match switch.list {
                    MetadataList::Labels => "l",
                    MetadataList::Annotations => "a",
                };
                assert_eq!(switch.given(Some(&metadata)), Some(expected));
                let path = switch.key.replace('/', "~1");
                assert_eq!(
                    switch.field.path,
                    format!("{}/{path}", switch.list.as_str())
                );
            }
        }
    }
}
