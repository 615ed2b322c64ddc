//! Ctrl-C or SIGTERM in a command that writes to a cluster: what is half done, and the command that does the rest.
//!
//! There is one listener. [`Steps`] ends the process at once, on a thread of its own: a command may wait for a person. [`unless_interrupted`]
//! drops the work, so that its caller can ask the cluster what the work has left.

use std::collections::BTreeMap;
use std::future::pending;
use std::io::{self, IsTerminal as _, Write as _};
use std::process;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::Exit;
use super::again::again;
use crate::cluster::apply::Effect;

/// Back to the beginning of the terminal's line, and nothing on it.
const CLEAR: &str = "\r\x1b[2K";

/// The steps that a command has begun and not finished, by what they are about.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps(Arc<Mutex<BTreeMap<String, String>>>);

// === impl Steps ===

impl Steps {
    /// Those of a command with this effect: without writes, nothing is half done.
    pub(super) fn of(effect: Effect) -> Self {
        match effect {
            Effect::Write => Self::watched(),
            Effect::Look | Effect::ServerDryRun => Self::default(),
        }
    }

    /// Steps that are printed on a signal; then the process exits. The signal has a thread of its own: a command may wait for a person
    /// or compute.
    fn watched() -> Self {
        let steps = Self::default();
        let watched = steps.clone();
        let watch = move || {
            let runtime = Builder::new_current_thread().enable_io().build();
            if let Ok(runtime) = runtime {
                watched.leave(runtime.block_on(interrupted()));
            }
        };
        // Without the thread, the signal ends the process as it ends any other.
        drop(
            thread::Builder::new()
                .name("interrupt".to_owned())
                .spawn(watch),
        );
        steps
    }

    /// Takes down what begins now; what was begun before of the same has ended.
    pub(super) fn begin(&self, of: &str, what: impl Into<String>) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.insert(of.to_owned(), what.into());
    }

    /// All of it is done.
    pub(super) fn end(&self, of: &str) {
        let mut steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steps.remove(of);
    }

    fn text(&self) -> String {
        let steps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = if steps.is_empty() {
            "interrupted; nothing is half done\n".to_owned()
        } else {
            let lines = steps.iter().map(|(of, what)| format!("  {of}: {what}\n"));
            "interrupted; half done:\n".to_owned() + &lines.collect::<String>()
        };
        begun + "run the same command again, and it does the rest:\n  " + &again() + "\n"
    }

    fn leave(&self, exit: Exit) {
        let mut out = io::stderr();
        if out.is_terminal() {
            write!(out, "{CLEAR}").ok();
        }
        write!(out, "{}", self.text()).ok();
        process::exit(exit as i32)
    }
}

/// Does something unless a signal comes first; then the exit code by which shells know that signal.
pub(super) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Exit> {
    tokio::select! {
        done = work => Ok(done),
        exit = interrupted() => Err(exit),
    }
}

/// Waits for a signal that ends a command: the exit code by which shells know it.
async fn interrupted() -> Exit {
    tokio::select! {
        () = signalled(SignalKind::interrupt()) => Exit::Interrupted,
        () = signalled(SignalKind::terminate()) => Exit::Terminated,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_and_not_finished_is_named() {
        let steps = Steps::default();
        assert!(
            steps
                .text()
                .starts_with("interrupted; nothing is half done\nrun ")
        );
        steps.begin("red", "roles");
        steps.begin("blue", "roles");
        steps.begin("blue", "Tiller");
        steps.end("red");
        let text = steps.text();
        assert!(
            text.starts_with(
                "interrupted; half done:\n  blue: Tiller\nrun the same command again, "
            ),
            "{text}"
        );
    }
}
