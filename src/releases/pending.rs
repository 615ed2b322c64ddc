//! What ends a revision that was left pending.

use super::examine::is_plain;
use super::status::Status;

/// What to do with a release whose newest revision is pending; `running` is the revision that runs below it. Tiller 2.17.0
/// refuses to upgrade such a release.
pub(super) fn pending_remedy(release: &str, status: Status, running: Option<i32>) -> String {
    let name = if is_plain(release) {
        release
    } else {
        "RELEASE"
    };
    let ends = match (status, running) {
        (Status::PendingInstall, None) => format!("helm delete --purge {name}"),
        (Status::Deleting, _) => format!("helm delete {name}"),
        (_, Some(revision)) => format!("helm rollback {name} {revision}"),
        (_, None) => format!("helm rollback {name} REVISION, with the revision that runs"),
    };
    format!("wait until it is done; if no Tiller works on it: {ends}")
}
