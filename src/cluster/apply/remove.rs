//! Deletes objects that tiller-guard made.

use kube::api::{DeleteParams, Preconditions, PropagationPolicy};
use serde_json::Value;

use super::attempts::Attempts;
use super::error::Setback;
use super::{Applied, ApplyError, Attempt, Change, Effect, ObjectReference, Writer};

impl Writer {
    /// Removes an object of ours; `model` tells which, and carries the labels that make it ours.
    pub async fn delete(&self, model: &Value) -> Result<Applied, ApplyError> {
        self.effect.check(&self.cluster)?;
        let object = ObjectReference::of(model).ok_or(ApplyError::Nameless)?;
        let mut attempts = Attempts::default();
        while attempts.another().await {
            let done = self.look_and_delete(&object, model).await;
            if let Some(end) = attempts.end(done) {
                return end.map(|change| Applied { object, change });
            }
        }
        Err(attempts.gave_up(object))
    }

    async fn look_and_delete(&self, object: &ObjectReference, model: &Value) -> Attempt {
        const VERB: &str = "delete";
        let Some(live) = self.look(object).await? else {
            return Ok(Change::Absent);
        };
        if let Some(label) = self.strange_label(model, &live).filter(|_| !self.adopt) {
            let object = object.clone();
            return Err((VERB, Setback::Final(ApplyError::NotOurs { object, label })));
        }
        if self.effect == Effect::Look {
            return Ok(Change::Deleted);
        }
        let text = |pointer| live.pointer(pointer)?.as_str().map(ToOwned::to_owned);
        let parameters = DeleteParams {
            dry_run: self.effect == Effect::ServerDryRun,
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: Some(Preconditions {
                uid: text("/metadata/uid"),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match object
            .api(self.cluster.client())
            .delete(&object.name, &parameters)
            .await
        {
            Ok(_) => Ok(Change::Deleted),
            Err(error) => match Setback::of(error, VERB, object) {
                Setback::Missing(_) => Ok(Change::Absent),
                setback => Err((VERB, setback)),
            },
        }
    }
}
