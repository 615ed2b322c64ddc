//! Kubernetes' JSON: objects to what is judged, and the `AdmissionReview` in and out.

mod beside;
mod custody;
mod exposure;
mod overlay;
mod rbac;
mod read;
pub mod review;
mod route;
mod team;
mod unknown_kind;
pub mod webhook_configuration;
mod workload;

pub use beside::{
    preset_of_tiller, strategy_of_tiller, texts_under, trigger_of_tiller, user_that, way_beside,
};
pub use custody::RECORD_SELECTOR;
pub use overlay::overlay;
pub use read::{Malformed, read};
pub use team::{TEAM_SELECTOR, team_registration};
pub use unknown_kind::{find_text, sign_of_tiller, way_to_tiller};
