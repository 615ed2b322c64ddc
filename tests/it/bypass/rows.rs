//! Every row of the catalogue is tried by a test that is named after it, or is told here with its reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// How many rows the catalogue has.
const ROWS: u32 = 59;

/// What no webhook can keep from happening.
const OUT_OF_SCOPE: [(u32, &str); 1] = [(
    51,
    "the API server asks no webhook about webhooks' own registrations: RBAC keeps them, `doctor` finds what is changed",
)];

/// What of the rows that are tried no webhook sees, or this one leaves to others.
const LEFT_OUT: [(u32, &str); 8] = [
    (
        11,
        "what a pod fetches: it is bound to Tiller's account, which it may not have",
    ),
    (
        34,
        "Deployments that sleep since before the guard: their pods are refused when they wake",
    ),
    (
        36,
        "commands in other pods: what they start has those pods' rights, which are not Tiller's",
    ),
    (
        37,
        "nodes/proxy: whoever has it has the nodes; no role of a Tiller's account may grant it",
    ),
    (
        38,
        "reads of logs and Secrets: no webhook is asked about reads, and RBAC is",
    ),
    (
        41,
        "routes to a Service that shows nothing of Tiller: Tiller asks for a client's certificate",
    ),
    (
        52,
        "a guard that is away: the registration says Fail for what may be a Tiller, which its own tests hold",
    ),
    (
        55,
        "static pods and etcd: whoever writes there has the node; the mirror is refused",
    ),
];

#[test]
fn each_row_is_tried_or_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/bypass");
    let mut tried = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for name in text.split("async fn row_").skip(1) {
            tried.extend(name.get(..2).and_then(|row| row.parse::<u32>().ok()));
        }
    }
    let told: BTreeSet<_> = OUT_OF_SCOPE.into_iter().map(|(row, _)| row).collect();
    assert!(tried.is_disjoint(&told));
    let rows: BTreeSet<_> = tried.union(&told).copied().collect();
    assert_eq!(rows, (1..=ROWS).collect());
    for (row, reason) in LEFT_OUT {
        assert!(tried.contains(&row), "{row}: {reason}");
    }
}
