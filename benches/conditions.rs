//! What it costs an API server to evaluate the conditions of the webhook configurations, by its own evaluator: objects
//! with a list of 1 to 80,000 elements, in milliseconds of time above a condition that looks at nothing, and in the API
//! server's units.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark may stop, and prints"
)]

#[path = "../tests/it/conditions/evaluator.rs"]
mod evaluator;
#[path = "../tests/it/conditions/long.rs"]
mod long;

use std::time::{Duration, Instant};

use evaluator::{Evaluated, OLDEST, evaluate, library};
use long::{LISTS, long};
use serde_json::json;
use tiller_guard::k8s::webhook_configuration::condition;
use tiller_guard::policy::Settings;

const LENGTHS: [usize; 5] = [1, 1_000, 5_000, 20_000, 80_000];
/// What the longest list may take.
const MOST: Duration = Duration::from_millis(200);

fn main() {
    if std::env::var_os("CEL_EVALUATOR").is_none() {
        println!(
            "CONDITIONS ARE NOT MEASURED: make bench builds the API server's own evaluator where it can"
        );
        return;
    }
    let condition = condition::tiller(&Settings::default().account_patterns);
    println!(
        "may-be-tiller, by the library of Kubernetes {}: ms (cost)",
        library()
    );
    print!("{:<14}", "elements");
    for length in LENGTHS {
        print!("{length:>18}");
    }
    println!();
    for list in LISTS {
        print!("{list:<14}");
        for length in LENGTHS {
            let (taken, cost) = taken(&condition, list, length);
            print!(
                "{:>18}",
                format!("{:.1} ({cost})", taken.as_secs_f64() * 1e3)
            );
            assert!(taken <= MOST, "{list} of {length}: {taken:?}");
        }
        println!();
    }
}

/// The shortest of some times above that of a condition that looks at nothing, and the cost.
fn taken(condition: &str, list: &str, length: usize) -> (Duration, u64) {
    let (kind, object) = long(list, length);
    let request = [json!({
        "kind": { "kind": kind }, "operation": "CREATE", "userInfo": { "username": "ann" }, "object": object,
    })];
    let timed = |expression: &str| {
        let start = Instant::now();
        let mut answer = evaluate(expression, OLDEST, &request);
        let taken = start.elapsed();
        match answer.results.pop() {
            Some(Evaluated {
                error: None, cost, ..
            }) => (taken, cost),
            other => panic!("{other:?}"),
        }
    };
    let shortest = |expression: &str| (0..5).map(|_| timed(expression)).min().unwrap_or_default();
    let (plain, _) = shortest("true");
    let (whole, cost) = shortest(condition);
    (whole.saturating_sub(plain), cost)
}
