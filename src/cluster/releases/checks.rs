//! Whether a move can be done, before Tiller is stopped.

use super::contents::Fault;
use super::gather::Place;
use super::lock;
use super::moved::{MoveError, Moved};
use super::movement::Mover;
use super::tiller::Found;
use crate::cluster::apply::ObjectReference;
use crate::cluster::team::lacking_rights;
use crate::releases::Storage;
use crate::releases::movement::{Contents, Step, Steps};

impl<F: FnMut(Moved)> Mover<'_, F> {
    /// Whether Tiller would see the records, and lose sight of none.
    pub(super) fn check_launch(&self, found: Option<&Found>) -> Result<(), MoveError> {
        let (namespace, to) = (self.plan.namespace.clone(), self.plan.to);
        let Some(found) = found else {
            return Ok(());
        };
        if let Some(storage) = found.elsewhere() {
            return Err(MoveError::Elsewhere {
                namespace,
                storage,
                to,
            });
        }
        if self.plan.switches && !found.can_switch(to) {
            return Err(MoveError::Unswitchable(namespace, to));
        }
        Ok(())
    }

    /// Whether Tiller finds all records: what it does not find would stay behind.
    pub(super) async fn check_labels(&self) -> Result<(), MoveError> {
        let place = Place {
            cluster: self.cluster,
            namespace: &self.plan.namespace,
        };
        let misspelt = place.misspelt().await?;
        if misspelt.is_empty() {
            return Ok(());
        }
        let misspelt = misspelt.into_values().flatten();
        Err(MoveError::Misspelt(misspelt.collect()))
    }

    /// Whether the names of the copies to be made are free: of what is no record, the looks show nothing.
    pub(super) async fn check_way(&self, steps: &Steps) -> Result<(), MoveError> {
        let created = steps.iter().filter(|(_, step)| **step == Step::Create);
        let created: Vec<_> = created.map(|(name, _)| name).collect();
        if created.is_empty() {
            return Ok(());
        }
        let others = self.looker.others(self.plan.to).await?;
        let names = created.into_iter().filter(|name| others.contains(*name));
        let names: Vec<_> = names.cloned().collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(MoveError::InTheWay {
            storage: self.plan.to,
            namespace: self.plan.namespace.clone(),
            names,
        })
    }

    /// Whether the current user may do the steps and those after them. Pods were listed a moment ago, and the stop itself shows whether
    /// Tiller's Deployment may be written.
    pub(super) async fn check_rights(&self, steps: &Steps) -> Result<(), MoveError> {
        let object = |kind: &str| ObjectReference {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            namespace: Some(self.plan.namespace.clone()),
            name: String::new(),
        };
        let (from, to) = (object(self.from().kind()), object(self.plan.to.kind()));
        let lock = object(Storage::ConfigMaps.kind());
        let creates = steps.values().any(|step| *step == Step::Create);
        let replaces = steps.values().any(|step| matches!(step, Step::Replace(_)));
        let needed = [
            (creates, ("create", &to)),
            (replaces, ("update", &to)),
            (true, ("patch", &from)),
            (!self.plan.keep, ("delete", &from)),
        ];
        let needed = needed.into_iter().filter(|_| !steps.is_empty());
        let needed = needed.filter(|(is, _)| *is).map(|(_, it)| it);
        let of_lock = lock::VERBS.map(|verb| (verb, &lock));
        let needed: Vec<_> = needed.chain(of_lock).collect();
        let lacking = lacking_rights(self.cluster, &needed).await;
        if lacking.is_empty() {
            return Ok(());
        }
        Err(MoveError::Lacking(lacking))
    }

    /// Whether all records can be moved.
    pub(super) fn check(&self, source: &Contents) -> Result<(), MoveError> {
        let (mut damaged, mut others, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        for (name, fault) in self.looker.faults(source) {
            match fault {
                Fault::Damaged(reason) => damaged.push(format!("{name}: {reason}")),
                Fault::OtherKeys(keys) => others.push(format!("{name}: {}", keys.join(", "))),
                Fault::Pending(status) => pending.push(format!("{name} is {}", status.as_str())),
            }
        }
        if !damaged.is_empty() {
            return Err(MoveError::Damaged(damaged));
        }
        if !others.is_empty() {
            return Err(MoveError::OtherKeys(others));
        }
        if !pending.is_empty() && !self.plan.allow_pending {
            return Err(MoveError::Pending(pending));
        }
        Ok(())
    }
}
