//! Kubernetes' JSON: objects to subjects, and the `AdmissionReview` in and out.

mod access;
mod custody;
mod exposure;
mod object;
mod overlay;
pub mod registration;
pub mod review;
mod route;
mod team;
mod unread;

pub use access::access_object;
pub use custody::{RECORD_SELECTOR, custody_object};
pub use exposure::exposure_object;
pub use object::{Malformed, subject};
pub use overlay::{overlay, unreadable};
pub use team::{TEAM_SELECTOR, team_registration};
pub use unread::sign_of_tiller;
