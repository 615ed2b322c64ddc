//! Kubernetes' JSON: objects to subjects, and the `AdmissionReview` in and out.

mod access;
mod custody;
mod exposure;
mod object;
pub mod registration;
pub mod review;

pub use access::access_object;
pub use custody::custody_object;
pub use exposure::exposure_object;
pub use object::{Malformed, subject};
