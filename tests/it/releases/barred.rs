//! The right to start Tiller, lost while Tiller is stopped.

use std::time::Duration;

use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::kubelet::play_kubelet;
use super::migrated::names;
use super::moved::{all, found, moved};
use super::moved_tiller::{deploy, tiller};
use crate::api_server::{World, cluster, value};
use crate::cluster::resource;
use crate::offline::{Folder, Run};
use crate::provision::proxy::{Asked, Fate, Proxy, run_at};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Somebody who may do all that a run does, and loses the right to write Tiller's Deployment at the first Secret that a run writes.
struct Mover {
    kubeconfig: String,
    user: String,
    _files: (Proxy, Folder),
}

impl Mover {
    async fn of(world: &World) -> Self {
        let user = format!("mover-{}", world.namespace);
        let binding = json!({
            "metadata": { "name": user },
            "roleRef": { "apiGroup": RBAC, "kind": "Role", "name": user },
            "subjects": [{ "apiGroup": RBAC, "kind": "User", "name": user }],
        });
        let role = json!({ "metadata": { "name": user }, "rules": [] });
        for (kind, object) in [("Role", role), ("RoleBinding", binding)] {
            let object = serde_json::from_value(object).unwrap();
            let api = world.objects(RBAC, "v1", kind);
            api.create(&PostParams::default(), &object).await.unwrap();
        }
        grant(world, &user, true).await;
        let (account, world_of_proxy) = (user.clone(), world_again(world));
        let fate = move |asked: &[Asked]| {
            let copies = |it: &&Asked| it.method == "POST" && it.path.ends_with("/secrets");
            if asked.last().as_ref().is_some_and(copies) && asked.iter().filter(copies).count() == 1
            {
                tokio::task::block_in_place(|| {
                    tokio::runtime::Handle::current().block_on(grant(
                        &world_of_proxy,
                        &account,
                        false,
                    ));
                });
            }
            Fate::Passes
        };
        let proxy = Proxy::start(world.client.clone(), fate).await;
        let text = std::fs::read_to_string(proxy.kubeconfig()).unwrap();
        let text = text.replace("user: {}", &format!("user: {{as: {user}}}"));
        let folder = Folder::new();
        Self {
            kubeconfig: folder.file("kubeconfig", text),
            user,
            _files: (proxy, folder),
        }
    }

    async fn runs(&self, namespace: &str, words: &[&str]) -> Run {
        let words = [&["releases"], words, &["-n", namespace]].concat();
        run_at(&self.kubeconfig, &words).await
    }
}

fn world_again(world: &World) -> World {
    World {
        client: world.client.clone(),
        namespace: world.namespace.clone(),
    }
}

/// Gives or takes the right, and returns once the API server knows.
async fn grant(world: &World, user: &str, may_write: bool) {
    let verbs = ["get", "patch"];
    let verbs = if may_write { &verbs[..] } else { &verbs[..1] };
    let rights = json!({ "rules": [
        { "apiGroups": [""], "resources": ["configmaps", "secrets", "pods"], "verbs": ["*"] },
        { "apiGroups": ["apps"], "resources": ["deployments"], "verbs": verbs },
    ] });
    let granted = world.objects(RBAC, "v1", "Role");
    let patch = Patch::Merge(&rights);
    let parameters = PatchParams::default();
    let _role = granted.patch(user, &parameters, &patch).await.unwrap();
    for _try in 0..600 {
        if is_allowed(world, user).await == may_write {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the API server does not know the rights of {user} after 30 s");
}

async fn is_allowed(world: &World, user: &str) -> bool {
    let kind = resource("authorization.k8s.io", "v1", "SubjectAccessReview");
    let reviews: Api<DynamicObject> = Api::all_with(world.client.clone(), &kind);
    let review = json!({
        "metadata": {},
        "spec": {
            "user": user,
            "resourceAttributes": {
                "verb": "patch", "group": "apps", "resource": "deployments", "namespace": world.namespace,
            },
        },
    });
    let review = serde_json::from_value(review).unwrap();
    let answer = reviews.create(&PostParams::default(), &review).await;
    answer.unwrap().data["status"]["allowed"] == true
}

async fn replicas(world: &World) -> Value {
    let deployment = world.deployments().get("tiller-deploy").await.unwrap();
    value(&deployment)["spec"]["replicas"].clone()
}

/// It failed with exit code 4, and its error starts with the first text, names the right, and ends with the last text.
#[track_caller]
fn assert_barred(run: &Run, user: &str, (first, last): (&str, &str)) {
    assert_eq!(run.code, Some(4), "{}{}", run.stdout, run.stderr);
    assert!(run.stderr.starts_with(first), "{}", run.stderr);
    let right = format!("User \"{user}\" cannot patch ");
    assert!(run.stderr.contains(&right), "{}", run.stderr);
    assert!(run.stderr.ends_with(last), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_may_no_longer_start_tiller_says_so_and_is_finished_with_the_right() {
    let namespace = "barred-move";
    let world = super::moved::world(namespace, "plain").await;
    if !cluster().has_controllers() {
        return;
    }
    deploy(&world, &json!([tiller(&[])])).await;
    let kubelet = play_kubelet(&world);
    let mover = Mover::of(&world).await;
    let first = format!("error: cannot start Deployment {namespace}/tiller-deploy: ");
    let last = format!(
        "; ask an administrator for that right in {namespace}; Deployment {namespace}/tiller-deploy is at zero replicas, and no record \
         is lost: to go on, run: tiller-guard releases move --to secrets -n {namespace}; to undo it, run: tiller-guard releases move \
         --to configmaps -n {namespace}\n"
    );
    for _run in 0..2 {
        let run = moved(&mover.kubeconfig, namespace, &["--to=secrets"]).await;
        assert_barred(&run, &mover.user, (&first, &last));
        assert_eq!(replicas(&world).await, 0);
        let there = found(&world).await;
        for (key, text) in all("plain", "Secret") {
            assert_eq!(there.get(&key), Some(&text), "{key}");
        }
    }
    grant(&world, &mover.user, true).await;
    let run = moved(
        &mover.kubeconfig,
        namespace,
        &["--to=secrets", "--timeout=60"],
    )
    .await;
    kubelet.abort();
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(replicas(&world).await, 1);
    assert_eq!(found(&world).await, all("plain", "Secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_may_no_longer_start_tiller_says_so_and_the_next_with_the_right_does() {
    let namespace = "barred-migrate";
    let world = super::migrated::world(namespace, &["desc", "plain"]).await;
    deploy(&world, &json!([tiller(&[])])).await;
    let before = found(&world).await;
    let mover = Mover::of(&world).await;
    let first = format!(
        "error: Deployment {namespace}/tiller-deploy is stopped, and no record is lost, but you may not start it ("
    );
    let last = format!(
        "); ask an administrator for that right in {namespace} and run this again, or to start it with: kubectl -n {namespace} scale \
         deployment tiller-deploy --replicas=1\n"
    );
    let migrate = ["migrate", "--to=helm3", "--stop-tiller", "desc"];
    for _run in 0..2 {
        let run = mover.runs(namespace, &migrate).await;
        assert_barred(&run, &mover.user, (&first, &last));
        assert!(run.stdout.starts_with("desc: migrated "), "{}", run.stdout);
        assert_eq!(replicas(&world).await, 0);
        for (selector, kind, count) in [
            ("owner=helm,name=desc", "Secret", 2),
            ("OWNER=MIGRATED,NAME=desc", "ConfigMap", 2),
            ("OWNER=TILLER,NAME=plain", "ConfigMap", 4),
        ] {
            assert_eq!(
                names(&world, kind, selector).await.len(),
                count,
                "{selector}"
            );
        }
    }
    let run = mover.runs(namespace, &["restore", "desc"]).await;
    assert_barred(&run, &mover.user, (&first, &last));
    assert_eq!(found(&world).await, before);
    grant(&world, &mover.user, true).await;
    let run = mover
        .runs(namespace, &["migrate", "--to=helm3", "--keep", "plain"])
        .await;
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    let started =
        format!("Deployment {namespace}/tiller-deploy was stopped, and is started again\n");
    assert!(run.stdout.contains(&started), "{}", run.stdout);
    assert_eq!(replicas(&world).await, 1);
    assert_eq!(found(&world).await, before);
}
