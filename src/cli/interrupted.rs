//! What a command that changes a cluster says if a signal ends it halfway.

use std::future::pending;

use tokio::signal::unix::{SignalKind, signal};

use super::Exit;

/// Does something unless a signal comes first; then the exit code by which shells know that signal.
pub(super) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Exit> {
    tokio::select! {
        done = work => Ok(done),
        () = signalled(SignalKind::interrupt()) => Err(Exit::Interrupted),
        () = signalled(SignalKind::terminate()) => Err(Exit::Terminated),
    }
}

/// Waits for a signal; for ever if none can be listened for.
async fn signalled(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => {
            let _came = signals.recv().await;
        }
        Err(_) => pending().await,
    }
}
