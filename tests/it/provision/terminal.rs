//! What a person sees and is asked on a terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::cluster::{World, assert_tells, done, make, words};

/// The end of what Ctrl-D ends.
const END: &[u8] = b"\x04";

/// A run on a terminal of its own.
struct Terminal {
    keyboard_and_screen: File,
    child: Child,
    seen: String,
}

// === impl Terminal ===

impl Terminal {
    fn run(words: &[&str]) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let kubeconfig = crate::api_server::cluster().kubeconfig();
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        let child = Command::new(env!("CARGO_BIN_EXE_tiller-guard"))
            .args(words)
            .arg(format!("--kubeconfig={}", kubeconfig.display()))
            .env_clear()
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .spawn()
            .unwrap();
        Self {
            keyboard_and_screen: controller.into(),
            child,
            seen: String::new(),
        }
    }

    /// Reads on until the run ends, or this is on the screen.
    fn read_until(&mut self, wanted: &str) {
        let mut buffer = [0; 4096];
        while !self.seen.ends_with(wanted) {
            // The last process that has the terminal open takes it away: EIO.
            let Ok(length @ 1..) = self.keyboard_and_screen.read(&mut buffer) else {
                break;
            };
            self.seen
                .push_str(str::from_utf8(&buffer[..length]).unwrap());
        }
    }

    /// Answers the question, and gives the exit code with all that was seen.
    fn answer(mut self, keys: &[u8]) -> (Option<i32>, String) {
        self.read_until("[y/N] ");
        self.keyboard_and_screen.write_all(keys).unwrap();
        self.end()
    }

    fn end(mut self) -> (Option<i32>, String) {
        self.read_until("\0");
        (self.child.wait().unwrap().code(), self.seen)
    }
}

#[tokio::test]
async fn nothing_is_deleted_before_somebody_says_yes() {
    let world = World::create().await;
    done(make("p-asked", &[]));
    let before = world.labelled("p-asked").await;
    let deprovision = ["deprovision", "p-asked"];
    for no in [&b"n\n"[..], b"\n", b"ye\n", END] {
        let (code, seen) = Terminal::run(&deprovision).answer(no);
        assert_eq!(code, Some(1), "{seen}");
        assert_tells(
            &seen,
            "This deletes:\r\n  Deployment p-asked-t/tiller-deploy\r\n",
        );
        assert_tells(&seen, "Nothing was deleted.\r\n");
        assert_eq!(world.labelled("p-asked").await, before, "{seen}");
    }
    let (code, seen) = Terminal::run(&deprovision).answer(b"y\n");
    assert_eq!(code, Some(0), "{seen}");
    assert_tells(&seen, "p-asked: ConfigMap tiller-guard/p-asked deleted\r\n");
    assert_eq!(world.labelled("p-asked").await, Vec::<String>::new());
}

/// Elsewhere these lines are not told: see the other tests, which know each word of both streams.
#[tokio::test]
async fn what_is_done_now_is_one_line_that_the_next_takes_away() {
    let _world = World::create().await;
    let words = words("p-screen");
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let (code, seen) = Terminal::run(&[&["provision"], &words[..]].concat()).end();
    assert_eq!(code, Some(0), "{seen}");
    for passing in [
        "looking",
        "CA and namespaces",
        "team, account and roles",
        "Tiller",
    ] {
        let line = format!("\r\x1b[2K\x1b[?7lp-screen: {passing}\x1b[?7h\r\x1b[2K");
        assert_tells(&seen, &line);
    }
    assert_tells(
        &seen,
        "\r\x1b[2Kp-screen: Deployment p-screen-t/tiller-deploy created\r\n",
    );
    assert!(
        seen.ends_with("\r\x1b[2Kp-screen: 13 of 13 objects changed\r\n"),
        "{seen:?}"
    );
}
