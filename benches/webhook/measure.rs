//! One process after another, under the same load.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::bodies::{Review, reviews};
use crate::cluster::{Folder, Guard, TestCa};
use crate::handler::Handler;
use crate::load::{Answered, Load};

const WARM_UP: Duration = Duration::from_millis(500);
const RUN: Duration = Duration::from_secs(4);

/// The programs that are compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Program {
    TillerGuard,
    /// A build to compare with: the program that `BENCH_AGAINST` names.
    Older,
    Handler(Handler),
}

/// What was measured of one.
pub(crate) struct Process {
    pub(crate) program: Program,
    /// From exec to the first answered review.
    pub(crate) first_answer: Duration,
    /// Resident memory before any load, in bytes.
    pub(crate) idle_memory: u64,
    /// Resident memory after all of it.
    pub(crate) memory: u64,
    pub(crate) loads: Vec<Loaded>,
}

/// What was measured under one load.
pub(crate) struct Loaded {
    pub(crate) review: &'static str,
    pub(crate) bytes: usize,
    pub(crate) answered: Answered,
    /// The server's CPU time for each review.
    pub(crate) processor: Duration,
}

// === impl Program ===

impl Program {
    fn all() -> Vec<Self> {
        let mut all = vec![Self::TillerGuard];
        all.extend(older().map(|_| Self::Older));
        all.extend([Handler::Constant, Handler::Plain, Handler::Server].map(Self::Handler));
        all
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TillerGuard => "tiller-guard",
            Self::Older => "older build",
            Self::Handler(Handler::Constant) => "(a) constant",
            Self::Handler(Handler::Plain) => "(b) plain",
            Self::Handler(Handler::Server) => "server alone",
        }
    }

    /// The program and its first words, on the first core where that can be said.
    pub(crate) fn command(self) -> Result<Vec<String>> {
        let (program, word) = match self {
            Self::TillerGuard => (PathBuf::from(env!("CARGO_BIN_EXE_tiller-guard")), "serve"),
            Self::Older => (older().context("BENCH_AGAINST names no program")?, "serve"),
            Self::Handler(handler) => (env::current_exe()?, handler.word()),
        };
        let program = program.to_str().context("a path that is no text")?;
        let pinned = Command::new("taskset").args(["-c", "0", "true"]).status();
        let taskset: &[&str] = if pinned.is_ok_and(|status| status.success()) {
            &["taskset", "-c", "0"]
        } else {
            &[]
        };
        Ok(taskset
            .iter()
            .copied()
            .chain([program, word])
            .map(ToOwned::to_owned)
            .collect())
    }

    fn start(self, ca: &TestCa, folder: &Folder) -> Result<Guard> {
        let command = self.command()?;
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let (program, words) = words.split_first().context("no program")?;
        Guard::start(Path::new(program), words, (1, 20), None, ca, folder)
    }
}

/// All programs, with all reviews.
pub(crate) async fn all() -> Result<Vec<Process>> {
    let reviews = reviews()?;
    let mut processes = Vec::new();
    for program in Program::all() {
        eprintln!("measuring {}", program.name());
        processes.push(measure(program, &reviews).await?);
    }
    Ok(processes)
}

fn older() -> Option<PathBuf> {
    env::var_os("BENCH_AGAINST").map(PathBuf::from)
}

async fn measure(program: Program, reviews: &[Review]) -> Result<Process> {
    let folder = Folder::create()?;
    let ca = TestCa::create()?;
    let first_answer = first_answer(program, &ca, reviews).await?;
    let mut guard = program.start(&ca, &folder)?;
    guard.ready().await?;
    let load = Load::new(guard.address, &ca.certificate())?;
    let pid = guard.server.pid()?;
    let idle_memory = resident(pid)?;
    // The load never sleeps: to wake it would be work of the server's, the more of it the slower the server is.
    let awake = tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let mut loads = Vec::new();
    for review in reviews {
        let Review { name, path, body } = review;
        load.run(path, body, WARM_UP).await?;
        let before = processor(pid)?;
        let answered = load.run(path, body, RUN).await?;
        let spent = processor(pid)?.saturating_sub(before);
        let count = u32::try_from(answered.count)?;
        loads.push(Loaded {
            review: name,
            bytes: body.len(),
            answered,
            processor: spent / count.max(1),
        });
    }
    awake.abort();
    Ok(Process {
        program,
        first_answer,
        idle_memory,
        memory: resident(pid)?,
        loads,
    })
}

/// The best of several starts: the machine's own noise only ever adds.
async fn first_answer(program: Program, ca: &TestCa, reviews: &[Review]) -> Result<Duration> {
    let Review { path, body, .. } = reviews.first().context("no reviews")?;
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let folder = Folder::create()?;
        let start = Instant::now();
        let guard = program.start(ca, &folder)?;
        let load = Load::new(guard.address, &ca.certificate())?;
        while load.once(path, body).await.is_err() {
            if start.elapsed() > Duration::from_secs(10) {
                load.once(path, body)
                    .await
                    .with_context(|| guard.server.log())?;
            }
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// What the process' threads used of processors: the first number of each one's `schedstat`, in
/// nanoseconds.
pub(crate) fn processor(pid: u32) -> Result<Duration> {
    let mut nanoseconds = 0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        let first = text.split(' ').next().context("an empty schedstat")?;
        nanoseconds += first.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// What the process has in memory, in bytes.
pub(crate) fn resident(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line
        .and_then(|line| line.split_whitespace().next())
        .context("no VmRSS")?;
    Ok(number.parse::<u64>()? * 1024)
}
