//! What ends a revision that was left pending.

use super::examine::is_plain;
use super::status::Status;

/// What to do with a release whose newest revision is pending; `running` is the revision that runs below it. Tiller 2.17.0
/// refuses to upgrade such a release.
pub(super) fn pending_remedy(release: &str, status: Status, running: Option<i32>) -> String {
    let name = in_a_command(release);
    let ends = match (status, running) {
        (Status::PendingInstall, None) => format!("helm delete --purge {name}"),
        (Status::Deleting, _) => format!("helm delete {name}"),
        (_, Some(revision)) => format!("helm rollback {name} {revision}"),
        (_, None) => format!("helm rollback {name} REVISION, with the revision that runs"),
    };
    format!("wait until it is done; if no Tiller works on it: {ends}")
}
/// What Helm 3 and 4 make of a newest revision whose status is unknown (seen with 3.17.3 and 4.3.1), and what to do.
pub(super) fn unknown_remedy(release: &str, revision: i32) -> String {
    let name = in_a_command(release);
    format!(
        "revision {revision} is UNKNOWN: `helm list` leaves such a release out, and `helm upgrade` refuses it if no revision is \
         deployed; to have one, run: helm rollback {name} {revision}"
    )
}

/// A release's name, as far as a shell takes it for a name.
fn in_a_command(release: &str) -> &str {
    if is_plain(release) {
        release
    } else {
        "RELEASE"
    }
}
