//! From a request for a token, or a Secret, to what it holds of a Tiller's.

use serde::Deserialize;
use serde::de::Deserializer;

use super::Malformed;
use crate::pod::Text;
use crate::policy::custody::{CustodyKind, CustodyObject, Secret, TokenRequest};

/// Reads an object of this kind, borrowed where the deserialiser lends (JSON text, or a
/// `&serde_json::Value`).
pub fn custody_object<'de, D: Deserializer<'de>>(
    kind: CustodyKind,
    object: D,
) -> Result<CustodyObject<'de>, Malformed> {
    read(kind, object).map_err(|error| Malformed {
        kind: kind.as_str(),
        reason: error.to_string(),
    })
}

/// The same, with the deserialiser's own error.
pub(super) fn read<'de, D: Deserializer<'de>>(
    kind: CustodyKind,
    object: D,
) -> Result<CustodyObject<'de>, D::Error> {
    Ok(match kind {
        CustodyKind::TokenRequest => {
            let TokenRequestFields { spec } = TokenRequestFields::deserialize(object)?;
            let bound = spec.bound_object_ref.unwrap_or_default();
            CustodyObject::TokenRequest(TokenRequest {
                for_pod: bound.kind == "Pod",
                ..TokenRequest::default()
            })
        }
        CustodyKind::Secret => {
            let SecretFields { metadata, kind } = SecretFields::deserialize(object)?;
            let Metadata {
                name,
                namespace,
                annotations,
            } = metadata;
            CustodyObject::Secret(Secret {
                namespace: Some(namespace).filter(|namespace| !namespace.is_empty()),
                name,
                kind,
                account: annotations.unwrap_or_default().account,
            })
        }
    })
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct TokenRequestFields<'a> {
    #[serde(default)]
    spec: TokenRequestSpec<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, bound(deserialize = "'de: 'a"))]
struct TokenRequestSpec<'a> {
    bound_object_ref: Option<BoundObject<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct BoundObject<'a> {
    kind: Text<'a>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
struct SecretFields<'a> {
    #[serde(default)]
    metadata: Metadata<'a>,
    #[serde(default, rename = "type")]
    kind: Text<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Metadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    annotations: Option<Annotations<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Annotations<'a> {
    #[serde(rename = "kubernetes.io/service-account.name")]
    account: Text<'a>,
}
