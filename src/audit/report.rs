//! The report of an audit, as programs read it. A field may be added; none is renamed or removed within one
//! [`FORMAT_VERSION`].

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::report::{Finding, Issue, Issues, Maybe, Tiller, Unread, title};

/// The version of the JSON format.
pub const FORMAT_VERSION: u32 = 1;

/// All that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditReport {
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// What was judged by: `file`, `installed` or `default`.
    pub policy: &'static str,
    /// Each Tiller once.
    pub tillers: Vec<AuditedTiller>,
    /// What opens a Tiller without being one.
    pub openers: Vec<Opener>,
    /// The guard's own webhooks; `None` for a dump.
    pub guard: Option<GuardState>,
    /// What could not be looked at.
    pub unknown: Vec<Unseen>,
    /// Kinds that this API server does not serve.
    pub not_served: Vec<String>,
    /// The numbers.
    pub summary: AuditSummary,
}

/// A Tiller: the object that a person changes, with all that controllers make of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedTiller {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectName,
    /// When it was made, in RFC 3339; empty where it does not say.
    pub created: String,
    /// `running`, `pending`, `scaled-to-zero`, `finished` or `not-running`; `unknown` without the list of pods.
    pub state: &'static str,
    /// Its pods that have not finished.
    pub pods: Vec<AuditedPod>,
    /// The team that it is of.
    pub team: Option<String>,
    /// The mode of its namespace.
    pub mode: &'static str,
    /// Its containers that are Tillers, with their effective configuration.
    pub containers: Vec<Tiller>,
    /// What the rules found, the worst first.
    pub findings: Vec<Finding>,
    /// What the guard does next.
    pub next: Next,
    /// What is recorded in its namespace.
    pub releases: Maybe<Releases>,
    /// Its service account, as `NAMESPACE/NAME`.
    pub account: String,
    /// What its account can reach.
    pub can_reach: Maybe<CanReach>,
    /// Who can reach it.
    pub reached_by: Maybe<Vec<Reacher>>,
    /// The lists that lack names of objects: who reaches it by a right to one of these by its name is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reached_by_unknown: Vec<&'static str>,
    /// Who reaches its port: `everybody`, `certificates`, `own-pod` or `nobody`.
    pub network: Maybe<&'static str>,
    /// The Services, Ingresses and routes that lead to it.
    pub exposed_by: Maybe<Vec<String>>,
    /// The certificates in its namespace.
    pub certificates: Maybe<Vec<AuditedCertificate>>,
    /// The Secret that is not there and that its pods mount, or will mount once the guard hardens it: they cannot start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing_secret: Option<String>,
}

/// An object's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ObjectName {
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for a cluster-scoped object.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// A pod of a Tiller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedPod {
    /// Its name.
    pub name: String,
    /// Its phase, such as `Running`.
    pub phase: String,
    /// Whether it differs from what its Deployment makes now.
    pub differs: bool,
    /// Its service account, as `NAMESPACE/NAME`.
    pub account: String,
    /// What that account can reach, if it is another one than the object's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub can_reach: Option<Maybe<CanReach>>,
    /// Who reaches its port, as in [`AuditedTiller::network`].
    pub network: Maybe<&'static str>,
    /// What the rules found that they did not find in its Deployment, the worst first.
    pub findings: Vec<Finding>,
}

/// What the guard does about a Tiller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Next {
    /// If one of its pods is created again.
    pub restart: Step,
    /// If somebody applies it again.
    pub update: Step,
    /// What the mode `enforce` would do, where the mode only reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_enforce: Option<Enforced>,
}

impl Next {
    /// Whether the guard hardens it if somebody applies it again, or would in the mode `enforce`.
    pub(super) fn hardens(&self) -> bool {
        let enforced = self.with_enforce.as_ref().map(|it| &it.update);
        [Some(&self.update), enforced]
            .into_iter()
            .flatten()
            .any(|it| it.answer == "hardened")
    }
}

/// What the guard would do about a Tiller if the mode were `enforce`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Enforced {
    /// As [`Next::restart`].
    pub restart: Step,
    /// As [`Next::update`].
    pub update: Step,
}

/// What the guard does, and by which rules it refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `allowed`, `hardened`, `refused`, or `left` where the mode lets it pass as it is; `unknown` without the list of pods.
    pub answer: &'static str,
    /// The rules that refuse.
    pub rules: Vec<&'static str>,
}

/// What is recorded in a Tiller's namespace, by storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Releases {
    /// In ConfigMaps.
    pub configmaps: Stored,
    /// In Secrets.
    pub secrets: Stored,
}

/// What one storage holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Records.
    pub records: usize,
    /// Releases that are not deleted.
    pub releases: usize,
    /// How many problems of each kind there are.
    pub problems: BTreeMap<&'static str, usize>,
}

/// What an account can reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CanReach {
    /// In the whole cluster.
    pub cluster: Vec<Grant>,
    /// In single namespaces, beside that.
    pub namespaces: BTreeMap<String, Vec<Grant>>,
}

/// Something that an account can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// What, such as `read-secrets`.
    pub can: &'static str,
    /// The bindings that give it.
    pub by: BTreeSet<String>,
}

/// Somebody who can reach a Tiller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reacher {
    /// `User NAME`, `Group NAME` or `ServiceAccount NAMESPACE/NAME`.
    pub who: String,
    /// The ways, such as `port-forward`.
    pub ways: Vec<&'static str>,
    /// The bindings that open them.
    pub by: BTreeSet<String>,
}

/// A certificate of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditedCertificate {
    /// The Secret.
    pub secret: String,
    /// The file in it.
    pub file: &'static str,
    /// When it ends, in RFC 3339.
    pub ends: Maybe<String>,
    /// Whether it has ended.
    pub expired: bool,
}

/// An object that opens a Tiller without being one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opener {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectName,
    /// What the rules found, the worst first.
    pub findings: Vec<Finding>,
}

/// The guard's own webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GuardState {
    /// Of each of the two webhook configurations: what is wrong with it, in a sentence each.
    pub configurations: BTreeMap<&'static str, Maybe<Vec<String>>>,
    /// Who may change webhook configurations, with the bindings by which they may.
    pub changed_by: Maybe<Vec<Reacher>>,
}

/// Something that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unseen {
    /// What.
    pub what: String,
    /// Why.
    pub reason: String,
    /// Whether the account lacks the right to look at it.
    #[serde(skip)]
    pub is_forbidden: bool,
}

/// The numbers of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct AuditSummary {
    /// Tillers.
    pub tillers: usize,
    /// Findings about Tillers.
    pub findings: usize,
    /// Objects that open a Tiller.
    pub openers: usize,
    /// Tillers whose next restart is refused.
    pub refused_at_restart: usize,
    /// Tillers whose next update is refused.
    pub refused_at_update: usize,
    /// Problems of tiller-guard's webhook configurations.
    pub webhook_problems: usize,
    /// What could not be looked at.
    pub unknown: usize,
}

// === impl AuditReport ===

impl AuditReport {
    /// Whether anything is wrong.
    pub fn has_findings(&self) -> bool {
        self.summary.findings > 0 || !self.openers.is_empty() || self.summary.webhook_problems > 0
    }

    /// Each Tiller, each of its pods that differs from it, and what opens them, with what was found.
    pub(super) fn found(&self) -> impl Iterator<Item = (ObjectName, &[Finding])> {
        let tillers = self.tillers.iter().flat_map(|tiller| {
            let own = (tiller.object.clone(), &*tiller.findings);
            let pods = tiller.differing().into_iter();
            std::iter::once(own).chain(pods.map(|pod| (tiller.name_of(pod), &*pod.findings)))
        });
        let openers = self.openers.iter();
        tillers.chain(openers.map(|it| (it.object.clone(), &*it.findings)))
    }

    /// The findings of Tillers and of what opens them, and what could not be looked at, for other formats.
    pub fn issues(&self) -> Issues<'_> {
        let mut issues = Issues::default();
        for (object, findings) in self.found() {
            let ObjectName {
                kind,
                namespace,
                name,
            } = &object;
            let title = title(kind, namespace.as_deref(), name);
            issues.add(&object.file(), &title, findings);
        }
        for tiller in &self.tillers {
            issues.findings.extend(release_problems(tiller));
        }
        let unseen = self.unknown.iter().map(|unseen| Unread {
            file: format!("cluster/{}", unseen.what),
            line: None,
            column: None,
            message: unseen.reason.clone(),
        });
        issues.unread.extend(unseen);
        issues
    }
}

// === impl GuardState ===

impl GuardState {
    /// How much is wrong with the webhook configurations.
    pub fn problems(&self) -> usize {
        let states = self.configurations.values();
        let wrong = states.map(|it| match it {
            Maybe::Known(wrong) => wrong.len(),
            Maybe::Unknown { .. } => 0,
        });
        wrong.sum()
    }
}

/// What is wrong with the release records of a Tiller: a finding for each kind of problem in each storage.
fn release_problems(tiller: &AuditedTiller) -> Vec<Issue<'static>> {
    let Maybe::Known(releases) = &tiller.releases else {
        return Vec::new();
    };
    let ObjectName {
        kind,
        namespace,
        name,
    } = &tiller.object;
    let namespace = namespace.as_deref().unwrap_or_default();
    let Releases {
        configmaps,
        secrets,
    } = releases;
    let storages = [("ConfigMaps", configmaps), ("Secrets", secrets)];
    let problems = storages.into_iter().flat_map(|(storage, stored)| {
        let each = stored.problems.iter();
        each.map(move |(problem, number)| (storage, problem, number))
    });
    let issue = |(storage, problem, number): (&str, &&str, &usize)| {
        let message =
            format!("{problem}: {number} of the releases of namespace {namespace} in {storage}");
        let remedy = format!("run tiller-guard releases list --namespace {namespace}");
        Issue {
            file: tiller.object.file(),
            object: title(kind, Some(namespace), name),
            finding: Cow::Owned(Finding::of_releases(message, remedy)),
        }
    };
    problems.map(issue).collect()
}

// === impl ObjectName ===

impl ObjectName {
    /// What stands for its file.
    fn file(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or("_cluster");
        format!("cluster/{namespace}/{}/{}", self.kind, self.name)
    }
}
