//! What `provision` does on an API server that does not serve all that a team needs.

use hyper::Request;
use serde_json::Value;

use super::cluster::{World, assert_tells, done, words};
use super::proxy::{Asked, Fate, Proxy, run_at, written};

/// An API server that does not serve a group.
async fn without(world: &World, group: &'static str) -> Proxy {
    let request = Request::get("/apis").body(Vec::new()).unwrap();
    let mut served: Value = world.client.request(request).await.unwrap();
    let groups = served["groups"].as_array_mut().unwrap();
    let before = groups.len();
    groups.retain(|it| it["name"] != group);
    assert_eq!(groups.len(), before - 1, "{group}");
    let served: &'static str = served.to_string().leak();
    Proxy::start(world.client.clone(), move |asked| {
        let path = asked.last().unwrap().path.as_str();
        match path {
            "/apis" => Fate::Says(served),
            _ if path.starts_with(&format!("/apis/{group}/")) => Fate::NotServed,
            _ => Fate::Passes,
        }
    })
    .await
}

/// How often it was asked for what is served, beside a version that the server does not give.
fn questions(asked: &[Asked]) -> usize {
    let unknown = asked.iter().any(|it| it.path == "/healthz");
    let all = asked.iter().filter(|it| it.path == "/apis").count();
    all - usize::from(unknown)
}

async fn provision_at(proxy: &Proxy, words: &[&str]) -> crate::offline::Run {
    run_at(&proxy.kubeconfig(), &[&["provision"], words].concat()).await
}

/// A `NetworkPolicy` is left out, and said to be missing each time; the rest of the team is there.
#[tokio::test]
async fn an_optional_kind_is_left_out_with_a_warning() {
    const WARNING: &str = "z-left: warning: the API server does not serve NetworkPolicy of networking.k8s.io/v1, which is left out; \
                           without it, every pod of the cluster reaches the pods that it selects\n";
    let world = World::create().await;
    let team = words("z-left");
    let team = team.each_ref().map(String::as_str);
    for last in ["17 of 17 objects changed", "nothing to change; 17 objects"] {
        let proxy = without(&world, "networking.k8s.io").await;
        let told = done(provision_at(&proxy, &[&team[..], &["--user=ada"]].concat()).await);
        assert_tells(&told, WARNING);
        assert_tells(&told, &format!("z-left: {last}\n"));
        assert_eq!(questions(&proxy.asked()), 1);
        let shown = done(provision_at(&proxy, &["status", "z-left"]).await);
        assert!(!shown.contains("incomplete"), "{shown}");
    }
    // Where it is served, it is made, and nothing is asked about what is there.
    let proxy = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    let shown = done(provision_at(&proxy, &["status", "z-left"]).await);
    assert_tells(&shown, "  incomplete    NetworkPolicy z-left-t/");
    let told = done(provision_at(&proxy, &[&team[..], &["--user=ada"]].concat()).await);
    assert_tells(&told, "z-left: 1 of 18 objects changed\n");
    let proxy = Proxy::start(world.client.clone(), |_| Fate::Passes).await;
    done(provision_at(&proxy, &["z-left", "--no-wait"]).await);
    assert_eq!(questions(&proxy.asked()), 0);
}

/// All teams of a file share the question.
#[tokio::test]
async fn a_needed_kind_keeps_all_teams_from_being_made() {
    let world = World::create().await;
    let folder = crate::offline::Folder::new();
    let team = |name: &str| {
        format!(
            "---\napiVersion: tiller-guard.io/v1\nkind: Team\nname: {name}\ntillerNamespace: {name}-t\n\
             targetNamespaces: [{name}]\n"
        )
    };
    let file = folder.file("teams.yaml", team("z-one") + &team("z-two"));
    let proxy = without(&world, "apps").await;
    let run = provision_at(&proxy, &["-f", &file, "--no-wait"]).await;
    assert_eq!((run.code, &*run.stdout), (Some(4), ""), "{}", run.stderr);
    for team in ["z-one", "z-two"] {
        let error = format!(
            "error: {team}: the API server does not serve Deployment of apps/v1 (GET /apis), so nothing was written; "
        );
        assert_tells(&run.stderr, &error);
    }
    assert_eq!(written(&proxy.asked()), 0);
    assert_eq!(questions(&proxy.asked()), 1);
}
