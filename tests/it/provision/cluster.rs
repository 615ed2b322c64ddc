//! `provision` against a real API server.

use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, PostParams};
use serde_json::{Value, json};

use crate::api_server::{cluster, value};
use crate::cluster::{User, resource};
use crate::offline::{Run, run};
use crate::suite::Feature;

/// Where the guard of the shared cluster looks for teams.
pub(super) const GUARD: &str = "tiller-guard";

/// Two people, as options.
pub(super) const BOTH: [&str; 2] = ["--user=ada", "--user=bob"];

/// A cluster with a namespace for the guard.
pub(super) struct World {
    pub(super) client: Client,
}

/// Runs `provision` with these words.
pub(super) fn provision(words: &[&str]) -> Run {
    command(&["provision"], words)
}

/// The words that make a team, whose Tiller is in `TEAM-t`, releases in `TEAM`, and is not waited for.
pub(super) fn words(team: &str) -> [String; 4] {
    [
        team.to_owned(),
        format!("--tiller-namespace={team}-t"),
        format!("--target-namespace={team}"),
        "--no-wait".to_owned(),
    ]
}

/// Makes that team, with these words too.
pub(super) fn make(team: &str, more: &[&str]) -> Run {
    let words = words(team);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    provision(&[&words[..], more].concat())
}

/// Makes that team for both people, and gives these words with its name in place of `TEAM`. If `renew` is among them, it has
/// something to renew.
pub(super) async fn make_for(world: &World, team: &str, words: &[&str]) -> Vec<String> {
    done(make(team, &BOTH));
    if words.contains(&"renew") {
        let secrets = world.api("v1", "Secret", &format!("{team}-t"));
        let gone = secrets.delete("tiller-tls", &DeleteParams::default()).await;
        drop(gone.unwrap());
    }
    let named = words.iter().map(|word| word.replace("TEAM", team));
    named.collect()
}

/// That team, with these words too, is in its desired state.
#[track_caller]
pub(super) fn assert_made(team: &str, more: &[&str]) {
    assert_tells(&done(make(team, more)), "nothing to change");
}

/// What a run told that did what it was to do.
pub(super) fn done(run: Run) -> String {
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    run.stdout
}

/// What a dry run of the server's told; nothing where the server would do it for real, and the run refuses.
pub(super) fn tried(run: Run) -> Option<String> {
    if Feature::DryRun.is_in(cluster().version()) {
        return Some(done(run));
    }
    assert_tells(
        &refused(run, 2),
        "ignores --dry-run=server and stores the objects",
    );
    None
}

/// What a run said that did not, for this exit code.
pub(super) fn refused(run: Run, code: i32) -> String {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    run.stderr
}

/// `needle` is a part of `text`.
#[track_caller]
pub(super) fn assert_tells(text: &str, needle: &str) {
    assert!(text.contains(needle), "{needle}\nis not in\n{text}");
}

pub(super) fn command(first: &[&str], words: &[&str]) -> Run {
    let kubeconfig = format!("--kubeconfig={}", cluster().kubeconfig().display());
    run(&[first, words, &[&kubeconfig]].concat(), b"")
}

// === impl World ===

impl World {
    pub(super) async fn create() -> Self {
        let client = cluster().client(User::Admin).await.unwrap();
        let world = Self { client };
        world.namespace(GUARD).await;
        world
    }

    pub(super) async fn namespace(&self, name: &str) {
        let api: Api<DynamicObject> =
            Api::all_with(self.client.clone(), &resource("", "v1", "Namespace"));
        let object =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        let object = serde_json::from_value(object).unwrap();
        match api.create(&PostParams::default(), &object).await {
            Ok(_) => {}
            // Another test was first.
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Api::namespaced_with(
            self.client.clone(),
            namespace,
            &resource(group, version, kind),
        )
    }

    /// Creates an object with these fields.
    pub(super) async fn apply(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        fields: Value,
    ) {
        let mut object = json!({ "apiVersion": api_version, "kind": kind });
        json_patch::merge(&mut object, &fields);
        object["metadata"]["name"] = json!(name);
        let object = serde_json::from_value(object).unwrap();
        let api = self.api(api_version, kind, namespace);
        api.create(&PostParams::default(), &object).await.unwrap();
    }

    pub(super) async fn secret(&self, namespace: &str, name: &str) -> Value {
        value(&self.api("v1", "Secret", namespace).get(name).await.unwrap())
    }

    pub(super) async fn object(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Value {
        value(
            &self
                .api(api_version, kind, namespace)
                .get(name)
                .await
                .unwrap(),
        )
    }

    /// The names of all objects with a team's label, but for namespaces.
    pub(super) async fn labelled(&self, team: &str) -> Vec<String> {
        let parameters = ListParams::default().labels(&format!("tiller-guard.io/team={team}"));
        let mut names = Vec::new();
        for (group, kind) in [
            ("", "ConfigMap"),
            ("", "Secret"),
            ("", "Service"),
            ("", "ServiceAccount"),
            ("apps", "Deployment"),
            ("networking.k8s.io", "NetworkPolicy"),
            ("rbac.authorization.k8s.io", "Role"),
            ("rbac.authorization.k8s.io", "RoleBinding"),
        ] {
            let api: Api<DynamicObject> =
                Api::all_with(self.client.clone(), &resource(group, "v1", kind));
            let found = api.list(&parameters).await.unwrap();
            names.extend(found.items.into_iter().filter_map(|it| it.metadata.name));
        }
        names
    }
}
