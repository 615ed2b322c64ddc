//! Private keys, which are wiped when they are dropped and never shown.

use std::fmt;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::{Zeroize as _, Zeroizing};

use super::{MAX_PEM, pkcs8};

/// A private key.
pub struct PrivateKey {
    pair: KeyPair,
}

/// A private key cannot be read, or none can be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The text is too large to be a key.
    #[error("the private key's text is larger than {} KiB", MAX_PEM >> 10)]
    TooLarge,
    /// The text holds no private key.
    #[error("there is no readable PRIVATE KEY block; a key with a passphrase cannot be read")]
    Pem(#[source] pem::Error),
    /// The key is of another kind, or damaged.
    #[error(
        "the private key cannot be used; ECDSA P-256 and P-384 and RSA of 2048 to 4096 bits can"
    )]
    Unusable,
    /// The machine gives no random numbers.
    #[error("cannot make a private key")]
    Make(#[source] rcgen::Error),
}

// === impl PrivateKey ===

impl PrivateKey {
    /// Makes one: ECDSA P-256, which every Helm and Tiller reads.
    pub fn create() -> Result<Self, KeyError> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(KeyError::Make)?;
        Ok(Self { pair })
    }

    /// Reads one from PEM: PKCS#8, PKCS#1 or SEC1, without passphrase.
    pub fn read(pem: &[u8]) -> Result<Self, KeyError> {
        if pem.len() > MAX_PEM {
            return Err(KeyError::TooLarge);
        }
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(KeyError::Pem)?;
        let pair = pkcs8::forms(&key)
            .iter()
            .find_map(|der| KeyPair::try_from(&PrivatePkcs8KeyDer::from(der.as_slice())).ok())
            .ok_or(KeyError::Unusable)?;
        // Tiller and Helm before 2.15, built with Go before 1.13, read no Ed25519.
        if pair.is_compatible(&rcgen::PKCS_ED25519) {
            return Err(KeyError::Unusable);
        }
        Ok(Self { pair })
    }

    /// The key as PKCS#8 PEM.
    pub fn pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.pair.serialize_pem())
    }

    /// What signs with it.
    pub(super) fn pair(&self) -> &KeyPair {
        &self.pair
    }
}

impl Drop for PrivateKey {
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

/// Without the key.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PrivateKey(…)")
    }
}
