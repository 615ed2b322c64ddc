//! Kubernetes' JSON: objects to what is judged, and the `AdmissionReview` in and out.

mod custody;
mod exposure;
mod overlay;
mod rbac;
pub mod registration;
pub mod review;
mod route;
mod team;
mod unknown_kind;
mod workload;

pub use custody::{RECORD_SELECTOR, custody_object};
pub use exposure::exposure_object;
pub use overlay::{overlay, unreadable};
pub use rbac::rbac_object;
pub use team::{TEAM_SELECTOR, team_registration};
pub use unknown_kind::sign_of_tiller;
pub use workload::{Malformed, workload};
