//! From a request for a token, a Secret or a ConfigMap to what it holds of a Tiller's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use ring::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::workload::told_namespace;
use crate::json::{ReadError, Source, fields, read as read_value};
use crate::pod::Text;
use crate::policy::custody::{
    CaFile, ConfigMap, CustodyKind, CustodyObject, KeyMaterial, Secret, TokenRequest,
};

/// The largest `ca.crt` that is read, in bytes: a CA's certificate takes some hundred to two thousand.
const MAX_PEM: usize = 64 << 10;
/// The value of the label `OWNER` that Tiller gives its records (`pkg/storage/driver`).
const OWNER: &str = "TILLER";
/// The labels of Tiller's records, as a selector of the API.
pub const RECORD_SELECTOR: &str = "OWNER=TILLER";

/// Reads an object of this kind.
pub(super) fn read<'j, S: Source<'j>>(
    kind: CustodyKind,
    object: &mut S,
) -> Result<CustodyObject<'j>, ReadError> {
    Ok(match kind {
        CustodyKind::TokenRequest => {
            let TokenRequestFields { spec } = read_value(object)?;
            let bound = spec.bound_object_ref.unwrap_or_default();
            CustodyObject::TokenRequest(TokenRequest {
                for_pod: bound.kind == "Pod",
                ..TokenRequest::default()
            })
        }
        CustodyKind::Secret => {
            let SecretFields {
                metadata,
                kind,
                data,
                string_data,
            } = read_value(object)?;
            let Metadata {
                name,
                namespace,
                labels,
                annotations,
            } = metadata;
            CustodyObject::Secret(Secret {
                namespace: told_namespace(namespace).0,
                name,
                kind,
                account: annotations.unwrap_or_default().account,
                holds_release: labels.is_some_and(|labels| labels.owner == OWNER),
                ca_file: ca_file_of(data.as_ref(), string_data.as_ref()),
                material: material(data.unwrap_or_default(), string_data.unwrap_or_default()),
            })
        }
        CustodyKind::ConfigMap => {
            let ConfigMapFields { metadata } = read_value(object)?;
            let Metadata {
                name,
                namespace,
                labels,
                ..
            } = metadata;
            CustodyObject::ConfigMap(ConfigMap {
                namespace: told_namespace(namespace).0,
                name,
                holds_release: labels.is_some_and(|labels| labels.owner == OWNER),
            })
        }
    })
}

#[derive(Default)]
struct ConfigMapFields<'a> {
    metadata: Metadata<'a>,
}

fields!(ConfigMapFields<'a> {
    "metadata" => metadata,
});

#[derive(Default)]
struct TokenRequestFields<'a> {
    spec: TokenRequestSpec<'a>,
}

fields!(TokenRequestFields<'a> {
    "spec" => spec,
});

#[derive(Default)]
struct TokenRequestSpec<'a> {
    bound_object_ref: Option<BoundObject<'a>>,
}

fields!(TokenRequestSpec<'a> {
    "boundObjectRef" => bound_object_ref,
});

#[derive(Default)]
struct BoundObject<'a> {
    kind: Text<'a>,
}

fields!(BoundObject<'a> {
    "kind" => kind,
});

#[derive(Default)]
struct SecretFields<'a> {
    metadata: Metadata<'a>,
    kind: Text<'a>,
    data: Option<Data<'a>>,
    string_data: Option<Data<'a>>,
}

fields!(SecretFields<'a> {
    "metadata" => metadata,
    "type" => kind,
    "data" => data,
    "stringData" => string_data,
});

/// What Tiller reads of a Secret: in `data` in base64, in `stringData`, which counts first, as it is.
#[derive(Default)]
struct Data<'a> {
    ca_certificates: Option<Text<'a>>,
    certificate: Option<Text<'a>>,
    key: Option<Text<'a>>,
}

fields!(Data<'a> {
    "ca.crt" => ca_certificates,
    "tls.crt" => certificate,
    "tls.key" => key,
});

#[derive(Default)]
struct Metadata<'a> {
    name: Text<'a>,
    namespace: Text<'a>,
    labels: Option<Labels<'a>>,
    annotations: Option<Annotations<'a>>,
}

fields!(Metadata<'a> {
    "name" => name,
    "namespace" => namespace,
    "labels" => labels,
    "annotations" => annotations,
});

#[derive(Default)]
struct Labels<'a> {
    owner: Text<'a>,
}

fields!(Labels<'a> {
    "OWNER" => owner,
});

#[derive(Default)]
struct Annotations<'a> {
    account: Text<'a>,
}

fields!(Annotations<'a> {
    "kubernetes.io/service-account.name" => account,
});

fn material<'a>(data: Data<'a>, string_data: Data<'a>) -> KeyMaterial<'a> {
    let Data {
        ca_certificates,
        certificate,
        key,
    } = string_data;
    KeyMaterial {
        files: [
            ca_certificates.or(data.ca_certificates),
            certificate.or(data.certificate),
            key.or(data.key),
        ],
    }
}

/// The CAs of a Secret's `ca.crt`.
fn ca_file_of(data: Option<&Data<'_>>, string_data: Option<&Data<'_>>) -> CaFile {
    fn file<'d>(data: Option<&'d Data<'_>>) -> Option<&'d str> {
        data?.ca_certificates.as_deref()
    }
    if let Some(text) = file(string_data) {
        return ca_file(text.as_bytes());
    }
    let Some(text) = file(data) else {
        return CaFile::Absent;
    };
    if text.len() > 2 * MAX_PEM {
        return TOO_LARGE;
    }
    // Go's decoder skips the ends of lines.
    let text: Vec<u8> = text
        .bytes()
        .filter(|byte| !matches!(byte, b'\r' | b'\n'))
        .collect();
    STANDARD
        .decode(text)
        .map_or(CaFile::Unreadable("it is not base64"), |pem| ca_file(&pem))
}

const TOO_LARGE: CaFile = CaFile::Unreadable("it is larger than 64 KiB");

/// The CAs of a PEM text that holds certificates and nothing else. Whatever Go could take for another block is counted,
/// so that it sees no certificate that is not seen here.
fn ca_file(pem: &[u8]) -> CaFile {
    if pem.len() > MAX_PEM {
        return TOO_LARGE;
    }
    let begun = memmem::find_iter(pem, b"-----BEGIN").count();
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem)
        .map(|der| der.map(|der| fingerprint(&der)))
        .collect();
    match certificates {
        Ok(certificates) if certificates.len() == begun && begun > 0 => {
            CaFile::Certificates(certificates)
        }
        _ => CaFile::Unreadable("it is not a PEM file of certificates only"),
    }
}

fn fingerprint(der: &[u8]) -> [u8; 32] {
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(digest(&SHA256, der).as_ref());
    fingerprint
}
