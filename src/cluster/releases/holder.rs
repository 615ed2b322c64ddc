//! The process that works on releases, as another one can recognize it.

use std::fs::{read_link, read_to_string};
use std::process;
use std::sync::OnceLock;
use std::time::SystemTime;

/// What is known of another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It runs on this machine.
    Runs,
    /// It has ended, or is this one.
    Ended,
    /// It is of another machine or container.
    Unknown,
}

/// This process: its machine and its boot, the namespace of its process ids, its id, and when it began. Elsewhere than on Linux only a
/// time and its id.
pub(super) fn this() -> &'static str {
    static THIS: OnceLock<String> = OnceLock::new();
    THIS.get_or_init(|| {
        let id = process::id();
        if let (Some(scope), Some(begun)) = (scope(), begun(id)) {
            return format!("{scope}/{id}/{begun}");
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        format!("{}/{id}/0", now.unwrap_or_default().as_nanos())
    })
}

/// The machine's name.
pub(super) fn host() -> String {
    let name = read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "an unknown host".to_owned(),
        name => name.to_owned(),
    }
}

/// Whether a process still runs, by what [`this`] was there.
pub(super) fn life(other: &str) -> Life {
    if other == this() {
        return Life::Ended;
    }
    let parts = other.rsplitn(3, '/').collect::<Vec<_>>();
    let [then, id, place] = parts.as_slice() else {
        return Life::Unknown;
    };
    if scope().as_deref() != Some(*place) {
        return Life::Unknown;
    }
    let now = id.parse().ok().and_then(begun);
    if now.as_deref() == Some(*then) {
        Life::Runs
    } else {
        Life::Ended
    }
}

/// Where ids of processes mean the same.
fn scope() -> Option<String> {
    let boot = read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let ids = read_link("/proc/self/ns/pid").ok()?;
    // Machines that were started from one snapshot have one boot.
    Some(format!("{}/{}/{}", host(), boot.trim(), ids.display()))
}

/// When a process began, in ticks since the boot. `None` if it has ended.
fn begun(id: u32) -> Option<String> {
    let stat = read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The second field is a name in parentheses, which may hold anything.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?;
    let begun = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| begun.to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    fn of(id: u32) -> String {
        format!("{}/{id}/{}", scope().unwrap(), begun(id).unwrap())
    }

    #[test]
    fn a_process_of_this_machine_runs_until_it_ends() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let other = of(child.id());
        assert_eq!(life(&other), Life::Runs);
        assert_eq!(life(&format!("{other}1")), Life::Ended);
        assert_eq!(life(this()), Life::Ended);
        assert_eq!(of(process::id()), this());
        for elsewhere in [&format!("x{other}"), "17/4/0", "", "a"] {
            assert_eq!(life(elsewhere), Life::Unknown, "{elsewhere}");
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(life(&other), Life::Ended);
    }
}
