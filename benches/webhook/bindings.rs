//! What a review costs where few bindings are known, and where many are: beside a real API server, whose watches tell of
//! them and which is asked for what a decision hangs on.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::{Value, json};

use crate::bodies::{Review, reviews};
use crate::cluster::{Cluster, Guard, User, get, resource};
use crate::load::Load;
use crate::measure::{Program, processor, resident};
use crate::report::mebibytes;

const FEW: usize = 20;
const MANY: usize = 20_000;
/// What a review may cost at the many, as a multiple of what it costs at the few.
const MOST: f64 = 1.3;
/// The Tiller's own. It holds the few in both cases: what is read live grows with the bindings of a Tiller's namespaces,
/// not with those of the cluster.
const NAMESPACE: &str = "hk";
const OTHER_NAMESPACES: usize = 200;
const WRITERS: usize = 16;
/// Fewer than may ask the API server at the same time, so that none is answered without.
const CONNECTIONS: usize = 8;
const RUN: Duration = Duration::from_millis(1200);
/// The cheapest of them counts: what else the machine does only ever adds.
const RUNS: usize = 3;

/// What was measured with so many bindings.
pub(crate) struct Knowing {
    /// All that the server knew, Kubernetes' own among them.
    bindings: u64,
    memory: u64,
    reviews: Vec<Cost>,
}

struct Cost {
    review: &'static str,
    processor: Duration,
    /// For how many of the reviews something was read live, of one.
    looked_up: f64,
}

const LOOKED_UP: &str = "tiller_guard_admission_lookups_total{result=\"done\"} ";
const ACCESS: &str = "rbac.authorization.k8s.io";

/// With few, then with many.
pub(crate) async fn all() -> Result<[Knowing; 2]> {
    eprintln!("measuring tiller-guard with {FEW} and with {MANY} bindings");
    let cluster = Cluster::start().await?;
    let client = cluster.client(User::Admin).await?;
    make_team(&client).await?;
    bind(&client, NAMESPACE, FEW).await?;
    let few = know(&cluster, FEW).await?;
    let each = (MANY - FEW).div_ceil(OTHER_NAMESPACES);
    for number in 0..OTHER_NAMESPACES {
        let name = format!("namespace-{number}");
        create(&client, None, "", &namespace(&name)).await?;
        bind(&client, &name, each).await?;
    }
    let many = know(&cluster, MANY).await?;
    Ok([few, many])
}

/// Starts a server, which comes to know so many at least, and measures all reviews.
async fn know(cluster: &Cluster, least: usize) -> Result<Knowing> {
    let command = Program::TillerGuard.command()?;
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let (program, words) = words.split_first().context("no program")?;
    let (mut guard, folder) =
        cluster.another_guard(Path::new(program), words, User::Admin, None)?;
    guard.ready().await?;
    let bindings = metric(&guard, "tiller_guard_known_bindings ")?;
    ensure!(
        bindings >= u64::try_from(least)?,
        "{bindings} bindings are known"
    );
    let mut measured = Vec::new();
    for review in bodies()? {
        measured.push(cost(cluster, &guard, &review).await?);
    }
    let memory = resident(guard.server.pid()?)?;
    drop(folder);
    Ok(Knowing {
        bindings,
        memory,
        reviews: measured,
    })
}

async fn cost(cluster: &Cluster, guard: &Guard, review: &Review) -> Result<Cost> {
    let Review { name, path, body } = review;
    let load = Load::new(guard.address, &cluster.ca().certificate())?.over(CONNECTIONS);
    let answer = load.once(path, body).await?;
    ensure!(answer.contains("\"allowed\":true"), "{name}: {answer}");
    load.run(path, body, RUN / 4).await?;
    let pid = guard.server.pid()?;
    let mut best = Duration::MAX;
    let (mut count, looked_up) = (0, metric(guard, LOOKED_UP)?);
    for _ in 0..RUNS {
        let before = processor(pid)?;
        let answered = load.run(path, body, RUN).await?;
        let spent = processor(pid)?.saturating_sub(before);
        best = best.min(spent / u32::try_from(answered.count)?.max(1));
        count += answered.count;
    }
    let looked_up = metric(guard, LOOKED_UP)? - looked_up;
    Ok(Cost {
        review: name,
        processor: best,
        looked_up: share(looked_up, count)?,
    })
}

fn share(part: u64, whole: usize) -> Result<f64> {
    Ok(f64::from(u32::try_from(part)?) / f64::from(u32::try_from(whole)?))
}

/// A number of `/metrics`; none is there before the first is counted.
fn metric(guard: &Guard, name: &str) -> Result<u64> {
    let metrics = get(guard.health, "/metrics")?;
    let number = metrics.lines().find_map(|line| line.strip_prefix(name));
    Ok(number.unwrap_or("0").parse()?)
}

/// What is asked about: the Tiller of a team and a Pod that is none, a binding of its account and one of another.
fn bodies() -> Result<Vec<Review>> {
    let mut bodies = reviews()?;
    bodies
        .retain(|review| ["hardened Pod, validate", "other Pod, validate"].contains(&review.name));
    for (name, account) in [
        ("Tiller's RoleBinding", "tiller"),
        ("other RoleBinding", "web"),
    ] {
        bodies.push(Review {
            name,
            path: "/validate",
            body: serde_json::to_vec(&json!({
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "request": {
                    "uid": "7f07463a-e6ee-11f1-bca5-62761630122e",
                    "kind": { "group": ACCESS, "version": "v1", "kind": "RoleBinding" },
                    "resource": { "group": ACCESS, "version": "v1", "resource": "rolebindings" },
                    "name": account,
                    "namespace": NAMESPACE,
                    "operation": "CREATE",
                    "userInfo": { "username": "ann", "groups": ["system:authenticated"] },
                    "object": binding(account, "releases", account),
                    "oldObject": null,
                    "dryRun": false,
                },
            }))?,
        });
    }
    Ok(bodies)
}

/// A team whose Tiller's account may read ConfigMaps in its namespace, and has the token Secret that the recorded Pod mounts.
async fn make_team(client: &Client) -> Result<()> {
    for name in [NAMESPACE, "tiller-guard"] {
        create(client, None, "", &namespace(name)).await?;
    }
    let team = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": NAMESPACE, "labels": { "tiller-guard.io/kind": "team" } },
        "data": { "tiller-namespace": NAMESPACE, "service-account": "tiller" },
    });
    create(client, Some("tiller-guard"), "", &team).await?;
    let account = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": { "name": "tiller" },
        "secrets": [{ "name": "tiller-token-ts2cj" }],
    });
    create(client, Some(NAMESPACE), "", &account).await?;
    let role = json!({
        "apiVersion": format!("{ACCESS}/v1"),
        "kind": "Role",
        "metadata": { "name": "releases" },
        "rules": [{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"] }],
    });
    create(client, Some(NAMESPACE), ACCESS, &role).await?;
    let binding = binding("tiller", "releases", "tiller");
    create(client, Some(NAMESPACE), ACCESS, &binding).await
}

/// Bindings of accounts of a namespace.
async fn bind(client: &Client, namespace: &str, count: usize) -> Result<()> {
    let write = async |writer: usize| {
        for number in (writer..count).step_by(WRITERS) {
            let account = format!("account-{number}");
            let binding = binding(&account, "some-role", &account);
            create(client, Some(namespace), ACCESS, &binding).await?;
        }
        anyhow::Ok(())
    };
    try_join_all((0..WRITERS).map(write)).await?;
    Ok(())
}

fn binding(name: &str, role: &str, account: &str) -> Value {
    json!({
        "apiVersion": format!("{ACCESS}/v1"),
        "kind": "RoleBinding",
        "metadata": { "name": name },
        "roleRef": { "apiGroup": ACCESS, "kind": "Role", "name": role },
        "subjects": [{ "kind": "ServiceAccount", "name": account }],
    })
}

fn namespace(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } })
}

async fn create(
    client: &Client,
    namespace: Option<&str>,
    group: &str,
    object: &Value,
) -> Result<()> {
    let kind = object
        .get("kind")
        .and_then(Value::as_str)
        .context("no kind")?;
    let resource = resource(group, "v1", kind);
    let api: Api<DynamicObject> = match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let object = serde_json::from_value(object.clone())?;
    api.create(&PostParams::default(), &object).await?;
    Ok(())
}

/// The table. Ratios are to the same review with few bindings.
pub(crate) fn table(known: &[Knowing; 2]) -> String {
    let [few, many] = known;
    let mut text = format!(
        "\n{:<26} {:>8} {:>8} {:>7} {:>9}\n",
        "review, with bindings", few.bindings, many.bindings, "ratio", "read live"
    );
    for (few, many) in few.reviews.iter().zip(&many.reviews) {
        let ratio = ratio(few, many);
        let verdict = if ratio <= MOST { "PASS" } else { "over" };
        let _infallible = writeln!(
            text,
            "{:<26} {:>8.1} {:>8.1} {ratio:>7.2} {:>9.2} {verdict} (at most {MOST})",
            few.review,
            microseconds(few),
            microseconds(many),
            many.looked_up,
        );
    }
    for knowing in known {
        let _infallible = writeln!(
            text,
            "{:.1} MiB with {} bindings known",
            mebibytes(knowing.memory),
            knowing.bindings
        );
    }
    text
}

/// The same for programs.
pub(crate) fn json(known: &[Knowing; 2]) -> Value {
    let [few, _] = known;
    let rows = |knowing: &Knowing| -> Vec<Value> {
        let costs = knowing.reviews.iter().zip(&few.reviews);
        let row = |(cost, few): (&Cost, &Cost)| {
            json!({
                "review": cost.review,
                "cpu_microseconds": microseconds(cost),
                "ratio_to_few": ratio(few, cost),
                "read_live": cost.looked_up,
            })
        };
        costs.map(row).collect()
    };
    let known = known.iter().map(|knowing| {
        json!({
            "bindings": knowing.bindings,
            "memory_bytes": knowing.memory,
            "reviews": rows(knowing),
        })
    });
    known.collect()
}

fn ratio(few: &Cost, many: &Cost) -> f64 {
    microseconds(many) / microseconds(few)
}

fn microseconds(cost: &Cost) -> f64 {
    cost.processor.as_secs_f64() * 1e6
}
