//! Kubernetes' JSON: objects to subjects, and the `AdmissionReview` in and out.

mod object;
pub mod review;

pub use object::{Malformed, subject};
