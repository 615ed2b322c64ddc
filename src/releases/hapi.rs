//! The messages of `proto/release.proto`.
#![expect(
    missing_docs,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    reason = "generated; proto/release.proto says what is what"
)]

include!(concat!(env!("CARGO_MANIFEST_DIR"), "/proto/release.rs"));
