//! CEL, evaluated by programs outside: `tests/cel` has two, which answer the same questions.
//!
//! `CEL_EVALUATOR` names the one that is made of the API server's own library (`make conditions`); without it, the
//! package cel-expr-python checks types and evaluates.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};

/// The oldest Kubernetes with conditions.
pub(super) const OLDEST: &str = "1.28";

static EVALUATOR: LazyLock<Mutex<Evaluator>> = LazyLock::new(|| Mutex::new(Evaluator::start()));

struct Evaluator {
    _process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What is said of an expression.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    /// The version of Kubernetes that the library is made for, where nothing was asked.
    #[serde(default)]
    pub(super) library: String,
    /// Why it does not compile.
    #[serde(default)]
    pub(super) error: Option<String>,
    /// Its type.
    #[serde(default, rename = "type")]
    pub(super) kind: String,
    /// What it comes to for each request.
    #[serde(default)]
    pub(super) results: Vec<Evaluated>,
}

/// What an expression comes to.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Evaluated {
    #[serde(default)]
    pub(super) value: Value,
    #[serde(default)]
    pub(super) error: Option<String>,
    /// In the API server's units; 0 where nobody counts.
    #[serde(default)]
    pub(super) cost: u64,
}

fn python() -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cel");
    let output = Command::new(folder.join("environment.sh"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "tests/cel/environment.sh failed");
    let python = String::from_utf8(output.stdout).unwrap();
    let mut command = Command::new(python.trim());
    command.arg(folder.join("evaluate.py"));
    command
}

impl Evaluator {
    fn start() -> Self {
        let mut command = std::env::var_os("CEL_EVALUATOR").map_or_else(python, Command::new);
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            questions: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            _process: process,
        }
    }

    fn ask(&mut self, question: &Value) -> Answer {
        self.questions
            .write_all(format!("{question}\n").as_bytes())
            .unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }
}

/// The version of Kubernetes that the API server's own evaluator is made for.
pub(super) fn library() -> String {
    ask(&json!({})).library
}

/// What an expression comes to for these requests, in the environment of a version; the newest where it is empty.
pub(super) fn evaluate(expression: &str, version: &str, requests: &[Value]) -> Answer {
    ask(&json!({ "expression": expression, "version": version, "requests": requests }))
}

fn ask(question: &Value) -> Answer {
    let mut evaluator = EVALUATOR.lock().unwrap_or_else(PoisonError::into_inner);
    evaluator.ask(question)
}
