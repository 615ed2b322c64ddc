//! What the conditions cost in the API server, by its own count: an expression that passes the limit is an error there.

use serde_json::{Value, json};
use tiller_guard::k8s::webhook_configuration::condition;

use super::evaluator::{Evaluated, OLDEST, evaluate};
use super::long::{LISTS, long};
use super::{CUSTODY, Condition, OWN_ACCOUNT, TILLER, request};

/// What one expression may cost in the API server.
const MOST_COST: u64 = 1_000_000;
/// What an API server takes in one request, in bytes.
const MOST_BYTES: usize = 3 << 20;

fn evaluated(condition: &Condition, kind: &str, object: &Value) -> Evaluated {
    let user = json!({ "username": "ann", "groups": ["system:authenticated"] });
    let requests = [request(&user, kind, object)];
    let mut answer = evaluate(&condition.0, OLDEST, &requests);
    answer.results.pop().unwrap_or_else(|| panic!("{answer:?}"))
}

fn pod(containers: &[Value]) -> Value {
    json!({ "metadata": { "name": "web" }, "spec": { "containers": containers } })
}

/// Each element costs the same until there are too many to be walked, and then the object is passed on.
#[test]
#[ignore = "only the API server's own evaluator counts costs: make conditions"]
fn the_cost_grows_no_faster_than_any_list() {
    const EACH: u64 = 45;
    for list in LISTS {
        for length in [1, 1_000, 5_000, 20_000, 80_000] {
            let (kind, object) = long(list, length);
            for condition in [&*TILLER, &*OWN_ACCOUNT, &*CUSTODY] {
                let Evaluated { error, cost, .. } = evaluated(condition, kind, &object);
                assert_eq!(error, None, "{list} {length}");
                assert!(
                    cost < 1_000 + EACH * length as u64,
                    "{list} {length}: {cost}"
                );
                assert!(cost < MOST_COST / 2, "{list} {length}: {cost}");
            }
        }
    }
}

/// What is made to cost as much as it can, short of being passed on.
#[test]
#[ignore = "only the API server's own evaluator counts costs: make conditions"]
fn no_object_that_an_api_server_takes_passes_the_limit() {
    let near = "xtillerx$(A)x";
    let image: String = format!("x/{}", "xtillerx".repeat(40))
        .chars()
        .take(299)
        .collect();
    let container = |launch: &str, hook: &str, variables: usize, value: &str| {
        let hook = json!({ "exec": { "command": [hook] } });
        json!({
            "name": "a", "image": image, "command": [launch], "args": [launch],
            "env": vec![json!({ "name": "a", "value": value }); variables],
            "lifecycle": { "postStart": hook },
            "livenessProbe": { "httpGet": { "port": 1 } }, "readinessProbe": { "httpGet": { "port": 1 } },
        })
    };
    let mut worst = 0;
    for (count, launch, variables, value) in [
        (1, near.repeat(2_300), 20, near.repeat(115)),
        (15, near.repeat(150), 20, near.repeat(7)),
        (1, near.repeat(2_300), 990, near.repeat(2)),
        (1, "x$(".repeat(99_000), 1, "y$(".repeat(99_000)),
        (3, "x$".repeat(49_000), 3, "y".repeat(33_000)),
        (2, "x$".repeat(74_000), 2, "y".repeat(74_000)),
        (1, "x$".repeat(700_000), 0, String::new()),
        (199, "x$(".repeat(49), 14, "y$(".repeat(2)),
        (3, "x$(".repeat(3_300), 990, "y$(".repeat(2)),
        (40, "x$(".repeat(240), 74, "y$(".repeat(2)),
    ] {
        // None, as much as is matched, and as much as is looked at.
        for most in [0, 5_900, 59_000] {
            let hook: String = launch.chars().take(most / count).collect();
            let mut object = pod(&vec![container(&launch, &hook, variables, &value); count]);
            let volume =
                json!({ "secret": { "secretName": "x" }, "image": { "reference": image } });
            object["spec"]["volumes"] = json!(vec![volume; 256]);
            object["spec"]["serviceAccountName"] = json!("web");
            assert!(object.to_string().len() < MOST_BYTES);
            for condition in [&*TILLER, &*OWN_ACCOUNT] {
                let Evaluated { error, cost, .. } = evaluated(condition, "Pod", &object);
                assert_eq!(error, None, "{count} {variables} {most}");
                worst = worst.max(cost);
            }
        }
    }
    let long = "x$".repeat(1_400_000);
    let object = pod(&[container("", &long, 0, "")]);
    let Evaluated { error, cost, .. } = evaluated(&TILLER, "Pod", &object);
    assert_eq!(error, None);
    worst = worst.max(cost);
    assert!(worst < MOST_COST * 8 / 10, "{worst}");
    let patterns: Vec<String> = (0..40).map(|index| format!("account-{index}-*")).collect();
    let many = Condition(condition::own_account(&patterns));
    let mut object = pod(&[container(near, near, 120, near)]);
    object["spec"]["serviceAccountName"] = json!("web");
    assert_eq!(evaluated(&many, "Pod", &object).error, None);
}
