//! What opens a Tiller without being one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::basis::Basis;
use super::meta::Meta;
use super::report::{ObjectName, Opener};
use crate::gather::Gather as _;
use crate::policy::custody::{CustodyObject, Secret};
use crate::policy::rbac::{Account, RbacKind};
use crate::policy::{Context, Knowledge, Object, ObjectKind, Verdict, decide};
use crate::report::Finding;

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Openers {
    pub(super) found: Vec<Opener>,
    /// The token Secrets that accounts list, by namespace and account: Kubernetes before 1.24 made them by itself.
    listed: BTreeMap<(String, String), BTreeSet<String>>,
    /// The token Secrets of accounts, by namespace and account.
    tokens: BTreeMap<(String, String), BTreeSet<String>>,
}

#[derive(Deserialize)]
struct ServiceAccount {
    secrets: Option<Vec<Reference>>,
}

#[derive(Deserialize)]
struct Reference {
    name: Option<String>,
}

/// The annotation of a token Secret that names the account.
const ACCOUNT: &str = "kubernetes.io/service-account.name";
/// The type of such a Secret.
const TOKEN: &str = "kubernetes.io/service-account-token";

// === impl Openers ===

impl Openers {
    /// Judges an object and reports its findings.
    pub(super) fn judge(&mut self, object: &Object<'_>, knowledge: &Knowledge, basis: &Basis) {
        let context = Context::new(basis.now, knowledge);
        let verdict = decide(object, &basis.policy.settings, &context);
        self.found.extend(opener(object, &verdict));
    }

    /// Judges a binding. A role is judged by the bindings to it.
    pub(super) fn judge_binding(
        &mut self,
        object: &Object<'_>,
        knowledge: &Knowledge,
        basis: &Basis,
    ) {
        let bindings = [RbacKind::RoleBinding, RbacKind::ClusterRoleBinding];
        if bindings
            .iter()
            .any(|kind| object.kind() == ObjectKind::from(*kind))
        {
            self.judge(object, knowledge, basis);
        }
    }

    pub(super) fn take_account(&mut self, object: &str) -> Result<(), String> {
        let read = || -> Result<_, serde_json::Error> {
            let account: ServiceAccount = serde_json::from_str(object)?;
            Ok((account, Meta::read(object)?.metadata))
        };
        let (account, metadata) = read().map_err(|error| error.to_string())?;
        let secrets = account.secrets.into_iter().flatten();
        let secrets: BTreeSet<String> = secrets.filter_map(|it| it.name).gather();
        if !secrets.is_empty() {
            self.listed
                .insert((metadata.namespace, metadata.name), secrets);
        }
        Ok(())
    }

    /// The names of the Secrets with tokens of an account.
    pub(super) fn tokens_of(&self, namespace: &str, account: &str) -> impl Iterator<Item = &str> {
        let place = (namespace.to_owned(), account.to_owned());
        let tokens = self.tokens.get(&place).into_iter().flatten();
        tokens.map(String::as_str)
    }

    /// The names of the token Secrets that an account lists. Kubernetes names them after the account.
    pub(super) fn noted_tokens_of(
        &self,
        namespace: &str,
        account: &str,
    ) -> impl Iterator<Item = &str> {
        let place = (namespace.to_owned(), account.to_owned());
        let prefix = format!("{account}-token-");
        let noted = self.listed.get(&place).into_iter().flatten();
        let noted = noted.map(String::as_str);
        noted.filter(move |it| it.starts_with(&prefix))
    }

    /// Judges a token Secret by its metadata. Token Secrets that Kubernetes created are no findings.
    pub(super) fn take_token(
        &mut self,
        object: &str,
        knowledge: &Knowledge,
        basis: &Basis,
    ) -> Result<(), String> {
        let metadata =
            Meta::read(object).map_err(|_| "a field does not match the API".to_owned())?;
        let metadata = metadata.metadata;
        let annotations = metadata.annotations.unwrap_or_default();
        let Some(account) = annotations.get(ACCOUNT) else {
            return Ok(());
        };
        let place = (metadata.namespace, account.clone());
        let tokens = self.tokens.entry(place.clone()).or_default();
        tokens.insert(metadata.name.clone());
        let own = self.listed.get(&place);
        if own.is_some_and(|secrets| secrets.contains(&metadata.name)) {
            return Ok(());
        }
        let (namespace, account) = (&place.0, &place.1);
        let asked = Account {
            namespace,
            name: account,
        };
        if knowledge.is_tiller_account(asked, &basis.policy.settings) {
            let secret = Secret {
                namespace: Some(namespace.as_str().into()),
                name: metadata.name.as_str().into(),
                kind: TOKEN.into(),
                account: account.as_str().into(),
                ..Secret::default()
            };
            let object = Object::from(CustodyObject::Secret(secret));
            self.judge(&object, knowledge, basis);
        }
        Ok(())
    }
}

/// An object with its findings; `None` if it has none.
pub(super) fn opener(object: &Object<'_>, verdict: &Verdict<'_>) -> Option<Opener> {
    (!verdict.findings.is_empty()).then(|| Opener {
        object: ObjectName {
            kind: object.kind().as_str().to_owned(),
            namespace: object.namespace().map(ToOwned::to_owned),
            name: object.name().to_owned(),
        },
        findings: findings(verdict),
    })
}

/// What was found, the worst first.
pub(super) fn findings(verdict: &Verdict<'_>) -> Vec<Finding> {
    let mut found: Vec<_> = verdict.findings.iter().collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found.into_iter().map(Finding::from).collect()
}
