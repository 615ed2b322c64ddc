//! The Secret that keeps a record of Helm 3.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::error::ConvertError;
use super::record::{Converted, convert};
use crate::releases::encoding::{compress, message};
use crate::releases::hapi::Release;
use crate::releases::moment::rfc3339;
use crate::releases::record::{KEY, MAX_SIZE};
use crate::releases::status::Status;

/// The type of these Secrets.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";
/// The label by which Helm 3 finds its records, and its value.
pub const OWNER_LABEL: (&str, &str) = ("owner", "helm");
/// The annotation that says of which record one was made. Helm 3 drops it when it first writes the record, so that it is on
/// those only that Helm 3 has not touched.
pub const MIGRATED_FROM: &str = "tiller-guard.io/migrated-from";

/// The name of a release's Secret.
pub fn secret_name(release: &str, revision: i32) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// The Secret for a release; `from` is the record that it is made of. The files of subcharts are left out of one that would
/// be too large.
pub fn secret(release: &Release, from: &str) -> Result<(Value, Converted), ConvertError> {
    let mut size = 0;
    for keep_subcharts in [true, false] {
        let converted = convert(release, keep_subcharts)?;
        let text = compress(converted.release.to_string().as_bytes()).unwrap_or_default();
        size = text.len();
        if !text.is_empty() && size <= MAX_SIZE {
            return Ok((object(release, &text, from), converted));
        }
        if release.chart.dependencies.is_empty() {
            break;
        }
    }
    Err(ConvertError::TooLarge { size })
}

fn object(release: &Release, text: &str, from: &str) -> Value {
    let created = release.info.last_deployed.seconds.max(0);
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(&release.name, release.version),
            "namespace": release.namespace,
            "labels": {
                "name": release.name,
                "owner": OWNER_LABEL.1,
                "status": Status::of(release.info.status.code).in_helm3(),
                "version": release.version.to_string(),
                "createdAt": created.to_string(),
            },
            "annotations": { MIGRATED_FROM: from },
        },
        "type": SECRET_TYPE,
        "data": { KEY: STANDARD.encode(text) },
    })
}

/// The release in a Secret of Helm 3.
pub fn read_object(secret: &Value) -> Option<Value> {
    let data = secret.pointer("/data/release").and_then(Value::as_str)?;
    let text = STANDARD.decode(data).ok()?;
    serde_json::from_slice(&message(&text).ok()?).ok()
}

/// The record of Helm 2 that a Secret was made of, if Helm 3 has not touched it since: `ConfigMap blue-tiller/web.v1`.
pub fn migrated_from(secret: &Value) -> Option<&str> {
    let annotations = secret.pointer("/metadata/annotations")?;
    annotations.get(MIGRATED_FROM)?.as_str()
}

/// Whether a Secret was made of this Tiller's record of its revision, and Helm 3 has not touched it since. Two Tillers may
/// have a release of one name in one namespace.
pub fn is_made_by(secret: &Value, tiller_namespace: &str) -> bool {
    let told = |pointer: &str| secret.pointer(pointer).and_then(Value::as_str);
    let (Some(from), Some(release), Some(revision)) = (
        migrated_from(secret),
        told("/metadata/labels/name"),
        told("/metadata/labels/version"),
    ) else {
        return false;
    };
    let record = format!("{tiller_namespace}/{release}.v{revision}");
    // The other storage holds the same record once it was moved.
    from.rsplit(' ').next() == Some(record.as_str())
}

/// Whether a Secret holds a revision of the install that this release is a revision of: all of them were first deployed at one moment.
pub fn is_of_install(secret: &Value, release: &Release) -> bool {
    let first = rfc3339(release.info.first_deployed.as_option());
    let there = read_object(secret);
    let there = there
        .as_ref()
        .and_then(|it| it.pointer("/info/first_deployed")?.as_str());
    first.is_some() && there == first.as_deref()
}

/// Whether two Secrets of Helm 3 hold the same release, in the same words.
pub fn same(one: &Value, other: &Value) -> bool {
    let labels = |secret: &Value| {
        let label = |key: &str| secret.pointer(&format!("/metadata/labels/{key}")).cloned();
        ["name", "owner", "status", "version"].map(label)
    };
    labels(one) == labels(other)
        && one.get("type") == other.get("type")
        && read_object(one).is_some_and(|release| read_object(other) == Some(release))
}
