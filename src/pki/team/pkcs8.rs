//! Older forms of private keys as PKCS#8, the one that is read on.
//!
//! Source: RFC 5208 (PKCS#8), RFC 8017 (PKCS#1, `RSA PRIVATE KEY`), RFC 5915 (SEC1, `EC PRIVATE KEY`).

use rustls::pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

/// `rsaEncryption` without parameters.
const RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// `id-ecPublicKey` with the curve P-256.
const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// `id-ecPublicKey` with the curve P-384.
const P384: &[u8] = &[
    0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04,
    0x00, 0x22,
];
/// `INTEGER 0`, the version.
const VERSION: &[u8] = &[0x02, 0x01, 0x00];
const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;

/// What the key may be as PKCS#8; for an EC key a form for each curve, of which the right one can be read.
pub(super) fn forms(key: &PrivateKeyDer<'_>) -> Vec<Zeroizing<Vec<u8>>> {
    match key {
        PrivateKeyDer::Pkcs8(key) => vec![Zeroizing::new(key.secret_pkcs8_der().to_vec())],
        PrivateKeyDer::Pkcs1(key) => vec![wrapped(RSA, key.secret_pkcs1_der())],
        PrivateKeyDer::Sec1(key) => {
            let key = key.secret_sec1_der();
            vec![wrapped(P256, key), wrapped(P384, key)]
        }
        _ => Vec::new(),
    }
}

fn wrapped(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut inner = Zeroizing::new(Vec::with_capacity(key.len() + 64));
    inner.extend_from_slice(VERSION);
    inner.extend_from_slice(algorithm);
    element(&mut inner, OCTET_STRING, key);
    let mut whole = Zeroizing::new(Vec::with_capacity(inner.len() + 8));
    element(&mut whole, SEQUENCE, &inner);
    whole
}

/// An element in DER: its tag, its length in as few octets as it takes, its content.
fn element(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = content.len().to_be_bytes();
    let digits = length.iter().position(|octet| *octet != 0);
    let digits = digits.and_then(|start| length.get(start..)).unwrap_or(&[0]);
    match digits {
        [short] if *short < 0x80 => out.push(*short),
        _ => {
            // Lengths have eight octets at the most.
            out.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
            out.extend_from_slice(digits);
        }
    }
    out.extend_from_slice(content);
}
