//! Helm 3's records, made of Helm 2's.
//!
//! Source: `pkg/release`, `pkg/chart` and `pkg/storage/driver/secrets.go`, Helm 3.17; Helm 4 reads the same.

mod chart;
mod error;
mod hook;
mod object;
mod record;
mod text;
mod values;

pub use error::ConvertError;
pub use object::{
    MIGRATED_FROM, OWNER_LABEL, SECRET_TYPE, is_made_by, is_of_install, migrated_from, read_object,
    same, secret, secret_name,
};
pub use record::{Converted, convert};
