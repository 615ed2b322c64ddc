//! What was measured, as a table and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::api_server::{Called, Other};
use crate::measure::{Loaded, Process, Program};

const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What a review costs. Ratios are to handler (a) under the same load.
pub(crate) fn processes_table(processes: &[Process]) -> String {
    let mut text = String::new();
    line(
        &mut text,
        "",
        [
            "review", "bytes", "CPU µs", "× (a)", "req/s", "p50 ms", "p99 ms",
        ]
        .map(ToOwned::to_owned),
    );
    for process in processes {
        for (index, loaded) in process.loads.iter().enumerate() {
            let columns = [
                loaded.review.to_owned(),
                loaded.bytes.to_string(),
                format!("{:.1}", microseconds(loaded)),
                ratio(processes, index, loaded)
                    .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
                format!("{:.0}", rate(loaded)),
                format!("{:.2}", milliseconds(loaded.answered.median)),
                format!("{:.2}", milliseconds(loaded.answered.p99)),
            ];
            line(&mut text, process.program.name(), columns);
        }
    }
    text.push('\n');
    older_table(&mut text, processes);
    for process in processes {
        let _infallible = writeln!(
            text,
            "{:<14} first answer {:.0} ms after exec; {:.1} MiB idle, {:.1} MiB after the load",
            process.program.name(),
            milliseconds(process.first_answer),
            mebibytes(process.idle_memory),
            mebibytes(process.memory),
        );
    }
    text
}

/// The CPU time of each review in the older build and in this one, if there is an older one.
fn older_table(text: &mut String, processes: &[Process]) {
    let find = |wanted: fn(Program) -> bool| processes.iter().find(|it| wanted(it.program));
    let new = find(|program| matches!(program, Program::TillerGuard));
    let old = find(|program| matches!(program, Program::Older));
    let (Some(new), Some(old)) = (new, old) else {
        return;
    };
    for (old, new) in old.loads.iter().zip(&new.loads) {
        let (before, now) = (microseconds(old), microseconds(new));
        let _infallible = writeln!(
            text,
            "{:<26} older build {before:>8.1} µs, this one {now:>8.1} µs: {:.2} ×",
            new.review,
            now / before,
        );
    }
    text.push('\n');
}

/// What the API server sees.
pub(crate) fn calls_table(calls: &[Called], other: Option<Other>) -> String {
    let mut text = String::new();
    for Called {
        program,
        count,
        milliseconds,
    } in calls
    {
        let _infallible = writeln!(
            text,
            "{:<14} {milliseconds:.3} ms mean by the API server's count, over {count} calls of validate",
            program.name(),
        );
    }
    if let Some(Other {
        minor,
        with,
        without,
        least,
    }) = other
    {
        let _infallible = writeln!(
            text,
            "Kubernetes 1.{minor} creates another pod in {with:.3} ms with the webhooks, in {without:.3} ms without, \
             in {least:.3} ms with conditions that are false (medians)",
        );
    }
    text
}

/// The same for programs.
pub(crate) fn json(
    processes: &[Process],
    calls: &[Called],
    other: Option<Other>,
    known: &Value,
) -> Value {
    let loads = |process: &Process| -> Vec<Value> {
        let loads = process.loads.iter().enumerate();
        let load = |(index, loaded): (usize, &Loaded)| {
            json!({
                "review": loaded.review,
                "bytes": loaded.bytes,
                "cpu_microseconds": microseconds(loaded),
                "ratio_to_constant": ratio(processes, index, loaded),
                "requests": loaded.answered.count,
                "requests_per_second": rate(loaded),
                "p50_milliseconds": milliseconds(loaded.answered.median),
                "p99_milliseconds": milliseconds(loaded.answered.p99),
            })
        };
        loads.map(load).collect()
    };
    let process = |process: &Process| {
        json!({
            "program": process.program.name(),
            "first_answer_milliseconds": milliseconds(process.first_answer),
            "idle_memory_bytes": process.idle_memory,
            "memory_bytes": process.memory,
            "loads": loads(process),
        })
    };
    let call = |called: &Called| {
        json!({
            "program": called.program.name(),
            "validate_calls": called.count,
            "validate_mean_milliseconds": called.milliseconds,
        })
    };
    json!({
        "processes": processes.iter().map(process).collect::<Vec<_>>(),
        "api_server": calls.iter().map(call).collect::<Vec<_>>(),
        "another_pod": other.map(|other| json!({
            "kubernetes_minor": other.minor,
            "with_milliseconds": other.with,
            "without_milliseconds": other.without,
            "conditions_that_are_false_milliseconds": other.least,
        })),
        "known_bindings": known,
    })
}

fn line(text: &mut String, program: &str, columns: [String; 7]) {
    let [review, bytes, processor, ratio, rate, median, p99] = columns;
    let _infallible = writeln!(
        text,
        "{program:<14} {review:<26} {bytes:>6} {processor:>8} {ratio:>7} {rate:>8} {median:>8} {p99:>8}"
    );
}

/// To handler (a), the second of the programs.
fn ratio(processes: &[Process], load: usize, loaded: &Loaded) -> Option<f64> {
    let constant = processes.get(1)?.loads.get(load)?;
    Some(microseconds(loaded) / microseconds(constant))
}

fn microseconds(loaded: &Loaded) -> f64 {
    loaded.processor.as_secs_f64() * 1e6
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count of seconds' worth of requests"
)]
fn rate(loaded: &Loaded) -> f64 {
    loaded.answered.count as f64 / loaded.answered.seconds
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[expect(clippy::cast_precision_loss, reason = "a process' memory")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / MEBIBYTE
}
