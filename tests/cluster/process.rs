//! Processes and folders that end with the process that made them, however that one ends.
//!
//! Each is watched over by a shell that reads from a pipe of ours. The kernel closes the pipe when we
//! end, by a signal too, and the shell then kills the one process it started, or removes the folder.
//! The shells have process groups of their own: ctrl-c reaches us alone.

use std::fs::{self, DirBuilder, File};
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// A background command's standard input is `/dev/null` in a shell without job control, hence the third
/// descriptor.
const WATCH_SERVER: &str = r#"
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
echo "$server" >"$0"
{ read -r word <&3; [ "$word" = keep ] || kill -KILL "$server"; } &
watch=$!
wait "$server"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
"#;

/// Servers that are being killed may still write for a moment.
const WATCH_FOLDER: &str = r#"
read -r word
[ "$word" = keep ] && exit
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$0" 2>/dev/null && exit
  sleep 0.2
done
"#;

/// A running server.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    log: PathBuf,
    pid_file: PathBuf,
    watch: Child,
    lifeline: Option<ChildStdin>,
}

/// A temporary folder of our own, readable by us alone.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    watch: Child,
    lifeline: Option<ChildStdin>,
}

// === impl Server ===

impl Server {
    /// Starts a program whose output goes to a log in the folder.
    pub fn start(
        name: &'static str,
        program: &Path,
        arguments: &[String],
        folder: &Folder,
    ) -> Result<Self> {
        let (log, pid_file) = (
            folder.join(&format!("{name}.log")),
            folder.join(&format!("{name}.pid")),
        );
        let output =
            File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut watch = Command::new("sh")
            .args(["-c", WATCH_SERVER])
            .arg(&pid_file)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let lifeline = watch.stdin.take();
        Ok(Self {
            name,
            log,
            pid_file,
            watch,
            lifeline,
        })
    }

    /// The server's own process id.
    pub fn pid(&self) -> Result<u32> {
        let text = fs::read_to_string(&self.pid_file)
            .with_context(|| format!("{} has no process id", self.name))?;
        text.trim()
            .parse()
            .with_context(|| format!("{} has no process id yet", self.name))
    }

    /// What it wrote so far.
    pub fn log(&self) -> String {
        fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Asks again and again until the answer is yes. Fails with the end of the log when the server ends
    /// or the time is over.
    pub async fn wait_until<F: Future<Output = Result<()>>>(
        &mut self,
        limit: Duration,
        mut ask: impl FnMut() -> F,
    ) -> Result<()> {
        let start = Instant::now();
        loop {
            let Err(refusal) = ask().await else {
                return Ok(());
            };
            if let Some(status) = self.watch.try_wait()? {
                bail!("{} ended with {status}:\n{}", self.name, self.log_tail());
            }
            if start.elapsed() > limit {
                bail!(
                    "{} is not ready after {} s ({refusal:#}):\n{}",
                    self.name,
                    limit.as_secs(),
                    self.log_tail()
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) -> Result<()> {
        let pid = self.pid()?.to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        if !sent.context("cannot run kill")?.success() {
            bail!("{} is gone", self.name);
        }
        Ok(())
    }

    /// Waits until it has ended. What was ended by a signal has no code of its own: the shell's is 128 and the number.
    pub async fn ended(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.watch.try_wait()? {
                return Ok(status);
            }
            if start.elapsed() > limit {
                bail!("{} goes on:\n{}", self.name, self.log_tail());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Lets the server outlive us.
    pub fn keep(mut self) -> Result<u32> {
        let pid = self.pid()?;
        keep(self.lifeline.take())?;
        Ok(pid)
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let mut lines: Vec<&str> = log.lines().rev().take(20).collect();
        lines.reverse();
        lines.join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.lifeline.take().is_some() {
            let _ended = self.watch.wait();
        }
    }
}

// === impl Folder ===

impl Folder {
    /// Makes one.
    pub fn create() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!(
            "tiller-guard-cluster-{}-{count}",
            std::process::id()
        ));
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        let mut watch = Command::new("sh")
            .args(["-c", WATCH_FOLDER])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("cannot start a shell")?;
        let lifeline = watch.stdin.take();
        Ok(Self {
            path,
            watch,
            lifeline,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file in it, and gives its path as an argument's text.
    pub fn write(&self, name: &str, content: &str) -> Result<String> {
        let path = self.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path.display().to_string())
    }

    /// Lets the folder outlive us.
    pub fn keep(mut self) -> Result<()> {
        keep(self.lifeline.take())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.lifeline.take().is_some() {
            let _ended = self.watch.wait();
        }
    }
}

fn keep(lifeline: Option<ChildStdin>) -> Result<()> {
    let mut lifeline = lifeline.context("not watched over")?;
    lifeline
        .write_all(b"keep\n")
        .context("cannot tell the watching shell")
}
