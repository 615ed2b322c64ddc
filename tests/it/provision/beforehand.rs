//! What the commands that change a team find before they write anything.

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use super::cluster::{BOTH, World, assert_tells, command, done, make, provision, refused, words};
use super::first::{may, run_as};
use crate::cluster::resource;
use crate::offline::Folder;

/// The names of the team's objects; of those that a new CA changes, the versions too.
async fn state(world: &World, team: &str) -> Vec<String> {
    let space = format!("{team}-t");
    let deployment = world
        .object("apps/v1", "Deployment", &space, "tiller-deploy")
        .await;
    let mut state = world.labelled(team).await;
    state.push(deployment["metadata"]["generation"].to_string());
    let ca = format!("team-{team}-ca");
    for (kind, namespace, name) in [
        ("ConfigMap", "tiller-guard", team),
        ("Secret", "tiller-guard", &ca),
        ("Secret", &space, "tiller-tls"),
    ] {
        let object = world.object("v1", kind, namespace, name).await;
        state.push(object["metadata"]["resourceVersion"].to_string());
    }
    state
}

/// Who may read all and write some finds out what is missing, and nothing is changed.
#[tokio::test]
async fn who_lacks_a_right_to_change_a_team_changes_nothing() {
    let world = World::create().await;
    let rules = json!([
        { "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] },
        { "apiGroups": [""], "resources": ["*"], "verbs": ["create", "patch"] },
    ]);
    may(&world, "b-some", "b-some", rules).await;
    done(make("b-rights", &BOTH));
    let before = state(&world, "b-rights").await;
    let commands: [(&[&str], &str); 6] = [
        (
            &["provision", "grant", "b-rights", "--user=carol"],
            "you may not create rolebindings in tiller-guard, create roles in tiller-guard, patch rolebindings in b-rights-t; ",
        ),
        (
            &["provision", "revoke", "b-rights", "--user=bob"],
            "you may not delete secrets in tiller-guard, ",
        ),
        (
            &["provision", "rotate", "b-rights"],
            "you may not patch deployments in b-rights-t; ",
        ),
        (
            &["provision", "rotate", "b-rights", "--now"],
            "you may not patch deployments in b-rights-t; ",
        ),
        (
            &["deprovision", "b-rights", "--yes"],
            "you may not delete configmaps in tiller-guard, ",
        ),
        (
            &[
                "deprovision",
                "b-rights",
                "--target-namespace=b-rights",
                "--yes",
            ],
            "the team \"b-rights\" has no target namespace",
        ),
    ];
    for (words, expected) in commands {
        let run = run_as("b-some", words);
        let code = if expected.starts_with("you") { 4 } else { 2 };
        let told = refused(run, code);
        assert_tells(&told, expected);
        if code == 4 {
            assert_tells(&told, "nothing was changed: ask an administrator");
        }
        assert_eq!(state(&world, "b-rights").await, before, "{words:?}");
    }
}

async fn finalizers(world: &World, name: &str, finalizers: Value) {
    let api: Api<DynamicObject> =
        Api::all_with(world.client.clone(), &resource("", "v1", "Namespace"));
    let patch = json!({ "metadata": { "finalizers": finalizers } });
    let done = api
        .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
        .await;
    done.unwrap();
}

/// Has a namespace be deleted without end.
async fn leaves(world: &World, name: &str) {
    finalizers(world, name, json!(["tiller-guard.io/test"])).await;
    let api: Api<DynamicObject> =
        Api::all_with(world.client.clone(), &resource("", "v1", "Namespace"));
    drop(api.delete(name, &DeleteParams::default()).await.unwrap());
}

#[tokio::test]
async fn a_namespace_that_is_being_deleted_is_named() {
    let world = World::create().await;
    done(make("b-leaves", &BOTH));
    let before = state(&world, "b-leaves").await;
    leaves(&world, "b-leaves").await;
    for words in [
        &["b-leaves", "--no-wait"][..],
        &["grant", "b-leaves", "--user=carol"],
        &["revoke", "b-leaves", "--user=bob"],
        &["rotate", "b-leaves"],
        &["rotate", "b-leaves", "--now"],
    ] {
        assert_eq!(
            refused(provision(words), 2),
            "error: b-leaves: namespace b-leaves is being deleted, and nothing can be made in it; nothing was changed: wait \
             until it is removed, then run this again\n"
        );
        assert_eq!(state(&world, "b-leaves").await, before, "{words:?}");
    }
    finalizers(&world, "b-leaves", json!([])).await;

    world.namespace("b-guard").await;
    leaves(&world, "b-guard").await;
    let team = words("b-inside");
    let team = team.each_ref().map(String::as_str);
    let words = [&team[..], &["--guard-namespace=b-guard"]].concat();
    let told = refused(command(&["provision"], &words), 2);
    assert_tells(&told, "namespace b-guard is being deleted");
    assert_eq!(world.labelled("b-inside").await, Vec::<String>::new());
    finalizers(&world, "b-guard", json!([])).await;
}

/// A folder that cannot be written is found before the cluster is changed.
#[tokio::test]
async fn a_folder_for_bundles_that_is_a_file_changes_nothing() {
    let world = World::create().await;
    let folder = Folder::new();
    let file = folder.file("file", "mine");
    for place in [&*file, &format!("{file}/below"), "/proc/tiller-guard"] {
        let told = refused(make("b-file", &[&format!("--bundle-dir={place}")]), 2);
        let start = format!("error: --bundle-dir: cannot write to {place}; nothing was changed: ");
        assert!(told.starts_with(&start), "{told}");
    }
    assert_eq!(world.labelled("b-file").await, Vec::<String>::new());
}

/// Files of others in the folder of bundles are found before the cluster is changed.
#[tokio::test]
async fn foreign_certificates_in_a_folder_for_bundles_change_nothing() {
    let world = World::create().await;
    let folder = Folder::new();
    let bundles = format!("--bundle-dir={}", folder.path());
    done(make("b-theirs", &["--user=ada", &bundles]));
    let theirs = std::fs::read_dir(format!("{}/b-theirs", folder.path())).unwrap();
    let [ada] = &theirs.map(|it| it.unwrap().file_name()).collect::<Vec<_>>()[..] else {
        panic!("one folder");
    };
    let ada = format!("{}/b-mine/{}", folder.path(), ada.display());
    std::fs::create_dir_all(&ada).unwrap();
    let mine = format!("{ada}/cert.pem");
    std::fs::write(&mine, "mine").unwrap();
    let told = refused(make("b-mine", &["--user=ada", &bundles]), 2);
    let start = format!(
        "error: b-mine: the bundle of the user ada: --bundle-dir: nothing was changed: {mine} already exists"
    );
    assert!(told.starts_with(&start), "{told}");
    assert_eq!(world.labelled("b-mine").await, Vec::<String>::new());
    done(make("b-mine", &["--user=ada", &bundles, "--force"]));
    let before = state(&world, "b-mine").await;
    // A record of another team, too.
    let record = format!("{ada}/.tiller-guard.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("b-mine", "b-theirs")).unwrap();
    let told = refused(
        provision(&["rotate", "b-mine", "--now", "--no-wait", &bundles]),
        2,
    );
    assert_tells(
        &told,
        "holds the bundle of the user ada of the team b-theirs",
    );
    assert_eq!(state(&world, "b-mine").await, before);
}

/// The status says which right is missing, and not what the API server says.
#[tokio::test]
async fn who_may_not_see_rights_is_told_which_right_is_missing() {
    let world = World::create().await;
    let rules = json!([
        { "apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["get", "list"] },
    ]);
    may(&world, "b-reads", "b-reads", rules).await;
    done(make("b-seen", &BOTH));
    let told = refused(run_as("b-reads", &["provision", "status", "b-seen"]), 4);
    assert_eq!(told.lines().count(), 1, "{told}");
    let start = "error: b-seen: cannot list every ";
    assert!(told.starts_with(start), "{told}");
    assert_tells(&told, "in the cluster: you, b-reads, may not list ");
    assert_tells(
        &told,
        ".rbac.authorization.k8s.io in the whole cluster: ask an administrator to do it, or to give you that right\n",
    );
}
