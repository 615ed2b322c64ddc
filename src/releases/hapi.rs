//! The messages of `proto/release.proto`, made by the build.
#![expect(
    missing_docs,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::indexing_slicing,
    reason = "generated; proto/release.proto says what is what"
)]

include!(concat!(env!("OUT_DIR"), "/release.rs"));
