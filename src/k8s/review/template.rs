//! What a refused copy is made from: whether its template has the same findings, or another webhook changed the copy.

use crate::json::Reader;
use crate::k8s::read::read;
use crate::policy::rights::Lookup;
use crate::policy::{Context, Knowledge, Object, Settings, Workload, WorkloadKind, Writer, decide};

/// The owner's template.
#[derive(Debug)]
pub(super) enum Template {
    /// Nobody has looked at it, or it is not there.
    Unknown,
    /// The rules that find something in it.
    Judged(Vec<&'static str>),
}

/// What to look up to know the template that a controller makes this copy from.
pub(super) fn lookup(workload: &Workload<'_>, knowledge: &Knowledge) -> Option<Lookup> {
    let owner = owner_of(workload)?;
    let (kind, namespace, name) = owner;
    knowledge
        .template(owner)
        .is_none()
        .then(|| Lookup::Template {
            kind,
            namespace: namespace.into(),
            name: name.into(),
        })
}

/// The owner of a copy, if a controller of Kubernetes' own makes it now: others may claim any owner.
fn owner_of<'w>(workload: &'w Workload<'_>) -> Option<(WorkloadKind, &'w str, &'w str)> {
    let namespace = workload.namespace.as_deref()?;
    let (kind, name) = workload.controller()?;
    (workload.is_copy() && workload.by_controller).then_some((kind, namespace, name))
}

// === impl Template ===

impl Template {
    /// The template of what this copy is made from, as a lookup found it.
    pub(super) fn of(workload: &Workload<'_>, settings: &Settings, context: &Context<'_>) -> Self {
        let judged = || {
            let owner = owner_of(workload)?;
            let (kind, namespace, _) = owner;
            let json = context.knowledge.template(owner)?;
            let mut object = read(kind, Reader::new(json)).ok()?;
            if let Object::Workload(template) = &mut object {
                template.namespace = Some(namespace.to_owned().into());
                template.by_controller = template.maker.is_some();
                template.writer = Writer::Maker;
            }
            let verdict = decide(&object, settings, context);
            Some(verdict.findings.iter().map(|it| it.rule.id).collect())
        };
        judged().map_or(Self::Unknown, Self::Judged)
    }

    /// Whether it is known to be innocent of what this rule finds in its copy.
    pub(super) fn lacks(&self, rule: &str) -> bool {
        matches!(self, Self::Judged(found) if !found.contains(&rule))
    }
}
