//! The findings of audits of what runs, as objects of `openreports.io` or `wgpolicyk8s.io` in the cluster: one for each namespace with
//! findings, and one for the cluster.
//!
//! After a complete audit, those of namespaces without findings are deleted. After an incomplete one they stay: what could not be
//! listed is not clean.

use std::collections::BTreeSet;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::core::PartialObjectMeta;
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::Cluster;
use super::apply::{ApplyError, Desired, Effect, Expects, Foreign, Writer};
use super::paging::Paging;
use super::told::{chain, words};
use super::watch::serves;
use crate::audit::AuditReport;
use crate::k8s::webhook_configuration::NAME as MANAGER;
use crate::report::{MANAGED_BY, ReportApi, report_objects};

/// The name of the objects. What `tiller-guard audit -o report` prints has another one.
const NAME: &str = "tiller-guard-audit";
/// Objects of a page.
const PAGE: u32 = 500;
/// How many failures are logged.
const LOGGED: usize = 5;

/// Writes the findings of audits into a cluster.
pub(super) struct AuditReports {
    writer: Writer,
    api: ReportApi,
    /// What failed last, as it was logged.
    told: Vec<String>,
}

// === impl AuditReports ===

impl AuditReports {
    /// Writes objects of this API.
    pub(super) fn of(cluster: &Cluster, api: ReportApi) -> Self {
        let writer = Writer {
            cluster: cluster.clone(),
            owner: &[MANAGED_BY],
            adopt: false,
            effect: Effect::Write,
            expects: Expects::Present,
        };
        Self {
            writer,
            api,
            told: Vec::new(),
        }
    }

    /// Writes what an audit found, and deletes what no longer holds. Failures are logged if they are new.
    pub(super) async fn show(&mut self, report: &AuditReport) {
        let failures = self.write(report).await;
        if failures == self.told {
            return;
        }
        if failures.is_empty() {
            info!("all findings of the audit are reported in the cluster");
        }
        let number = failures.len();
        for error in failures.iter().take(LOGGED) {
            warn!(failures = number, %error, "the findings of the audit are not all reported in the cluster");
        }
        self.told = failures;
    }

    async fn write(&self, report: &AuditReport) -> Vec<String> {
        if let Some(failure) = self.unserved().await {
            return vec![failure];
        }
        let issues = report.issues();
        let (mut failures, mut wanted) = (Vec::new(), BTreeSet::new());
        for object in report_objects(&issues, self.api, NAME) {
            let namespace = object.pointer("/metadata/namespace");
            wanted.insert(namespace.and_then(Value::as_str).map(ToOwned::to_owned));
            let desired = Desired {
                object,
                foreign: Foreign::Refuse,
            };
            let written = self.writer.apply(&desired).await;
            failures.extend(written.err().map(|error| told(&error)));
        }
        if report.unknown.is_empty() {
            failures.extend(self.remove_others(&wanted).await);
        }
        failures
    }

    /// Why no objects can be written, if they are not served.
    async fn unserved(&self) -> Option<String> {
        let (group, version) = self.api.group_version();
        for resource in self.api.resources() {
            match serves(self.writer.cluster.client(), group, version, resource).await {
                Ok(true) => {}
                Ok(false) => {
                    return Some(format!(
                        "the API server does not serve {resource}.{group} in version {version}: install the CustomResourceDefinitions of {group}"
                    ));
                }
                Err(error) => return Some(words(&error)),
            }
        }
        None
    }

    /// Deletes the objects of other namespaces. What failed.
    async fn remove_others(&self, wanted: &BTreeSet<Option<String>>) -> Vec<String> {
        let found = match of_kinds(&self.writer.cluster, self.api).await {
            Ok(found) => found,
            Err(error) => return vec![words(&error)],
        };
        let mut failures = Vec::new();
        for model in found {
            let namespace = model.pointer("/metadata/namespace");
            let namespace = namespace.and_then(Value::as_str).map(ToOwned::to_owned);
            if !wanted.contains(&namespace) {
                let deleted = self.writer.delete(&model).await;
                failures.extend(deleted.err().map(|error| told(&error)));
            }
        }
        failures
    }
}

/// The objects that audits wrote and that are still there, without their content. An API that is not served has none.
pub async fn written(cluster: &Cluster) -> kube::Result<Vec<Value>> {
    let mut found = Vec::new();
    for api in ReportApi::ALL {
        let (group, version) = api.group_version();
        let [resource, _] = api.resources();
        if serves(cluster.client(), group, version, resource).await? {
            found.extend(of_kinds(cluster, api).await?);
        }
    }
    Ok(found)
}

async fn of_kinds(cluster: &Cluster, api: ReportApi) -> kube::Result<Vec<Value>> {
    let (group, version) = api.group_version();
    let mut found = Vec::new();
    for namespaced in [true, false] {
        let kind = api.kind(namespaced);
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        let objects: Api<DynamicObject> = Api::all_with(cluster.client().clone(), &resource);
        let mut parameters = ListParams::default()
            .labels(&format!("{MANAGED_BY}={MANAGER}"))
            .limit(PAGE);
        let mut paging = Paging::default();
        loop {
            let page = objects.list_metadata(&parameters).await?;
            let ours = page.items.into_iter().filter(|it| it.name_any() == NAME);
            found.extend(ours.map(|it| model((group, version, kind), &it)));
            let token = page.metadata.continue_.filter(|it| !it.is_empty());
            let Some(token) = token else { break };
            paging.take(objects.resource_url(), &token)?;
            parameters.continue_token = Some(token);
        }
    }
    Ok(found)
}

fn model(
    (group, version, kind): (&str, &str, &str),
    found: &PartialObjectMeta<DynamicObject>,
) -> Value {
    let mut metadata = json!({ "name": NAME, "labels": { MANAGED_BY: MANAGER } });
    if let (Some(namespace), Some(fields)) = (found.namespace(), metadata.as_object_mut()) {
        fields.insert("namespace".to_owned(), json!(namespace));
    }
    json!({ "apiVersion": format!("{group}/{version}"), "kind": kind, "metadata": metadata })
}

fn told(error: &ApplyError) -> String {
    match error {
        ApplyError::Foreign { object, label } | ApplyError::NotOurs { object, label } => format!(
            "{object} was not made by tiller-guard ({label}): delete it, and the next audit writes it"
        ),
        other => chain(other),
    }
}
