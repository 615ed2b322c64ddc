//! What goes on beside the reviews, and whoever runs the server hands in: the health port tells of it.

use std::fmt;
use std::sync::Arc;

use prometheus_client::registry::Registry;

use super::consult::Consult;
use crate::k8s::review::Answer;

/// Says what is still waited for before reviews can be judged by all that should be known; nothing once they can.
pub type WaitsFor = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// Adds to the metrics of the process.
pub type RegisterMetrics = Arc<dyn Fn(&mut Registry) + Send + Sync>;

/// Is told of each answer to the API server before it is sent; of none whose caller may be anybody. Whoever asked is waiting still, so that it must not wait itself.
pub type Answered = Arc<dyn Fn(&Answer) + Send + Sync>;

/// What goes on beside the reviews.
#[derive(Clone, Default)]
pub struct Background {
    /// Without it the server waits for nothing.
    pub waits_for: Option<WaitsFor>,
    /// What it counts.
    pub metrics: Option<RegisterMetrics>,
    /// How to look up what a decision hangs on. Without it, what is known has to do.
    pub consult: Option<Consult>,
    /// Whom else answers are told to.
    pub answered: Option<Answered>,
}

impl fmt::Debug for Background {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Background").finish_non_exhaustive()
    }
}
