//! The workloads that run a Tiller or use a Tiller's service account, and which of them belong together.

use std::collections::{BTreeMap, BTreeSet};

use super::basis::Basis;
use super::meta::Meta;
use super::openers::opener;
use super::report::Opener;

use crate::pod::PodSpec;
use crate::policy::rbac::Account;
use crate::policy::{Context, Knowledge, Object, Settings, Workload, WorkloadKind, decide};

/// What is kept of workloads.
#[derive(Debug, Default)]
pub(super) struct Workloads {
    /// Those with a Tiller.
    pub(super) tillers: BTreeMap<Key, Kept>,
    /// Deployments without one.
    plain: BTreeSet<Key>,
    /// Others that run as an account of their own.
    others: BTreeMap<Key, Other>,
}

/// Kind, namespace and name.
pub(super) type Key = (WorkloadKind, Box<str>, Box<str>);

/// A workload with a Tiller.
#[derive(Debug)]
pub(super) struct Kept {
    /// The object.
    pub(super) json: Box<str>,
    pub(super) created: String,
    pub(super) phase: String,
    /// Whether it wants no pod now, or has finished.
    pub(super) idle: bool,
    pub(super) finished: bool,
    /// What it was made of.
    maker: Option<Key>,
    /// The labels of its pods.
    pub(super) labels: BTreeMap<String, String>,
    /// The node on which a pod runs.
    pub(super) node: Box<str>,
}

#[derive(Debug)]
struct Other {
    account: Box<str>,
    maker: Option<Key>,
}

// === impl Workloads ===

impl Workloads {
    /// Keeps a workload if it matters. True if it holds a Tiller.
    pub(super) fn take(
        &mut self,
        workload: &Workload<'_>,
        object: &str,
        settings: &Settings,
    ) -> Result<bool, String> {
        let namespace = workload.namespace.as_deref().unwrap_or_default();
        let key = key(workload.kind, namespace, &workload.name);
        let maker = workload.controller();
        let maker = maker.map(|(kind, name)| self::key(kind, namespace, name));
        if !settings.takes_for_tiller(workload) {
            if workload.kind == WorkloadKind::Deployment {
                self.plain.insert(key.clone());
            }
            let account = workload.pod.account().as_str();
            if !account.is_empty() && account != "default" {
                let account = account.into();
                self.others.insert(key, Other { account, maker });
            }
            return Ok(false);
        }
        let meta = Meta::read(object).map_err(|error| error.to_string())?;
        let Meta { metadata, status } = meta;
        let status = status.unwrap_or_default();
        let (labels, node) = of_pod(workload.kind, object).unwrap_or_default();
        let phase = status.phase.unwrap_or_default();
        let kept = Kept {
            json: object.into(),
            created: metadata.creation_timestamp.unwrap_or_default(),
            finished: status.completion_time.is_some()
                || matches!(phase.as_str(), "Succeeded" | "Failed"),
            phase,
            idle: workload.idle,
            maker,
            labels,
            node,
        };
        self.tillers.insert(key, kept);
        Ok(true)
    }

    /// Each Tiller with all that controllers make of it.
    pub(super) fn groups(&self) -> BTreeMap<&Key, Vec<(&Key, &Kept)>> {
        let mut groups: BTreeMap<&Key, Vec<(&Key, &Kept)>> = BTreeMap::new();
        for (key, kept) in &self.tillers {
            groups.entry(self.root(key)).or_default().push((key, kept));
        }
        // What a Deployment keeps of its time as a Tiller runs nothing.
        groups.retain(|root, members| {
            let is_kept = |(_, kept): &(&Key, &Kept)| kept.idle && self.is_of_plain(kept);
            root.0 != WorkloadKind::ReplicaSet || !members.iter().all(is_kept)
        });
        groups
    }

    /// Whether a Deployment made it that holds no Tiller now.
    fn is_of_plain(&self, kept: &Kept) -> bool {
        let maker = kept.maker.as_ref();
        maker.is_some_and(|maker| self.plain.contains(maker))
    }

    /// The topmost owner of this object that holds a Tiller. Owners form no circle: each creates another kind.
    fn root<'k>(&'k self, key: &'k Key) -> &'k Key {
        let mut root = key;
        while let Some((maker, _)) = self
            .tillers
            .get(root)
            .and_then(|kept| self.tillers.get_key_value(kept.maker.as_ref()?))
        {
            root = maker;
        }
        root
    }

    /// Workloads that run as a Tiller's service account and hold no Tiller. A pod or ReplicaSet of such a workload is not reported
    /// separately.
    pub(super) fn borrowed(&self, knowledge: &Knowledge, basis: &Basis) -> Vec<Opener> {
        let settings = &basis.policy.settings;
        let of_tiller = |(key, other): (&Key, &Other)| {
            let account = Account {
                namespace: &key.1,
                name: &other.account,
            };
            knowledge.is_tiller_account(account, settings)
        };
        let borrowers: Vec<_> = self.others.iter().filter(|it| of_tiller(*it)).collect();
        let keys: BTreeSet<&Key> = borrowers.iter().map(|(key, _)| *key).collect();
        let made = |other: &Other| other.maker.as_ref().is_some_and(|it| keys.contains(it));
        let own = borrowers.into_iter().filter(|(_, other)| !made(other));
        own.filter_map(|(key, other)| borrower(key, &other.account, knowledge, basis))
            .collect()
    }
}

fn borrower(key: &Key, account: &str, knowledge: &Knowledge, basis: &Basis) -> Option<Opener> {
    let (kind, namespace, name) = key;
    // What is judged of it: where it is, and whose rights it has.
    let object = Object::from(Workload {
        kind: *kind,
        namespace: Some((&**namespace).into()),
        placeholder: None,
        name: (&**name).into(),
        idle: false,
        metadata: None,
        former_storage: None,
        writer: crate::policy::Writer::Unknown,
        maker: None,
        by_controller: false,
        pod: PodSpec {
            service_account_name: account.into(),
            ..PodSpec::default()
        },
    });
    let context = Context::new(basis.now, knowledge);
    let verdict = decide(&object, &basis.policy.settings, &context);
    opener(&object, &verdict)
}

pub(super) fn key(kind: WorkloadKind, namespace: &str, name: &str) -> Key {
    (kind, namespace.into(), name.into())
}

/// The labels of the pods that an object makes, or is, and the node of a pod.
fn of_pod(kind: WorkloadKind, object: &str) -> Option<(BTreeMap<String, String>, Box<str>)> {
    let object: serde_json::Value = serde_json::from_str(object).ok()?;
    let pod = object.pointer(kind.pod_pointer())?;
    let labels = pod.pointer("/metadata/labels").cloned();
    let labels = labels.and_then(|it| serde_json::from_value(it).ok());
    let node = pod.pointer("/spec/nodeName").and_then(|it| it.as_str());
    Some((labels.unwrap_or_default(), node.unwrap_or_default().into()))
}
